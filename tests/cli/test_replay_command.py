"""`logverse replay` and `logverse rules test`: what the user may ask, how mistakes are told, and how the report reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from logverse.cli import replay as command
from logverse.cli import rules_test
from logverse.cli.main import logverse
from logverse.cli.replay_report import echo_report
from logverse.cli.rules_test import failures
from logverse.errors import WrongSettings
from logverse.rule import Rule

RULES = "rules:\n  - {name: errors, type: frequency, num_events: 3, window: 60s}\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text('10.0.0.7 - - [21/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"\n')
    return path


def refused(*arguments: str) -> WrongSettings:
    """What the command says to these arguments."""
    done = CliRunner().invoke(logverse, ["--home", "/nowhere", *arguments])
    assert isinstance(done.exception, WrongSettings), done.output
    return done.exception


@pytest.mark.parametrize(
    ("arguments", "where", "remedy"),
    [
        ((), "FILE", "--from-history --since 7d"),
        (("--from-history",), "--since", "2h (ago)"),
        (("--from-history", "--since", "1h", "{log}"), "{log}", "one after the other"),
        (("--from-history", "--since", "1h", "--until", "2h"), "--since", "exchange"),
        (("--since", "1h", "{log}"), "--since", "whole"),
        (("--speed", "2", "{log}"), "--speed", "--shift-to-now"),
        (("--shift-to-now", "--rules", "a.yaml", "{log}"), "--rules", "logverse rules apply"),
        (("--service", "a", "--service", "b", "{log}"), "--service", "--service web"),
        (("--type", "acess", "{log}"), "--type", "access"),
        (("-",), "-", "file"),
        (("{log}.missing",), "{log}.missing", ""),
    ],
)
def test_a_mistake_is_named_with_its_remedy(log: Path, arguments: tuple[str, ...], where: str, remedy: str) -> None:
    """Before anything is read or any server asked."""
    error = refused("replay", *(one.format(log=log) for one in arguments))

    assert error.where == where.format(log=log)
    assert remedy in error.remedy


def test_a_rule_that_nobody_names_right_is_refused(log: Path, tmp_path: Path) -> None:
    """--must-fire of a rule that is not in the file would never be met."""
    (tmp_path / "rules.yaml").write_text(RULES)

    error = refused("rules", "test", str(tmp_path / "rules.yaml"), str(log), "--must-fire", "erors")

    assert error.where == "--must-fire" and "errors" in error.remedy


def test_a_rule_that_can_never_fire_is_refused_before_anything_runs() -> None:
    """No summary carries a path: the way out is named."""
    from logverse.cli.replay_engine import check_rules

    rule = Rule("paths", "frequency", where={"url.path": "/pay"}, options={"num_events": 3})

    with pytest.raises(WrongSettings, match=r"rule paths: .*url\.path"):
        check_rules([rule])


def report(**more: Any) -> dict[str, Any]:
    episode = {
        "group": {"service.name": "web"}, "starts_at": "2026-11-21T12:00:05.000Z", "ends_at": "2026-11-21T12:02:05.000Z",
        "lasted_s": 120.0, "sentence": "many errors \x1b[31m",
    }  # fmt: skip
    rule = {
        "rule": "errors", "type": "frequency", "severity": "warning", "revision": "r", "fired": 1, "alerts_a_day": 0.5, "firing_s": 120.0,
        "longest_s": 120.0, "after_the_end": 1, "episodes": [episode],
    }  # fmt: skip
    result = {
        "lines": 12, "events": 10, "blank": 1, "joined": 0, "dead_letters": {"not JSON": 1}, "without_time": 0, "ahead": 2,
        "late": {"watermark_delay_ms": 1000, "events": 3, "worst_ms": 41_000}, "problems": [], "replayed": 8, "judged": 8, "cut_seconds": 0,
        "late_to_the_job": 0, "seconds": 5, "first": "2026-11-21T12:00:00.000Z", "last": "2026-11-23T12:00:00.000Z", "span_s": 172_800.0,
        "fired": 1, "alerts_a_day": 0.5, "paused": ["idle"], "rules": [rule],
    }  # fmt: skip
    run = {
        "name": "replay-1", "what": "access.log", "took": "21 s", "lines_per_s": 10, "read_lines_per_s": 20, "judged_events_per_s": 30,
        "own_mib": 90, "job_mib": 700, "report": "r.json",
    }  # fmt: skip
    return {"result": result | more, "run": run}


def test_the_report_tells_when_for_how_long_and_how_often(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line is accounted for; log text cannot steer the terminal."""
    echo_report(report())

    said = capsys.readouterr().out
    assert "access.log: 12 lines, 10 events, 1 dead letters, 1 blank" in said
    assert "1 × not JSON" in said and "2 events have a time that is still to come" in said
    assert "3 would have been late live with a watermark delay of 1s, by up to 41 s" in said
    assert "judged 8 of 8 events" in said
    assert "2026-11-21 12:00:05  for 2 min  warning  many errors \\x1b[31m" in said
    assert "errors: 1 more would begin only after the last line" in said
    assert "1 alerts, 0.5 a day; nobody was notified" in said
    assert "paused, so not judged: idle" in said
    assert "\x1b" not in said


def test_nothing_to_judge_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A file of dead letters ends in a report, not in an error."""
    echo_report(report(first=None, last=None, span_s=0.0, rules=[], fired=0, events=0))

    assert "nothing to judge" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("must_fire", "most", "problems", "found"),
    [
        ((), None, [], []),
        (("errors",), 0.5, [], []),
        (("errors", "idle"), None, [], ["idle did not fire"]),
        ((), 0.4, [], ["0.5 alerts a day, more than 0.4"]),
        ((), None, ["a.gz is cut off"], ["a.gz is cut off"]),
    ],
)
def test_expectations_are_held(must_fire: tuple[str, ...], most: float | None, problems: list[str], found: list[str]) -> None:
    """What is not as it must be is named, one line each."""
    assert list(failures(report(problems=problems)["result"], must_fire, most)) == found


def test_a_test_that_fails_has_exit_code_1(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its report is shown all the same, as JSON for scripts."""
    (tmp_path / "rules.yaml").write_text(RULES)
    monkeypatch.setattr(rules_test, "judged", lambda *_: report(rules=[]))

    arguments = ["--home", str(tmp_path), "rules", "test", str(tmp_path / "rules.yaml"), str(log), "--must-fire", "errors", "-o", "json"]
    done = CliRunner().invoke(logverse, arguments, standalone_mode=False)

    assert done.return_value == 1
    assert json.loads(done.stdout)["result"]["lines"] == 12
    assert done.stderr == "FAILED  errors did not fire\n"


def test_without_a_file_the_rules_in_force_judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else those that come with LogVerse; a file's go over both."""
    from flink_jobs.rules import topic
    from logverse.errors import Refused
    from logverse.settings import Settings

    def no_topic(_: Settings) -> dict[str, Rule]:
        raise Refused("no such topic")

    (tmp_path / "rules.yaml").write_text(RULES)
    monkeypatch.setattr(topic, "snapshot", lambda _: {"mine": Rule("mine", "any")})
    mine = command.rules_of(Settings(), ())
    monkeypatch.setattr(topic, "snapshot", no_topic)

    assert [rule.name for rule in mine] == ["mine"]
    assert "http-5xx-share" in [rule.name for rule in command.rules_of(Settings(), ())]
    assert [rule.name for rule in command.rules_of(Settings(), (tmp_path / "rules.yaml",))] == ["errors"]
