"""A replay on the real servers: what it finds is there, the same each time; nothing of it stays, and what is live does not notice."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import zstandard
from confluent_kafka.admin import AdminClient

from logverse import instant
from logverse.alert import Alert
from logverse.flink import JobManager
from logverse.kafka import client_config
from logverse.summary import DIMENSIONS
from logverse.topics import named

from .conftest import Stack, TopicSet, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

HDFS = Path(__file__).parents[3] / "shared/data/hdfs/HDFS_2pct.log.zst"
LINES = 222_579
RULES = {
    "rules": [
        {"name": "many", "type": "frequency", "num_events": 400, "window": "60s", "keep_firing_for": "1m"},
        {"name": "warnings", "type": "frequency", "where": {"severity_number": ">=WARN"}, "num_events": 3, "window": "60s"},
        {"name": "everywhere", "type": "frequency", "group_by": ["log.type"], "num_events": 500, "window": "60s"},
        {"name": "exception", "type": "any", "where": {"body": "Got exception*"}, "window": "60s", "keep_firing_for": "10m"},
    ]
}


def replayed(topics: TopicSet | Stack, *arguments: str, timeout: float = 600) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(topics.logverse("replay", *arguments, "-o", "json", timeout=timeout).stdout)
    return found


def leftovers(stack: Stack) -> list[str]:
    """Topics and consumer groups of replays, their folders, and processes of theirs."""
    admin = AdminClient(client_config(stack.settings))
    topics = [name for name in admin.list_topics(timeout=15).topics if "replay-" in name]
    groups = [one.group_id for one in admin.list_consumer_groups().result().valid if "replay-" in one.group_id]
    return [*topics, *groups, *(path.name for path in (stack.home / "replays").glob("replay-*")), *map(str, processes())]


def processes() -> list[int]:
    """Of jobs of replays: the leaders of their groups, and whoever is in them."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        if "flink_jobs.replay.job" in (process.info["cmdline"] or []):
            found.append(process.info["pid"])
    return found


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, stack: Stack) -> Path:
    """Half an hour of traffic, with one fault from the tenth minute on for two minutes."""
    folder = tmp_path_factory.mktemp("day")
    fault = ("--fault", "error-burst:web@10m+2m=60%")
    stack.logverse("simulate", str(folder), "--service", "web", "--for", "30m", "--start", "2026-11-20T10:00:00Z", *fault)
    return folder / "web" / "access.log"


def test_a_known_fault_of_yesterday_would_have_fired(stack: Stack, topics: TopicSet, day: Path) -> None:
    """When, and for how long; every event was judged; nobody hears of it, and nothing is left but the report."""
    found = replayed(topics, str(day), "--service", "web")

    result = found["result"]
    (fired,) = [one for one in result["rules"] if one["rule"] == "http-5xx-share"]
    lines = day.read_bytes().count(b"\n")
    print(f"\n{lines:,} lines: {found['run']}")
    assert result["judged"] == result["replayed"] == result["events"] == result["lines"] == lines
    assert (result["late_to_the_job"], result["dead_letters"]) == (0, {})
    (episode,) = fired["episodes"]
    assert "2026-11-20T10:10:00" < episode["starts_at"] < "2026-11-20T10:10:30" < "2026-11-20T10:12:00" < episode["ends_at"]
    assert topics.read("alerts") == topics.read("summaries") == topics.read("notifications") == []
    assert leftovers(stack) == []
    assert json.loads(Path(found["run"]["report"]).read_bytes()) == found


