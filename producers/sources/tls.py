"""TLS of a listener, from the files the user named."""

from __future__ import annotations

import ssl

from logverse.errors import WrongSettings
from producers.order import Tls


def server_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or newer with our certificate; with a client authority nobody comes in without a certificate of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _readable(tls)
    try:
        context.load_cert_chain(tls.certificate, tls.key)
    except ssl.SSLError as error:
        remedy = "PEM files that belong together, the key without a password"
        raise WrongSettings(f"cannot be used: {error.reason or error}", where=f"{tls.certificate}, {tls.key}", remedy=remedy) from error
    if tls.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(tls.client_ca)
        except ssl.SSLError as error:
            raise WrongSettings(f"no certificates: {error.reason or error}", where=str(tls.client_ca), remedy="name a PEM file") from error
    return context


def _readable(tls: Tls) -> None:
    for path in filter(None, (tls.certificate, tls.key, tls.client_ca)):
        try:
            path.open("rb").close()
        except OSError as error:
            raise WrongSettings(
                f"cannot be read: {error.strerror}", where=str(path), remedy="name a PEM file that this user may read"
            ) from error
