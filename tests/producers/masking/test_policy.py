"""The policy file: what it says is what happens, and what is wrong with it is told at once, with line, field and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from logverse.errors import WrongSettings
from producers.masking import PATTERNS
from producers.masking.mask import Mask
from producers.masking.policy import DEFAULT, read_policy


def written(folder: Path, text: str) -> Path:
    path = folder / "masking.yaml"
    path.write_text(text)
    return path


def test_default_policy_takes_out_all_but_addresses() -> None:
    """The shipped policy masks every kind of pattern but IP addresses, which detection lives on, and says something of each."""
    policy = read_policy(DEFAULT)

    assert policy.patterns == {**dict.fromkeys(PATTERNS, "mask"), "ip": "keep"}
    assert (policy.fields, policy.dead, Mask(policy).on) == ({}, "mask", True)


def test_policy_is_read_as_written(tmp_path: Path) -> None:
    """Kinds, fields, globs and the key beside the file; naming fields drops dead letters unless the file says otherwise."""
    (tmp_path / "masking.key").write_text("k" * 43 + "\n")
    text = 'patterns: {mail: hash}\nfields:\n  user.name: drop\n  "attributes.Customer.*": hash\nkey_file: masking.key\n'

    policy = read_policy(written(tmp_path, text))
    kept = read_policy(written(tmp_path, text + "dead_letters: mask\n"))

    assert policy.patterns == {"mail": "hash"}
    assert policy.fields == {"user.name": "drop", "customer.*": "hash"}
    assert (policy.key, policy.dead, kept.dead) == (b"k" * 43, "drop", "mask")


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("", ["is empty"]),
        ("- mail", ["must be a mapping", "lines of NAME: VALUE"]),
        ("patterns: {mial: mask}", ["masking.yaml:1 patterns.mial: unknown\n  → did you mean mail?"]),
        ("patterns:\n  mail: masks\n  card: mask\n  mail: drop", [
            "masking.yaml:2 patterns.mail: is 'masks'\n  → did you mean mask?", "masking.yaml:4 patterns.mail: given twice",
        ]),
        ("pattern: {mail: mask}", ["did you mean patterns?"]),
        ("patterns: {mail: hash}", ["key_file: missing, and mail is to be hashed", "/dev/urandom"]),
        ("patterns: {mail: hash}\nkey_file: no.key", [":2 key_file:", "no.key cannot be read: No such file"]),
        ("patterns: {mail: hash}\nkey_file: short.key", [":2 key_file:", "holds 5 characters, at least 32"]),
        ("fields: {timestamp: drop}", ["fields.timestamp: cannot go"]),
        ("fields: {http.response.status_code: mask}", ["is a number", "drop or keep"]),
        ("fields: {session.id: mask}", ["in order", "hash"]),
        ("fields: {hostname: drop}", ["fields.hostname: cannot go"]), ("fields: {service: drop}", ["fields.service: cannot go"]),
        ("fields: {request_time: mask}", ["is a number"]), ("fields: {session_id: mask}", ["in order"]),
        ('fields: {"*a*b*c*d*e*": drop}', ["more than 4 stars"]),
        ("dead_letters: hide", [":1 dead_letters: is 'hide'\n  → one of mask, drop"]),
        ("patterns: [", ["masking.yaml:1: not YAML"]),
    ],
)  # fmt: skip
def test_wrong_policy_is_told_with_place_and_remedy(tmp_path: Path, text: str, complaints: list[str]) -> None:
    """Each mistake names the file, the line, the field and the way out; several come together; the key is never shown."""
    (tmp_path / "short.key").write_text("abcde")

    with pytest.raises(WrongSettings) as error:
        read_policy(written(tmp_path, text))

    assert not [complaint for complaint in complaints if complaint not in str(error.value)], str(error.value)
    assert "masking.yaml" in str(error.value)
    assert "abcde" not in str(error.value)


def test_missing_policy_stops_the_start(tmp_path: Path) -> None:
    """A policy that is not there is a mistake, not "mask nothing"."""
    with pytest.raises(WrongSettings, match="No such file"):
        read_policy(tmp_path / "none.yaml")