@pytest.mark.proof
def test_events_of_the_history_are_judged_as_their_file_was(topics: TopicSet, day: Path, tmp_path: Path) -> None:
    """From the store with their original identity: the same alerts as from the file."""
    topics.logverse("schema", "migrate")
    topics.logverse("job", "submit", "history", "--parallelism", "1", "--checkpoint-interval", "1s")
    lines = day.read_bytes().count(b"\n")
    try:
        topics.logverse("produce", str(day), "--service", "web", "--no-follow", "--checkpoint", str(tmp_path / "checkpoint.json"))
        wait_until(lambda: stored(topics) >= lines, "the lines in the store")
    finally:
        topics.logverse("job", "stop", "history", "--no-savepoint", check=False)

    of_history = replayed(topics, "--from-history", "--since", "2026-11-20", "--until", "2026-11-21")["result"]
    of_file = replayed(topics, str(day), "--service", "web")["result"]

    assert of_history["replayed"] == of_history["judged"] == lines
    assert of_history["rules"] == of_file["rules"] and of_history["fired"] > 0


def stored(topics: TopicSet) -> int:
    since = ("--service", "web", "--since", "2026-11-20", "--until", "2026-11-21", "--limit", "0", "-o", "csv")
    done = topics.logverse("query", "events", *since, check=False)
    return max(0, len(done.stdout.splitlines()) - 1)


@pytest.mark.proof
def test_a_killed_replay_takes_its_job_along_and_the_next_one_clears_up(stack: Stack, topics: TopicSet, day: Path) -> None:
    """kill -9 while it judges: no process goes on; its topics and folder are there until the next replay, which says so."""
    with topics.running("replay", str(day), "--service", "web") as process:
        wait_until(processes, "the job's process")
        group = processes()[0]
        wait_until(lambda: len(members(group)) >= 2, "its JVM")
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not members(group), "the end of all its processes", timeout=20)
    before = leftovers(stack)

    done = topics.logverse("replay", str(day), "--service", "web")

    assert any(name.endswith(".logs.http") for name in before)
    assert "cleared away what replay-" in done.stderr
    assert leftovers(stack) == []


@pytest.mark.proof
def test_a_replay_that_is_stopped_clears_up_itself(stack: Stack, topics: TopicSet, day: Path) -> None:
    """SIGTERM, which does what Ctrl-C does, while it judges: exit code 130 and nothing left, processes neither."""
    with topics.running("replay", str(day), "--service", "web") as process:
        wait_until(processes, "the job's process")
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)

    assert code == 130
    assert leftovers(stack) == []


