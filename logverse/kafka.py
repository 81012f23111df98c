"""The one place that turns settings into client configuration: librdkafka's for ours, Java's for Flink's connector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from logverse.errors import WrongSettings
from logverse.settings import Settings, brokers


def client_config(settings: Settings, **more: Any) -> dict[str, Any]:
    """Configuration of a confluent-kafka client; `more` in Kafka's names with `_` for `.`."""
    config: dict[str, Any] = {"bootstrap.servers": brokers(settings), "security.protocol": settings.security_protocol}
    if settings.security_protocol.endswith("SSL"):
        config |= _present(
            {
                "ssl.ca.location": settings.ssl_ca_file,
                "ssl.certificate.location": settings.ssl_certificate_file,
                "ssl.key.location": settings.ssl_key_file,
            }
        )
    if settings.security_protocol.startswith("SASL"):
        config |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": _secret(settings.sasl_password_file),
        }
    return config | {name.replace("_", "."): value for name, value in more.items()}


def java_properties(settings: Settings) -> dict[str, str]:
    """Properties of a Java client, for Flink's connector (`properties.*`). They travel in the job graph, secrets too."""
    properties = {"bootstrap.servers": brokers(settings), "security.protocol": settings.security_protocol}
    if settings.security_protocol.endswith("SSL"):
        properties |= _present({"ssl.truststore.location": settings.ssl_ca_file})
        if settings.ssl_ca_file:
            properties["ssl.truststore.type"] = "PEM"
    if settings.security_protocol.startswith("SASL"):
        module = "plain.PlainLoginModule" if settings.sasl_mechanism == "PLAIN" else "scram.ScramLoginModule"
        user, password = (_quoted(text) for text in (settings.sasl_username, _secret(settings.sasl_password_file)))
        properties["sasl.mechanism"] = settings.sasl_mechanism
        properties["sasl.jaas.config"] = f"org.apache.kafka.common.security.{module} required username={user} password={password};"
    return properties


def _present(config: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in config.items() if value}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _secret(path: str) -> str:
    if not path:
        raise WrongSettings("no password", where="sasl_password_file", remedy="name a file that holds it")
    try:
        return Path(path).read_text().rstrip("\n")
    except OSError as error:
        raise WrongSettings(f"cannot be read: {error.strerror}", where=f"sasl_password_file {path}") from error
