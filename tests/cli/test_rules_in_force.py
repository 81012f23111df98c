"""`logverse rules list | show | diff` against rules in force, on topics in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result

from logverse.cli.main import logverse
from logverse.errors import Refused
from logverse.rule import Rule
from logverse.rule_status import RuleStatus
from logverse.settings import Settings
from tests.alerting.stand_ins import alert

BURST = Rule("burst", "frequency", options={"num_events": 5}, owner="team-shop")
FILE = "rules: [{name: burst, type: frequency, num_events: 5, owner: team-shop}]"


class Message:
    """What a consumer hands over."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def value(self) -> bytes:
        return self._value

    def offset(self) -> int:
        return 0


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[bytes]]:
    """What the topics hold, by name."""
    held: dict[str, list[bytes]] = {"rules": [], "rules.status": [], "alerts.state": []}

    def read_to_end(settings: Settings, topic: str, *_: float) -> Iterator[Message]:
        return map(Message, held[topic])

    monkeypatch.setattr("logverse.topic_reader.read_to_end", read_to_end)
    monkeypatch.setattr("flink_jobs.rules.topic.read_to_end", read_to_end)
    return held


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(logverse, ["--home", str(tmp_path), "rules", *arguments], standalone_mode=False)

    return invoke


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "rules.yaml"
        path.write_text(text)
        return str(path)

    return write


def in_force(topics: dict[str, list[bytes]], *rules: Rule, refusal: str | None = None, confirmed: bool = True) -> None:
    for rule in rules:
        topics["rules"].append(rule.to_json())
        if confirmed:
            status = RuleStatus.of(rule, job="j", subtask=0, parallelism=1, refusal=refusal, clock=lambda: 1)
            topics["rules.status"].append(status.to_json())


def test_the_list_tells_how_each_rule_goes(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """Its owner, whether the job runs it, and the last of its alerts."""
    in_force(topics, BURST, *(replace(BURST, name=name, **more) for name, more in (
        ("paused", {"paused": True}), ("off", {"enabled": False}), ("quiet", {"shadow": True}))))  # fmt: skip
    in_force(topics, replace(BURST, name="new"), confirmed=False)
    in_force(topics, replace(BURST, name="beyond"), refusal="cannot see it")
    topics["alerts.state"] = [alert(rule="burst").to_json(), alert("resolved", rule="burst", service="shop", after=99_000).to_json()]

    rows = {row["name"]: row for row in orjson.loads(run("list", "-o", "json").stdout)}

    assert {name: row["state"] for name, row in rows.items()} == {
        "burst": "running", "paused": "paused", "off": "disabled", "quiet": "shadow", "new": "waiting", "beyond": "refused",
    }  # fmt: skip
    assert (rows["burst"]["owner"], rows["burst"]["last alert"]) == ("team-shop", "resolved 2026-11-21T12:01:39Z")


def test_one_rule_is_shown_whole(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """What the job says of it, and an entry that a file takes; a name that is none has a near one."""
    in_force(topics, replace(BURST, description="a \x1b[31m b"), refusal="cannot see it")

    shown = run("show", "burst")

    assert "refused: cannot see it" in shown.stdout and "\x1b" not in shown.stdout
    assert yaml.safe_load(shown.stdout[shown.stdout.index("- name:") :])[0]["num_events"] == 5
    missed = run("show", "brust")
    assert isinstance(missed.exception, Refused) and "did you mean burst?" in str(missed.exception)


def test_no_difference_is_exit_code_0(topics: dict[str, list[bytes]], run: Callable[..., Result], file: Callable[[str], str]) -> None:
    """For scripts: what is in force is what is written."""
    in_force(topics, BURST)

    done = run("diff", file(FILE))

    assert (done.return_value, "no difference" in done.stdout) == (0, True)


def test_each_difference_is_told(topics: dict[str, list[bytes]], run: Callable[..., Result], file: Callable[[str], str]) -> None:
    """Rule by rule and field by field, both sides; exit code 1, the same as JSON."""
    in_force(topics, replace(BURST, options={"num_events": 9}, paused=True), replace(BURST, name="gone"))
    path = file("rules: [{name: burst, type: frequency, num_events: 5, owner: team-shop}, {name: more, type: frequency, num_events: 1}]")

    told, listed = run("diff", path), run("diff", path, "-o", "json")

    assert told.return_value == listed.return_value == 1
    assert told.stdout.splitlines() == [
        "~ burst  (differs)", "    - paused: True", "    - num_events: 9", "    + num_events: 5",
        "+ more  (only in the files)", "- gone  (only in force)",
    ]  # fmt: skip
    assert orjson.loads(listed.stdout)[0]["fields"]["num_events"] == {"in force": 9, "files": 5}


def test_the_schema_is_json(run: Callable[..., Result]) -> None:
    """As an editor takes it."""
    assert orjson.loads(run("schema").stdout)["title"] == "Rules of LogVerse"