def members(group: int) -> list[int]:
    """Processes of this process group that run."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.Error, ProcessLookupError):
            continue
    return found


@pytest.mark.proof
def test_a_fed_log_raises_its_alert_live(topics: TopicSet, watched: TopicSet, tmp_path: Path) -> None:
    """Shifted to now and sixty times as fast, the running job sees yesterday's fault as today's; uids say which run it is."""
    fault = ("--fault", "error-burst:fed@5m+5m=90%")
    watched.logverse("simulate", str(tmp_path), "--service", "fed", "--for", "10m", "--start", "2026-11-20T10:00:00Z", *fault)
    began = instant.now()

    log = str(tmp_path / "fed" / "access.log")
    said = json.loads(watched.logverse("replay", log, "--service", "fed", "--shift-to-now", "--speed", "30", "-o", "json").stdout)
    wait_until(lambda: of_service(watched, "fed"), "the alert")

    uids = {record["log.record.uid"].split("-")[1] for record in watched.read("logs.http") if record.get("service.name") == "fed"}
    assert said["arrived"] and said["events"] == said["of"]
    assert uids == {said["run"]}
    assert min(alert.at for alert in of_service(watched, "fed")) > began


def of_service(topics: TopicSet, service: str) -> list[Alert]:
    found = [Alert.from_json(json.dumps(record)) for record in topics.read("alerts")]
    return [alert for alert in found if alert.group.get("service.name") == service and alert.status == "firing"]


@pytest.mark.proof
def test_a_large_log_twice_beside_a_live_stack(stack: Stack, topics: TopicSet, tmp_path: Path) -> None:
    """222,579 lines: the same result twice, byte for byte; the live job meanwhile loses no event, fails not once, and is hardly later."""
    if not HDFS.exists():
        pytest.skip("../shared/data is not beside the checkout")
    (tmp_path / "rules.yaml").write_text(json.dumps(RULES))
    asked = (str(HDFS), "--service", "hdfs", "--type", "hdfs", "--rules", str(tmp_path / "rules.yaml"))

    with live(topics, tmp_path) as log:
        quiet, before = delays(topics, watching_s=30), job(topics)
        first = replayed(topics, *asked)
        second = replayed(topics, *asked)
        busy = delays(topics, since=instant.read(first["run"]["at"]) - int(first["run"]["took_s"] * 1000))
        after = job(topics)
    lines = log.read_bytes().count(b"\n")

    for report in (first, second):
        print(f"\n{report['run']}")
    print(f"live, second's end to its summary in Kafka: {said(quiet)} alone, {said(busy)} beside two replays")
    print({one["rule"]: one["fired"] for one in first["result"]["rules"]})
    assert json.dumps(first["result"]) == json.dumps(second["result"])
    assert first["result"]["lines"] == first["result"]["judged"] == LINES == line_count(HDFS)
    assert sum(one["fired"] for one in first["result"]["rules"]) > 0
    assert (after["state"], after["failures"]) == ("RUNNING", 0)
    assert after["checkpoints_failed"] == before["checkpoints_failed"], "a checkpoint failed beside the replays"
    assert counted(topics) == lines
    assert leftovers(stack) == []


def job(topics: TopicSet) -> dict[str, Any]:
    """How the live job is."""
    return dict(json.loads(topics.logverse("job", "status", "detect", "-o", "json").stdout))


def line_count(path: Path) -> int:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as text:
        return sum(piece.count(b"\n") for piece in iter(lambda: text.read(1 << 20), b""))


@contextmanager
def live(topics: TopicSet, folder: Path) -> Iterator[Path]:
    """A live stack: traffic, its producer, the detect job; at the end all of its lines have been counted."""
    log = folder / "live" / "web" / "access.log"
    with topics.job(), topics.running("produce", str(log), "--service", "web"):
        with topics.running("simulate", str(folder / "live"), "--service", "web", "--rate", "100", "--live"):
            wait_until(lambda: counted(topics) > 500, "live traffic in the summaries")
            yield log
        wait_until(lambda: counted(topics) >= log.read_bytes().count(b"\n"), "the last lines in the summaries")


def counted(topics: TopicSet) -> int:
    return sum(item[len(DIMENSIONS)] for row in topics.read("summaries") for item in row["items"])


def delays(topics: TopicSet, watching_s: float = 0, since: int = 0) -> list[int]:
    """Milliseconds from the end of each live second to its summary's arrival in Kafka: of the next `watching_s`, or `since` then."""
    from logverse.topic_reader import read_to_end

    begin = since or instant.now()
    until = time.monotonic() + watching_s
    wait_until(lambda: time.monotonic() >= until, "some live seconds", timeout=watching_s + 5)
    found = []
    for message in read_to_end(topics.settings, named("summaries", topics.prefix), timeout_s=60):
        second = json.loads(message.value())["second"]
        if second >= begin:
            found.append(message.timestamp()[1] - second - 1000)
    return sorted(found)


def said(found: list[int]) -> str:
    return f"p50 {found[len(found) // 2]} ms, p99 {found[len(found) * 99 // 100]} ms of {len(found)}"


@pytest.mark.proof
def test_a_replay_takes_no_slot(stack: Stack, topics: TopicSet, day: Path) -> None:
    """With every slot of the cluster taken it runs all the same; the cluster has no job more for it."""
    slots = JobManager.of(stack.settings).overview()["slots-available"]
    with topics.job("--parallelism", str(slots)):
        wait_until(lambda: JobManager.of(stack.settings).overview()["slots-available"] == 0, "no free slot")
        before = len(JobManager.of(stack.settings).jobs())
        result = replayed(topics, str(day), "--service", "web")["result"]

        assert result["judged"] == result["lines"]
        assert len(JobManager.of(stack.settings).jobs()) == before
