"""kill -9 of every process of the stack, under load: no line lost, no transition missed, nobody left untold."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from logverse import instant
from logverse.alert import Alert
from logverse.summary import DIMENSIONS
from producers.publisher import MAX_BYTES_IN_FLIGHT
from tests.faults.conftest import RULES, Service, World
from tests.faults.plain_watch import counts, transitions
from tests.stack.conftest import wait_until

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(600)]

PRODUCER = "producer"  # stands for the producer that a test has given to the supervisor
VICTIMS = ("kafka", "cassandra", "jobmanager", "taskmanager", "alerts-deliver", PRODUCER, "supervisor")

ENDS = ("firing", "resolved")

Transition = tuple[str, str, int, int]  # rule, status, active_at, at
Told = tuple[str, str, str]  # rule, status, startsAt


@pytest.mark.parametrize("victim", VICTIMS)
def test_kill_9_under_load_misses_nothing(world: World, tmp_path: Path, victim: str) -> None:
    """Killed in the middle of an incident, with work undone: after recovery every line, transition and notification is there."""
    service = world.service(f"of-{victim}", tmp_path)
    try:
        wait_until(lambda: any(alert.status == "firing" for alert in world.alerts(service.name)), "the first alert")
        before = world.checkpoints()
        wait_until(lambda: world.checkpoints() > before + 1, "a checkpoint that holds it")  # one may have begun before
        assert not any(alert.status == "resolved" for alert in world.alerts(service.name)), "the incident was over before the kill"

        lag, unit = kill(world, service, victim)
        recovered_s = seconds_until_recovered(world, service, victim)
        service.write_to_the_end()
        expected = transitions(service.log.read_bytes(), service.name, RULES)
        wait_until(lambda: missing(expected, world.alerts(service.name)) == [], f"no transition missing of {victim}", timeout=180)
        wait_until(lambda: told(world.alerts(service.name)) <= heard(world, service).keys(), "everybody told")

        twice = check_lines(world, service)
        over = check_windows(world, service, twice)
        check_alerts(world.alerts(service.name), expected, exact=not twice)
        exact = {said(alert) for alert in world.alerts(service.name)} == {said(alert) for alert in expected}
        repeats = check_told(world, service)
        lines, size = len(service.log.read_bytes().splitlines()), service.log.stat().st_size
        print(
            f"\nkill -9 {victim}: {lag:,} {unit} before; back after {recovered_s:.1f} s; {twice:,} of {lines:,} lines "
            f"({twice * size // lines:,} bytes) sent twice, {over:,} counted twice; {len(expected)} transitions, none missed, "
            f"{'all' if exact else 'not all'} at the very second; "
            f"{repeats} of {len(heard(world, service))} notifications repeated"
        )
    finally:
        service.end()
        world.stack.wait_ready()


def test_the_victims_are_all_that_the_status_lists(world: World) -> None:
    """No process of the stack is left out of the proof."""
    listed = {one["name"] for one in world.stack.status()["processes"] if not one["name"].startswith("produce-")}

    assert listed | {PRODUCER, "supervisor"} == set(VICTIMS)


def kill(world: World, service: Service, victim: str) -> tuple[int, str]:
    """kill -9 once something of its work is undone; answers how much of what."""
    pid = pid_of(world, service, victim)
    undone, unit = lag_of(world, service, victim)
    seen: list[int] = []
    wait_until(lambda: seen.append(undone()) or seen[-1] > 0, f"work for {victim}")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_dead(pid), "its death")
    world.http.hold.set()
    return seen[-1], unit


def is_dead(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def lag_of(world: World, service: Service, victim: str) -> tuple[Callable[[], int], str]:
    if victim in ("jobmanager", "taskmanager"):
        return world.not_checkpointed, "records not checkpointed"
    if victim == "alerts-deliver":
        world.http.hold.clear()  # from now on it waits for its answer
        before = len(world.http.requests)
        return lambda: len(world.http.requests) - before, "notifications in flight"
    return service.in_flight, "bytes not acknowledged"


def pid_of(world: World, service: Service, victim: str) -> int:
    if victim == "supervisor":
        return int(world.stack.status()["supervisor"]["pid"])
    return int(world.stack.process(service.producer if victim == PRODUCER else victim)["pid"])


def seconds_until_recovered(world: World, service: Service, victim: str) -> float:
    """From the kill until everything runs again and lines of a later time than that have been counted, or somebody is told again."""
    began, requests = time.monotonic(), len(world.http.requests)
    if victim == "supervisor":
        world.stack.logverse("up")
    if victim == "alerts-deliver":
        wait_until(lambda: len(world.http.requests) > requests, "the next notification", timeout=180)
    else:
        wait_until(lambda: all_ready(world), "everything ready again", timeout=180)
        again = instant.now()
        wait_until(lambda: newest_summary(world, service) > again, f"life after the death of {victim}", timeout=180)
    return time.monotonic() - began


def all_ready(world: World) -> bool:
    return bool(world.stack.status()["ready"]) and world.stack.logverse("job", "status", "detect", check=False).returncode == 0


def newest_summary(world: World, service: Service) -> int:
    return max((row["second"] for row in world.read("summaries") if row["service.name"] == service.name), default=0)


def check_lines(world: World, service: Service) -> int:
    """Every line of the log is on the topic under its uid, and no other; answers how many are there more than once."""
    uids = Counter(
        event["log.record.uid"] for event in world.read("logs.http") if event["service.name"] == service.name and "body" in event
    )
    text, offset, expected = next(iter(uids)).partition("-")[0], 0, set()
    for line in service.log.read_bytes().splitlines(keepends=True):
        expected.add(f"{text}-{offset}")
        offset += len(line)
    twice = uids.total() - len(uids)
    assert uids.keys() == expected
    assert twice * offset / len(expected) <= MAX_BYTES_IN_FLIGHT
    return twice


def check_windows(world: World, service: Service, twice: int) -> int:
    """No second lacks a line, and none has more than what the producer sent twice; answers what is counted too much.

    A second that Flink told again counts once. Late lines have no such order: what it told again of them shows as too much.
    """
    on_time: dict[int, int] = {}
    late: Counter[int] = Counter()
    for row in world.read("summaries"):
        if row["service.name"] == service.name:
            count = sum(item[len(DIMENSIONS)] for item in row["items"])
            if row["late"]:
                late[row["second"]] += count
            else:
                on_time[row["second"]] = max(count, on_time.get(row["second"], 0))
    true = {second: by_status.total() for second, by_status in counts(service.log.read_bytes().splitlines()).items()}
    counted = {second: on_time.get(second, 0) + late[second] for second in true}
    assert {second: (counted[second], true[second]) for second in true if counted[second] < true[second]} == {}
    assert on_time.keys() <= true.keys()
    over = sum(counted.values()) - sum(true.values())
    assert late or over <= twice
    return over


def check_alerts(written: list[Alert], expected: list[Alert], exact: bool) -> None:
    """Two incidents, two rules, a beginning and an end each; nothing is told that was not, unless lines came late or twice."""
    assert len([alert for alert in expected if alert.status in ENDS]) == 8
    if exact and not any(alert.reason for alert in written):
        assert {said(alert) for alert in written} == {said(alert) for alert in expected}


def check_told(world: World, service: Service) -> int:
    """Each beginning and end was told, and a repeat has the key of the first; answers the number of repeats."""
    keys = heard(world, service)
    assert all(len(set(found)) == 1 for found in keys.values())
    return sum(len(found) - 1 for found in keys.values())


def said(alert: Alert) -> Transition:
    return alert.rule, alert.status, alert.active_at, alert.at


def missing(expected: list[Alert], written: list[Alert]) -> list[Transition]:
    """Transitions that nobody wrote, not even a few seconds off, as when a line counted twice tips the scale earlier.

    Of an incident that only late lines showed, what was in between is never told.
    """
    in_between = not any(alert.reason for alert in written)
    due = [alert for alert in expected if in_between or alert.status in ENDS]
    return [said(one) for one in due if not any(alike(one, other) for other in written)]


def alike(one: Alert, other: Alert) -> bool:
    return (one.rule, one.status) == (other.rule, other.status) and abs(one.at - other.at) <= 3000


def told(written: list[Alert]) -> set[Told]:
    """What people must hear of these: that each alert that fired did, once, and that it is over."""
    return {(alert.rule, alert.status, instant.written(alert.starts_at)) for alert in written if alert.status in ENDS and alert.starts_at}


def heard(world: World, service: Service) -> dict[Told, list[str]]:
    """The idempotency keys with which the webhook was told of this service."""
    found: dict[Told, list[str]] = {}
    for request in list(world.http.requests):
        labels, (alert,) = request.body["commonLabels"], request.body["alerts"]
        if labels["service_name"] == service.name:
            found.setdefault((labels["alertname"], alert["status"], alert["startsAt"]), []).append(request.headers["Idempotency-Key"])
    return found
