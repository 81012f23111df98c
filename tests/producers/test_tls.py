"""Syslog over TLS: who may come in, and that those who may not disturb nobody."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from logverse.errors import WrongSettings
from producers.order import Tls

from .station import Station, wait_until
from .test_syslog import LINE


class Authority:
    """Issues certificates, with openssl."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.certificate = folder, name, folder / f"{name}.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                      f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip

    def issue(self, name: str) -> Tls:
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}", "-addext",
                      "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key", "-CAcreateserial",
                      "-days", "2", "-copy_extensions", "copy", "-out", f"{name}.pem")  # fmt: skip
        return Tls(self.folder / f"{name}.pem", self.folder / f"{name}.key")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=30)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("strangers"), "strangers")


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    yield station
    station.stop()


def send(station: Station, message: bytes, authority: Authority, certificate: Tls | None = None) -> None:
    """As a client that trusts this authority, with a certificate or without; waits until the other side has closed."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)
    with context.wrap_socket(station.connect(), server_hostname="localhost") as secured:
        secured.sendall(message)
        secured.unwrap() if certificate is None else secured.shutdown(socket.SHUT_WR)


def test_right_certificates_come_in(station: Station, ours: Authority) -> None:
    """A client that trusts our authority and has a certificate of it is heard."""
    server = ours.issue("server")
    station.start("syslog+tls://127.0.0.1:0", tls=Tls(server.certificate, server.key, ours.certificate))

    send(station, LINE + b"hello\n", ours, ours.issue("client"))

    wait_until(lambda: station.bodies() == ["hello"], "the message")


def test_client_refuses_a_server_that_it_does_not_trust(station: Station, ours: Authority, strangers: Authority) -> None:
    """A client of another authority says nothing to us, and the others are heard."""
    station.start("syslog+tls://127.0.0.1:0", tls=ours.issue("server"))

    with pytest.raises(ssl.SSLCertVerificationError):
        send(station, LINE + b"secret\n", strangers)
    send(station, LINE + b"hello\n", ours)

    wait_until(lambda: station.bodies() == ["hello"], "the message")
    assert station.account.refused == 1
    assert any("does not get through TLS" in said for said in station.said)


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_only_our_clients_come_in(station: Station, ours: Authority, strangers: Authority, who: str) -> None:
    """With a client authority, a client without a certificate or with a stranger's gets nothing through, and is counted."""
    server = ours.issue("server")
    station.start("syslog+tls://127.0.0.1:0", tls=Tls(server.certificate, server.key, ours.certificate))

    with suppress(OSError):  # in TLS 1.3 a client may have said everything before it hears that it may not
        send(station, LINE + b"let me in\n" * 10_000, ours, strangers.issue("client") if who == "stranger" else None)

    wait_until(lambda: station.account.refused == 1, "the refusal")
    assert station.publisher.records == []


def test_plain_text_and_silence_at_the_tls_port(station: Station, ours: Authority) -> None:
    """Clients that speak no TLS, or nothing at all, do not keep others from speaking."""
    station.start("syslog+tls://127.0.0.1:0", tls=ours.issue("server"))
    silent = [station.connect() for _ in range(20)]
    with station.connect() as plain:
        plain.sendall(LINE + b"in the clear\n")

        send(station, LINE + b"hello\n", ours)

    wait_until(lambda: station.bodies() == ["hello"], "the message")
    for one in silent:
        one.close()


def test_wrong_files_are_named(station: Station, ours: Authority, strangers: Authority) -> None:
    """A certificate with another's key, a file that is none, a missing one: the message names the file."""
    server, other = ours.issue("server"), strangers.issue("other")
    (ours.folder / "text.pem").write_text("no certificate")

    for tls, named in (
        (Tls(server.certificate, other.key), "other.key"),
        (Tls(ours.folder / "text.pem", server.key), "text.pem"),
        (Tls(server.certificate, ours.folder / "gone.key"), "gone.key"),
        (Tls(server.certificate, server.key, ours.folder / "text.pem"), "text.pem"),
        (None, "syslog+tls"),
    ):
        with pytest.raises(WrongSettings) as caught:
            station.start("syslog+tls://127.0.0.1:0", tls=tls)
        assert named in caught.value.where
        assert caught.value.remedy
