"""Two hosts of one service, one of them away for a while: what it has to say when it is back is late, and not in vain."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from logverse import instant

from .conftest import TopicSet, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


@pytest.mark.parametrize("dead_s", [20, pytest.param(60, marks=pytest.mark.proof)])
def test_late_rows_of_a_dead_producer_raise_the_alert_they_should(watched: TopicSet, tmp_path: Path, dead_s: int) -> None:
    """The fault is only in the log of the host whose producer is dead; the other host carries event time on. Back, it raises the alert."""
    service = f"pay-{dead_s}"
    watched.logverse("rules", "apply", str(rule_about(service, tmp_path)))
    with ExitStack() as running:
        for host, faults in (("a", ()), ("b", ("--fault", f"error-burst:{service}@15s+10s=100%"))):
            arguments = ("--service", service, "--rate", "30", "--live", "--for", f"{60 + dead_s}s")
            running.enter_context(watched.running("simulate", str(tmp_path / host), *arguments, *faults))
        running.enter_context(watched.running(*produce(tmp_path, service, "a")))
        dying = running.enter_context(watched.running(*produce(tmp_path, service, "b")))
        wait_until(lambda: hosts(watched, service) == {"a", "b"}, "lines of both hosts")

        dying.kill()
        dead_since = instant.now()
        wait_until(lambda: counted_until(watched, service) >= dead_since + dead_s * 1000, "event time to go on without it", timeout=200)
        before = watched.alerts(service)
        running.enter_context(watched.running(*produce(tmp_path, service, "b")))
        wait_until(lambda: {"firing", "resolved"} <= {alert.status for alert in watched.alerts(service)}, "the alert and its end")

    found = watched.alerts(service)
    late = sum(sum(item[9] for item in row["items"]) for row in watched.read("summaries") if row["late"] and row["service.name"] == service)
    print(f"\ndead for {dead_s} s: {late:,} late lines; {found[0].status}: {found[0].explanation.sentence} ({found[0].reason})")
    assert before == []
    assert (found[0].status, found[0].reason, found[-1].status) == ("firing", "late data", "resolved")
    assert found[0].explanation.matched >= 100


def rule_about(service: str, folder: Path) -> Path:
    """A rule that only the faulty host's lines can breach."""
    rule = {"name": service, "type": "frequency", "where": {"service.name": service, "http.response.status_code": "5xx"}}
    path = folder / "rules.yaml"
    path.write_text(json.dumps({"rules": [{**rule, "num_events": 100, "window": "10s"}]}))
    return path


def produce(folder: Path, service: str, host: str) -> list[str]:
    log = folder / host / service / "access.log"
    return ["produce", str(log), "--service", service, "--host", host, "--checkpoint", str(folder / f"{host}.json")]


def hosts(topics: TopicSet, service: str) -> set[str]:
    return {event["host.name"] for event in topics.read("logs.http") if event["service.name"] == service and "host.name" in event}


def counted_until(topics: TopicSet, service: str) -> int:
    """The newest second of the service that was counted on time."""
    return max((row["second"] for row in topics.read("summaries") if row["service.name"] == service and not row["late"]), default=0)
