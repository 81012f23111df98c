"""What the verbs of backup and restore refuse, and what they leave behind, without any server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from logverse.cli.main import logverse
from logverse.cli.restore_runs import folder, named_or_next
from logverse.errors import WrongSettings
from logverse.settings import Settings
from storage.backup.restore_progress import Progress


def entry(home: Path, *options: str) -> list[str]:
    """The arguments that `backup schedule --detach` leaves to the supervisor."""
    command = ["--home", str(home), "backup", "schedule", "--detach", *options]
    CliRunner().invoke(logverse, command, catch_exceptions=False)
    found: list[str] = json.loads((home / "services" / "backup-schedule.json").read_bytes())["arguments"]
    return found


@pytest.mark.parametrize(
    ("target", "left"),
    [("archive", "{here}/archive"), ("/mnt/a", "/mnt/a"), ("s3://bucket/a", "s3://bucket/a"), ("file:///a", "file:///a")],
)
def test_a_target_means_the_same_to_the_supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, left: str) -> None:
    """A folder that was named from where the user stands is written down whole."""
    monkeypatch.chdir(tmp_path)

    arguments = entry(tmp_path / "home", "--target", target)

    assert arguments[arguments.index("--target") + 1] == left.format(here=tmp_path)


def test_once_is_not_for_the_supervisor(tmp_path: Path) -> None:
    """It keeps running what ends: one backup after the other."""
    with pytest.raises(WrongSettings, match="once"):
        entry(tmp_path, "--once")


def asked(**more: Any) -> dict[str, Any]:
    return {"since": "7d", "topics": ["rules"], "into": "topic", "live": True} | more


def done(settings: Settings, words: dict[str, Any]) -> str:
    """A restore that was asked for in these words, and is finished; its name."""
    name, _ = named_or_next(settings, None, words, again=False)
    Progress(folder(settings) / name, words | {"range": [1, 2]}).finish()
    return name


def test_live_topics_get_the_same_records_once(tmp_path: Path) -> None:
    """The same words again are refused with the way out: under another name it can be done all the same."""
    settings = Settings(home=str(tmp_path))
    name = done(settings, asked())

    with pytest.raises(WrongSettings, match=f"{name} has done that.*twice"):
        named_or_next(settings, None, asked(), again=False)

    assert named_or_next(settings, "anew", asked(), again=False) == ("anew", None)


def test_into_topics_of_its_own_it_is_another_restore(tmp_path: Path) -> None:
    """Each has a set of its own, so nothing is there twice."""
    settings, words = Settings(home=str(tmp_path)), asked(live=False)

    assert (done(settings, words) + "-2", None) == named_or_next(settings, None, words, again=False)
