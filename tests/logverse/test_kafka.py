"""Settings become client configuration: librdkafka's and Java's; what cannot work is refused before anything connects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Producer

from logverse.errors import WrongSettings
from logverse.kafka import client, client_config, java_properties, locked_out
from logverse.settings import Settings

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"
SECRET = 'pa"ss\\word'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """TLS both ways and a password."""
    files = {
        "ca": f"# our authority\n{CERTIFICATE}\n{CERTIFICATE}\n",
        "cert": f"{CERTIFICATE}\n{KEY}\n",
        "key": KEY,
        "password": SECRET + "\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return Settings(
        bootstrap_servers="kafka.example:9093", security_protocol="SASL_SSL", ssl_ca_file=str(tmp_path / "ca"),
        ssl_certificate_file=str(tmp_path / "cert"), ssl_key_file=str(tmp_path / "key"),
        sasl_username="ann", sasl_password_file=str(tmp_path / "password"),
    )  # fmt: skip


def test_librdkafka_gets_the_files_and_the_password(settings: Settings) -> None:
    """Files by their path, the password without its line end, and more under Kafka's names."""
    assert client_config(settings, group_id="g") == {
        "bootstrap.servers": "kafka.example:9093", "security.protocol": "SASL_SSL",
        "ssl.ca.location": settings.ssl_ca_file, "ssl.certificate.location": settings.ssl_certificate_file,
        "ssl.key.location": settings.ssl_key_file, "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "ann",
        "sasl.password": SECRET, "group.id": "g",
    }  # fmt: skip


def test_java_gets_certificates_and_key_as_text(settings: Settings) -> None:
    """A TaskManager on another machine has none of our files; nothing but the blocks that belong there goes along."""
    assert java_properties(settings) == {
        "bootstrap.servers": "kafka.example:9093", "security.protocol": "SASL_SSL",
        "ssl.truststore.type": "PEM", "ssl.truststore.certificates": f"{CERTIFICATE}\n{CERTIFICATE}",
        "ssl.keystore.type": "PEM", "ssl.keystore.certificate.chain": CERTIFICATE, "ssl.keystore.key": KEY,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": 'org.apache.kafka.common.security.scram.ScramLoginModule required username="ann" password="pa\\"ss\\\\word";',
    }  # fmt: skip


def test_plain_text_needs_no_files() -> None:
    """Neither client hears of TLS or a password."""
    plain = Settings(bootstrap_servers="k:1", ssl_ca_file="unused")

    assert client_config(plain) == java_properties(plain) == {"bootstrap.servers": "k:1", "security.protocol": "PLAINTEXT"}


@pytest.mark.parametrize("configured", [client_config, java_properties])
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("ssl_key_file", "", "ssl_key_file: a certificate and its key go together"),
        ("ssl_certificate_file", "", "ssl_certificate_file: a certificate and its key go together"),
        ("ssl_ca_file", "nowhere", "ssl_ca_file nowhere: cannot be read: No such file"),
        ("ssl_key_file", "nowhere", "ssl_key_file nowhere: cannot be read: No such file"),
        ("sasl_password_file", "", "sasl_password_file: no password"),
        ("sasl_password_file", "nowhere", "sasl_password_file nowhere: cannot be read"),
    ],
)
def test_half_a_setting_is_refused(settings: Settings, configured: object, field: str, value: str, said: str) -> None:
    """The field and the file are named."""
    with pytest.raises(WrongSettings) as caught:
        configured(replace(settings, **{field: value}))  # type: ignore[operator]

    assert said in str(caught.value)


def test_a_file_that_is_not_text_is_refused_without_its_bytes(settings: Settings) -> None:
    """A password file in the wrong place is not shown."""
    Path(settings.sasl_password_file).write_bytes(b"geheim\xff")

    with pytest.raises(WrongSettings, match="not text") as caught:
        client_config(settings)

    assert "geheim" not in str(caught.value)


def test_a_key_that_java_does_not_read_names_the_way_out(settings: Settings) -> None:
    """OpenSSL's old form would fail in the TaskManager, long after the submission."""
    Path(settings.ssl_key_file).write_text(KEY.replace("PRIVATE", "RSA PRIVATE"))

    with pytest.raises(WrongSettings, match="openssl pkcs8 -topk8"):
        java_properties(settings)


def test_no_secret_is_in_a_repr(settings: Settings) -> None:
    """Settings hold the names of files, never what is in them."""
    client_config(settings)

    assert SECRET not in repr(settings)
    assert "MIIE" not in repr(settings)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"security.protocol": "SSL", "ssl.ca.location": "nowhere.pem"}, "ssl_ca_file"),
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"}, "sasl_username"),
        ({"nonsense": 1}, "Kafka client"),
    ],
)
def test_what_librdkafka_cannot_work_with_is_a_wrong_setting(wrong: dict[str, object], where: str) -> None:
    """No stack trace, and our name of the setting."""
    with pytest.raises(WrongSettings) as caught:
        client(Producer, wrong | {"log_level": 0})

    assert caught.value.where == where


def test_who_is_not_let_in_learns_what_to_mend() -> None:
    """A wrong password and a wrong certificate name their settings; a broker that is away does not."""
    password, certificate, away = (
        locked_out(KafkaError(code)) for code in (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._TRANSPORT)
    )

    assert password and "sasl_password_file" in password
    assert certificate and "ssl_ca_file" in certificate
    assert away is None
