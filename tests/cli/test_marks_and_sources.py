"""`logverse alerts mark` and `logverse sources`, on topics in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from logverse import instant
from logverse.cli import who
from logverse.cli.main import logverse
from logverse.errors import Refused, WrongSettings
from logverse.feedback import Feedback
from logverse.inventory import Source
from logverse.settings import Settings
from tests.alerting.stand_ins import MINUTE, NOON, alert


class Message:
    """What a consumer hands over."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def value(self) -> bytes:
        return self._value


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[bytes]]:
    """What the topics hold, by name; what is written stands at their end."""
    held: dict[str, list[bytes]] = {name: [] for name in ("alerts", "alerts.state", "notifications", "feedback", "inventory")}

    def read_to_end(settings: Settings, topic: str) -> Iterator[Message]:
        return map(Message, list(held[topic]))

    def write(settings: Settings, topic: str, records: Iterable[tuple[str, bytes]]) -> None:
        held[topic] += [value for _, value in records]

    monkeypatch.setattr("logverse.topic_reader.read_to_end", read_to_end)
    monkeypatch.setattr("logverse.topic_writer.write", write)
    monkeypatch.setattr(instant, "now", lambda: NOON + 60 * MINUTE)
    return held


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(logverse, ["--home", str(tmp_path), *arguments])

    return invoke


def test_a_mark_is_kept_with_who_and_when(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """It is about the rule and the group, however often that happens; `alerts show` tells it, printable."""
    raised = alert()
    topics["alerts"] = [raised.to_json()]

    said = run("alerts", "mark", raised.id[:8], "known", "--note", "load\x1b[31m test", "--by", "ann")

    assert (said.exit_code, "http-5xx-share of web: known" in said.stdout) == (0, True)
    word = Feedback.from_json(topics["feedback"][0])
    assert (word.fingerprint, word.verdict, word.who, word.at) == (raised.fingerprint, "known", "ann", NOON + 60 * MINUTE)
    assert (word.rule, word.group) == (raised.rule, {"service.name": "web"})
    shown = run("alerts", "show", raised.id[:8])
    assert "2026-11-21 13:00:00  known, by ann: load\\x1b[31m test" in shown.stdout
    assert orjson.loads(run("alerts", "show", raised.id[:8], "-o", "json").stdout)["marks"][0]["who"] == "ann"


def test_a_mark_is_taken_back_only_if_there_is_one(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """Undoing the last of its kind; nothing is written for one that nobody said."""
    raised = alert()
    topics["alerts"] = [raised.to_json()]
    run("alerts", "mark", raised.fingerprint, "normal")

    refused = run("alerts", "mark", raised.id, "important", "--undo")
    undone = run("alerts", "mark", raised.id, "normal", "--undo")

    assert isinstance(refused.exception, Refused) and "nobody marked it important" in str(refused.exception)
    assert "not normal any more" in undone.stdout
    assert [Feedback.from_json(value).undo for value in topics["feedback"]] == [False, True]
    assert "marks" not in run("alerts", "show", raised.id).stdout


def test_an_alert_that_is_none_or_a_word_that_is_none_is_told(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """Nothing is written."""
    assert isinstance(run("alerts", "mark", "ffff", "normal").exception, Refused)
    assert run("alerts", "mark", "ffff", "great").exit_code == 2
    assert topics["feedback"] == []


def test_sources_are_declared_listed_and_forgotten(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """The last word on each holds; who is silent is told; what is no source on the topic is passed over."""
    topics["inventory"] = [b"nonsense", Source("api", origin="learned", at=NOON).to_json()]
    silence = alert(group={"service.name": "web", "host.name": "web-2"})
    topics["alerts.state"] = [orjson.dumps({**orjson.loads(silence.to_json()), "rule_type": "silence"})]

    assert run("sources", "expect", "web", "shop", "--host", "web-2", "--note", "new", "--by", "ann").stdout == (
        "expected  web on web-2\nexpected  shop on web-2\n"
    )
    run("sources", "forget", "shop", "--host", "web-2")
    rows = orjson.loads(run("sources", "list", "-o", "json").stdout)

    assert [(row["service"], row["host"], row["state"], row["origin"], row["by"]) for row in rows] == [
        ("api", "", "expected", "learned", ""),
        ("web", "web-2", "silent since 2026-11-21T12:00:00.000Z", "declared", "ann"),
    ]
    assert "forgotten" in run("sources", "list", "--forgotten").stdout


def test_forgetting_what_nobody_knew_is_said(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """A job may have learned it by itself; a typo is noticed."""
    done = run("sources", "forget", "web")

    assert "web is not in the inventory" in done.output
    assert Source.from_json(topics["inventory"][0]).forgotten
    assert "nobody is expected yet" in run("sources", "list").stdout


def test_a_user_without_a_name_can_speak(
    topics: dict[str, list[bytes]], run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's user often has a number and no name; that is who said it."""
    monkeypatch.setattr(who.os, "getuid", lambda: 4_000_000_000)

    run("sources", "expect", "checkout")

    assert Source.from_json(topics["inventory"][0]).by == "uid 4000000000"


def test_a_source_without_a_name_is_refused(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """An empty variable in a script declares nobody, and nothing is written that nobody can read."""
    done = run("sources", "expect", "checkout", "")

    assert isinstance(done.exception, WrongSettings)
    assert topics["inventory"] == []
