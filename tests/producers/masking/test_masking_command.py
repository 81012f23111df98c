"""`logverse masking`: a policy written, checked and tried."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from logverse.cli.masking import masking
from logverse.errors import WrongSettings
from producers.masking.policy import read_policy

LOGIN = '10.0.0.7 - - [21/Nov/2026:12:00:00 +0000] "GET /login?to=jo@example.com&password=hunter2 HTTP/1.1" 200 5 "-" "curl/8"'


def run(*arguments: str, lines: str = "") -> str:
    result = CliRunner().invoke(masking, list(arguments), input=lines, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_written_policy_works_and_its_key_is_private(tmp_path: Path) -> None:
    """`init` leaves a policy that is whole, and a key that others cannot read; both are new each time."""
    run("init", str(tmp_path / "one.yaml"))
    run("init", str(tmp_path / "two.yaml"))

    one, two = read_policy(tmp_path / "one.yaml"), read_policy(tmp_path / "two.yaml")

    assert one.patterns == two.patterns
    assert len(one.key) >= 32
    assert one.key != two.key
    assert stat.S_IMODE((tmp_path / "one.key").stat().st_mode) == 0o600


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """A policy or a key that is there stays: a lost key cannot be had again."""
    (tmp_path / "masking.key").write_text("precious")

    result = CliRunner().invoke(masking, ["init", str(tmp_path / "masking.yaml")])

    assert isinstance(result.exception, WrongSettings)
    assert (tmp_path / "masking.key").read_text() == "precious"
    assert not (tmp_path / "masking.yaml").exists()


def test_check_says_what_is_done() -> None:
    """Every kind with its action, also those that stay."""
    rows = orjson.loads(run("check", "default", "-o", "json"))

    assert {row["what"]: row["action"] for row in rows} == {
        "token": "mask", "mail": "mask", "card": "mask", "phone": "mask", "ip": "keep", "line that is no event": "mask",
    }  # fmt: skip


def test_try_shows_bodies_changed_fields_and_dead_letters() -> None:
    """A line is shown as it would be sent: its body and what else changed; one that is no event as the dead letter it becomes."""
    told = orjson.loads(run("try", "default", "--type", "access", "-o", "json", lines=f"{LOGIN}\nno event of a@b.example\n"))

    line, letter = told["lines"]
    assert line["body"] == LOGIN.replace("jo@example.com", "[mail]").replace("hunter2", "[token]")
    assert line["changed"] == {"url.query": "to=[mail]&password=[token]"}
    assert (letter["form"], letter["body"]) == ("dead letter", "no event of [mail]")
    assert told["masked"] == {"token": 2, "mail": 3}


@pytest.mark.parametrize("arguments", [("try", "none.yaml"), ("check", "none.yaml"), ("try", "default", "--type", "acces")])
def test_mistakes_are_named(arguments: tuple[str, ...]) -> None:
    """A policy that is not there and a form that nobody knows end with a remedy."""
    result = CliRunner().invoke(masking, list(arguments))

    assert isinstance(result.exception, WrongSettings)
    assert "→" in str(result.exception)
