"""What a replay's alerts amount to: firings with their length, at the edge of the data too."""

from __future__ import annotations

import subprocess
import sys
import time

import orjson
import psutil
import pytest

from flink_jobs.replay import episodes as module
from flink_jobs.replay.episodes import Episodes, a_day
from flink_jobs.replay.running import Running
from flink_jobs.replay.watching import Judged
from flink_jobs.settings import JobSettings
from logverse.alert import Alert, Explanation
from logverse.errors import Refused
from logverse.rule import Rule
from logverse.summary import DIMENSIONS

START = 1_790_000_000_000
RULE = Rule("errors", "frequency", window_ms=60_000, options={"num_events": 3})
WHY = Explanation("too many errors", 5.0, 3.0, ">=", "events", 5, 5)


def told(status: str, second: float, began: float = 0, group: str = "web", rule: str = "errors") -> Alert:
    """A transition at this second of an alert that is active since second `began`."""
    at, active = START + int(second * 1000), START + int(began * 1000)
    ends = at if status in ("resolved", "inactive") else None
    return Alert(rule, "frequency", status, "warning", {"service.name": group}, active, at, WHY, starts_at=active, ends_at=ends)


def course(*alerts: Alert, end: float = 1000) -> module.Course:
    found = Episodes([RULE], START + int(end * 1000))
    for alert in alerts:
        found.take(alert)
    (only,) = found.finish()
    return only


def test_a_firing_lasts_from_its_beginning_to_its_end() -> None:
    """However often it recovered and fired on meanwhile, it is one."""
    found = course(told("firing", 10, 10), told("recovering", 40, 10), told("firing", 50, 10), told("resolved", 130, 10))

    assert (found.fired, found.firing_ms, found.longest_ms) == (1, 120_000, 120_000)
    assert [one.plain() for one in found.episodes] == [
        {
            "group": {"service.name": "web"}, "starts_at": "2026-09-21T14:13:30.000Z", "ends_at": "2026-09-21T14:15:30.000Z",
            "lasted_s": 120.0, "sentence": "too many errors",
        }
    ]  # fmt: skip


def test_what_only_threatened_did_not_fire() -> None:
    """Pending and gone again: no firing."""
    found = course(told("pending", 10, 10), told("inactive", 20, 10))

    assert (found.fired, found.episodes) == (0, [])


def test_what_ends_after_the_data_fires_still() -> None:
    """The job closes all windows at the end; that is no end of the trouble. Its length is counted up to the last event."""
    found = course(told("firing", 990, 990), told("resolved", 1060, 990))

    assert [(one.ends_at, one.lasted_ms) for one in found.episodes] == [(None, 10_000)]


def test_what_begins_after_the_data_is_told_apart() -> None:
    """Nobody knows whether lines would have come. What the last event itself raises, at the end of its second, counts."""
    found = course(told("firing", 1001, 1001, "web"), told("firing", 1030, 1030, "api"))

    assert (found.fired, found.after_the_end) == (1, 1)
    assert [one.group for one in found.episodes] == [{"service.name": "web"}]


def test_groups_fire_by_themselves_and_are_listed_in_order_of_time() -> None:
    """Whatever the order in which the job tells them."""
    found = course(
        told("firing", 20, 20, "web"), told("firing", 5, 5, "api"), told("resolved", 30, 20, "web"), told("resolved", 9, 5, "api")
    )

    assert [(one.group["service.name"], one.lasted_ms) for one in found.episodes] == [("api", 4_000), ("web", 10_000)]


def test_memory_is_bounded_and_counts_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a rule that fires without end the first firings are kept, and all are counted."""
    monkeypatch.setattr(module, "LISTED", 3)

    found = course(*(one for n in range(50) for one in (told("firing", n, n), told("resolved", n + 0.5, n))))

    assert (found.fired, found.firing_ms) == (50, 25_000)
    assert [one.starts_at for one in found.episodes] == [START, START + 1_000, START + 2_000]


def test_alerts_a_day_go_by_event_time() -> None:
    """Three in eight days, three in an hour; a file of one second is no reason to say millions."""
    assert a_day(3, 8 * 86_400_000) == 0.375
    assert a_day(3, 3_600_000) == 72
    assert a_day(1, 0) == 1440


def test_every_event_of_the_summaries_is_counted() -> None:
    """Counts of all items of all seconds; what the topic could not hold, and what came late, is counted beside."""
    judged, episodes = Judged(), Episodes([RULE], START)
    items = [[None] * len(DIMENSIONS) + [count] for count in (3, 4)]

    judged.take("summaries", orjson.dumps({"service.name": "web", "second": START, "late": False, "items": items}), episodes)
    judged.take("summaries", orjson.dumps({"service.name": "web", "second": START + 1000, "cut": True, "items": []}), episodes)
    judged.take("logs.late", b"{}", episodes)
    judged.take("alerts", told("firing", 0).to_json(), episodes)

    assert (judged.events, judged.seconds, judged.cut, judged.late, judged.at) == (7, 2, 1, 1, START + 1000)
    assert episodes.finish()[0].fired == 1


def test_a_job_that_fails_says_why(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process has ended with an error: the root cause, in one line."""
    java = tmp_path / "no-java"

    with Running(JobSettings(kafka={}, bounded=True), java, tmp_path / "connector.jar", tmp_path) as job:
        job.start()
        job._process.wait(60)

        with pytest.raises(Refused, match=r"the replay's job failed: .*no-java"):
            job.over()


LEADER = """
import subprocess, sys, threading
from flink_jobs.replay import job
threading.Thread(target=job._end_with_parent, daemon=True).start()
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(worker.pid, flush=True)
if sys.argv[1] == "waits":
    worker.wait()
worker.kill()
worker.wait()
"""


def leader(what: str) -> subprocess.Popen[str]:
    """A process as a replay's job is one: it leads a group, and has a worker in it."""
    command = [sys.executable, "-c", LEADER, what]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_a_job_dies_with_who_started_it() -> None:
    """Killed or not, its end of the pipe closes: the job's processes go, the workers too."""
    with leader("waits") as process:
        assert process.stdin is not None and process.stdout is not None
        worker = int(process.stdout.readline())

        process.stdin.close()
        code = process.wait(20)

    until = time.monotonic() + 20
    while alive(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert code == -9
    assert not alive(worker)


def test_a_job_that_is_done_ends_by_itself() -> None:
    """Whoever started it still listens: exit code 0, no complaint of the interpreter."""
    with leader("ends") as process:
        code = process.wait(20)

    assert code == 0


def alive(pid: int) -> bool:
    """Whether it runs; one that is dead and that nobody has asked for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
