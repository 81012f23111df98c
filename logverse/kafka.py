"""The one place that turns settings into client configuration: librdkafka's for ours, Java's for Flink's connector."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from logverse.errors import WrongSettings
from logverse.settings import Settings, brokers

Client = TypeVar("Client")
# librdkafka's and Kafka's name → ours, to say what to mend.
_OURS = {
    "ssl.ca.location": "ssl_ca_file", "ssl.certificate.location": "ssl_certificate_file", "ssl.key.location": "ssl_key_file",
    "sasl.mechanism": "sasl_mechanism", "sasl.username": "sasl_username", "bootstrap.servers": "bootstrap_servers",
    "security.protocol": "security_protocol",
}  # fmt: skip


def client(kind: Callable[..., Client], config: dict[str, Any], **more: Any) -> Client:
    """A `kind` (Producer, Consumer, AdminClient) with this configuration. WrongSettings when librdkafka cannot work with it."""
    from confluent_kafka import KafkaError, KafkaException

    try:
        return kind(config, **more)
    except KafkaException as error:
        if error.args[0].code() != KafkaError._INVALID_ARG:
            raise
        said = error.args[0].str()
        where = next((ours for theirs, ours in _OURS.items() if theirs in said), "Kafka client")
        raise WrongSettings(said, where=where, remedy="see what is in force: logverse config show") from error


def locked_out(error: Any) -> str | None:
    """For an `error_cb`: what to mend when the brokers do not let us in (a confluent_kafka KafkaError), None for other trouble."""
    from confluent_kafka import KafkaError

    if error.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
        return f"Kafka does not let us in: {error.str()}\n  → check sasl_mechanism, sasl_username and the file of sasl_password_file"
    if error.code() == KafkaError._SSL:
        return (
            f"Kafka and we do not agree on TLS: {error.str()}\n  → check security_protocol, ssl_ca_file, ssl_certificate_file, ssl_key_file"
        )
    return None


def client_config(settings: Settings, **more: Any) -> dict[str, Any]:
    """Configuration of a confluent-kafka client; `more` in Kafka's names with `_` for `.`.

    WrongSettings when a file that the settings name cannot be read, or certificate and key are not both given.
    """
    config: dict[str, Any] = {"bootstrap.servers": brokers(settings), "security.protocol": settings.security_protocol}
    if settings.security_protocol.endswith("SSL"):
        _pair(settings)
        for name in ("ssl.ca.location", "ssl.certificate.location", "ssl.key.location"):
            if path := getattr(settings, _OURS[name]):
                _text(_OURS[name], path)
                config[name] = path
    if settings.security_protocol.startswith("SASL"):
        config |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": _secret(settings.sasl_password_file),
        }
    return config | {name.replace("_", "."): value for name, value in more.items()}


def java_properties(settings: Settings) -> dict[str, str]:
    """Properties of a Java client, for Flink's connector (`properties.*`). They travel in the job graph, secrets too.

    Certificates and key go along as text, since a TaskManager elsewhere has no such files. WrongSettings as for `client_config`,
    and for a key that Java does not read.
    """
    properties = {"bootstrap.servers": brokers(settings), "security.protocol": settings.security_protocol}
    if settings.security_protocol.endswith("SSL"):
        properties |= _java_tls(settings)
    if settings.security_protocol.startswith("SASL"):
        module = "plain.PlainLoginModule" if settings.sasl_mechanism == "PLAIN" else "scram.ScramLoginModule"
        user, password = (_quoted(text) for text in (settings.sasl_username, _secret(settings.sasl_password_file)))
        properties["sasl.mechanism"] = settings.sasl_mechanism
        properties["sasl.jaas.config"] = f"org.apache.kafka.common.security.{module} required username={user} password={password};"
    return properties


def _java_tls(settings: Settings) -> dict[str, str]:
    """PEM inline, from KIP-651."""
    _pair(settings)
    properties: dict[str, str] = {}
    if settings.ssl_ca_file:
        certificates = _pem("ssl_ca_file", settings.ssl_ca_file, "CERTIFICATE")
        properties |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": certificates}
    if settings.ssl_certificate_file:
        chain = _pem("ssl_certificate_file", settings.ssl_certificate_file, "CERTIFICATE")
        remedy = "Java reads PKCS#8 only: openssl pkcs8 -topk8 -nocrypt -in KEY -out KEY.pkcs8"
        key = _pem("ssl_key_file", settings.ssl_key_file, "PRIVATE KEY", remedy)
        properties |= {"ssl.keystore.type": "PEM", "ssl.keystore.certificate.chain": chain, "ssl.keystore.key": key}
    return properties


def _pair(settings: Settings) -> None:
    if bool(settings.ssl_certificate_file) != bool(settings.ssl_key_file):
        missing = "ssl_key_file" if settings.ssl_certificate_file else "ssl_certificate_file"
        raise WrongSettings("a certificate and its key go together", where=missing, remedy="name both files, or neither")


def _pem(name: str, path: str, label: str, remedy: str = "name a PEM file") -> str:
    """The blocks of this label in a PEM file, and nothing else that stands in it."""
    blocks = re.findall(rf"-----BEGIN {label}-----.+?-----END {label}-----", _text(name, path), re.DOTALL)
    if not blocks:
        raise WrongSettings(f"no PEM block {label!r}", where=f"{name} {path}", remedy=remedy)
    return "\n".join(blocks)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _secret(path: str) -> str:
    if not path:
        raise WrongSettings("no password", where="sasl_password_file", remedy="name a file that holds it")
    return _text("sasl_password_file", path).rstrip("\r\n")


def _text(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise WrongSettings(f"cannot be read: {error.strerror}", where=f"{name} {path}", remedy="name a readable file") from error
    except UnicodeDecodeError:  # its text would show bytes of the file
        raise WrongSettings("not text", where=f"{name} {path}", remedy="name a text file") from None
