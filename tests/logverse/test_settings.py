"""Settings: what the user wrote is taken as written, or refused with the place and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from logverse import settings
from logverse.errors import WrongSettings


def file_of(home: Path, text: str | bytes) -> Path:
    path = home / "logverse.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_values_of_the_file_are_taken_as_written(tmp_path: Path) -> None:
    """Text that YAML would read as a number or a truth stays what it is; an empty value is not set."""
    file_of(tmp_path, "sasl_username: 007\ntopic_prefix: yes\nssl_ca_file:\nsecurity_protocol: null\n")

    found, origin = settings.loaded({"home": str(tmp_path)}, {})

    assert (found.sasl_username, found.topic_prefix, found.ssl_ca_file, found.security_protocol) == ("007", "yes", "", "PLAINTEXT")
    assert (origin["ssl_ca_file"], origin["sasl_username"]) == ("default", str(tmp_path / "logverse.yaml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nbootstrap_servers: [a:1, b:2]", "logverse.yaml:2 bootstrap_servers: must be one value"),
        ("topic_prefix: {a: b}", "logverse.yaml:1 topic_prefix: must be one value"),
        ("bootstrap_server: a:1", "did you mean bootstrap_servers?"),
        ("xyz: 1", "unknown setting 'xyz'"),
        ("sasl_mechanism: SCRAM-SHA512", "did you mean SCRAM-SHA-512?"),
        ("security_protocol: ssl", "did you mean SSL?"),
        ("keep_http: thirty days", "keep_http is 'thirty days', not a duration"),
        ("keep_http: 10s", "keep_http is '10s'\n  → at least 1m"),
        ("keep_series_1h: 21y", "keep_series_1h is '21y'\n  → at most"),
        ("- a", "not a mapping"),
        ("a: [", "not YAML"),
        (b"topic_prefix: \xff\xfe", "not UTF-8 text"),
    ],
)
def test_what_cannot_be_says_where_and_what_to_do(tmp_path: Path, text: str | bytes, said: str) -> None:
    """File, field and remedy are in the message."""
    path = file_of(tmp_path, text)

    with pytest.raises(WrongSettings) as caught:
        settings.load({"home": str(tmp_path)}, {})

    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """So is a home of nobody; one that is not there yet is fine."""
    path = file_of(tmp_path, "")

    for home in (str(path), "~no-such-user-here"):
        with pytest.raises(WrongSettings, match="--home: home is "):
            settings.load({"home": home}, {})

    assert settings.load({"home": str(tmp_path / "new")}, {}).home_path == tmp_path / "new"


def test_a_configuration_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    """LOGVERSE_CONFIG must name a file; an empty one counts as none."""
    with pytest.raises(WrongSettings, match="cannot be read"):
        settings.load({"home": str(tmp_path)}, {"LOGVERSE_CONFIG": str(tmp_path)})

    assert settings.load({"home": str(tmp_path)}, {"LOGVERSE_CONFIG": ""}).topic_prefix == ""


def test_addresses_of_the_embedded_stack_are_taken_where_none_is_set(tmp_path: Path) -> None:
    """Kafka's, Flink's and Cassandra's; what the user sets goes over them."""
    (tmp_path / "endpoints.json").write_text('{"kafka": "k:1", "jobmanager": "j:2", "cassandra": "c:3"}')
    file_of(tmp_path, "jobmanager: mine:4\n")

    found, origin = settings.loaded({"home": str(tmp_path)}, {})

    assert (found.bootstrap_servers, found.jobmanager, found.cassandra_hosts) == ("k:1", "mine:4", "c:3")
    assert origin["cassandra_hosts"] == "embedded stack"
