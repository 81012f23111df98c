"""A replay's course, with the far side replaced: what it sends, what it makes of the answers, what it saves, and that it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from logverse import instant
from logverse.alert import Alert, Explanation
from logverse.cli import replay_engine, replay_runs
from logverse.cli.replay_progress import Progress
from logverse.cli.replay_sources import FromFiles
from logverse.errors import Refused, TryAgain
from logverse.rule import Rule
from logverse.settings import Settings
from logverse.summary import DIMENSIONS
from logverse.topics import LOGS
from producers.order import InputOrder
from producers.replay.spool import Spool

RULE = Rule("errors", "frequency", options={"num_events": 3})
NOON = instant.read("2026-11-21T12:00:00Z")


class FarSide:
    """Kafka and the job: what was created, sent and removed, and what the job says."""

    def __init__(self) -> None:
        self.created: list[str] = []
        self.sent: list[bytes] = []
        self.removed: list[str] = []
        self.started = 0
        self.says: list[tuple[str, bytes]] = []
        self.fails: Exception | None = None

    def create(self, settings: Settings, only: dict[str, Any]) -> None:
        self.created = [f"{name}:{topic.partitions}" for name, topic in only.items()]

    def send(self, settings: Settings, topic: str, spool: Spool, sent: Callable[[int], None]) -> None:
        self.sent = [topic.encode(), *(item.value for item in spool)]

    def written(self, settings: Settings, over: Callable[[], bool]) -> Iterator[tuple[str, bytes] | None]:
        yield None
        yield from self.says
        if self.fails:
            raise self.fails

    def job(self, *_: Any) -> FarSide:
        return self

    def start(self) -> None:
        self.started += 1

    pid = 0

    def over(self) -> bool:
        return True

    def __enter__(self) -> FarSide:
        return self

    def __exit__(self, *_: object) -> None:
        self.started -= 1


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> FarSide:
    made = FarSide()
    monkeypatch.setattr("deploy.topics.create", made.create)
    monkeypatch.setattr("deploy.topic_removal.remove", lambda _, prefix: made.removed.append(prefix))
    monkeypatch.setattr("producers.replay.sending.send", made.send)
    monkeypatch.setattr("flink_jobs.replay.running.Running", made.job)
    monkeypatch.setattr("flink_jobs.replay.watching.written", made.written)
    monkeypatch.setattr(replay_engine, "_java", lambda: (Path("java"), Path("connector.jar")))
    monkeypatch.setattr(replay_engine, "NICE", 0)
    return made


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path / "home"), bootstrap_servers="127.0.0.1:9092")


def source(folder: Path, *seconds: int) -> FromFiles:
    log = folder / "access.log"
    line = '10.0.0.7 - - [21/Nov/2026:12:00:{:02d} +0000] "GET / HTTP/1.1" 200 5 "-" "curl"\n'
    log.write_text("".join(map(line.format, seconds)) + "garbage\n")
    os.utime(log, (NOON / 1000 + 3600, NOON / 1000 + 3600))
    return FromFiles(InputOrder("web", "web", (str(log),), folder / "none.json", "access", host="web-1"), 1_000)


def fired(second: int) -> bytes:
    why = Explanation("too many", 5.0, 3.0, ">=", "events", 5, 5)
    at = NOON + second * 1000
    return Alert("errors", "frequency", "firing", "warning", {"service.name": "web"}, at, at, why, starts_at=at).to_json()


def summary(second: int, count: int) -> bytes:
    return orjson.dumps({"second": NOON + second * 1000, "items": [[None] * len(DIMENSIONS) + [count]]})


def test_a_replay_sends_in_order_of_time_and_reports_what_came(far: FarSide, here: Settings, tmp_path: Path) -> None:
    """To one partition of its own topics; nothing is left, and the report that it saves is the one it gives."""
    far.says = [("summaries", summary(1, 1)), ("alerts", fired(2)), ("summaries", summary(30, 2))]

    report = replay_engine.replay(here, source(tmp_path, 30, 1, 30), [RULE], Progress())

    result, run = report["result"], report["run"]
    assert far.sent[0] == f"{run['name']}.logs.http".encode()
    assert [orjson.loads(value)["timestamp"][17:19] for value in far.sent[1:]] == ["01", "30", "30"]
    assert {f"{run['name']}.{topic}:1" for topic in LOGS.values()} < set(far.created)
    assert (result["lines"], result["events"], result["replayed"], result["judged"]) == (4, 3, 3, 3)
    assert result["dead_letters"] == {"not an access log line": 1}
    assert result["late"] == {"watermark_delay_ms": 1000, "events": 1, "worst_ms": 29_000}
    assert [(one["rule"], one["fired"], one["firing_s"]) for one in result["rules"]] == [("errors", 1, 28.0)]
    assert (far.removed, far.started) == ([run["name"]], 0)
    assert json.loads(Path(run["report"]).read_bytes()) == report


def test_the_same_answers_make_the_same_result(far: FarSide, here: Settings, tmp_path: Path) -> None:
    """Nothing of the run, its name or its time is in it."""
    far.says = [("alerts", fired(2))]
    asked = source(tmp_path, 1, 2)

    one, other = (replay_engine.replay(here, asked, [RULE], Progress()) for _ in range(2))

    assert orjson.dumps(one["result"]) == orjson.dumps(other["result"])
    assert one["run"]["name"] != other["run"]["name"]


def test_without_an_event_no_job_is_started(far: FarSide, here: Settings, tmp_path: Path) -> None:
    """A file of garbage: the report says so, with the rules that had nothing to judge."""
    report = replay_engine.replay(here, source(tmp_path), [RULE], Progress())

    assert (far.sent, report["result"]["first"], report["result"]["fired"]) == ([], None, 0)
    assert report["result"]["dead_letters"] == {"not an access log line": 1}


@pytest.mark.parametrize("error", [TryAgain("Kafka is away"), Refused("the replay's job failed: x"), KeyboardInterrupt()])
def test_whatever_goes_wrong_nothing_is_left(far: FarSide, here: Settings, tmp_path: Path, error: Exception) -> None:
    """The job is ended, the topics are gone, the folder too; no report of half a truth."""
    far.fails = error

    with pytest.raises(type(error)):
        replay_engine.replay(here, source(tmp_path, 1), [RULE], Progress())

    assert (len(far.removed), far.started) == (1, 0)
    assert [path.name for path in replay_runs.folder_of(here).iterdir() if path.is_dir()] == ["reports"]
    assert list(replay_runs.report_path(here, "x").parent.iterdir()) == []


def test_a_replay_has_the_topics_that_its_job_asks_for() -> None:
    """The job reads and writes what it does live: a topic that is missing ends it, hours of reading later."""
    pytest.importorskip("pyflink", reason="the flink extra is not installed")
    from flink_jobs import board, connect

    assert {*LOGS.values(), "rules", *board.TOPICS, *connect.WRITTEN} <= set(replay_engine.USED)
