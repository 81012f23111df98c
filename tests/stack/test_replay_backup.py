"""Today's rules over archived logs, on real servers: the alerts are those that a plain reader of the log expects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from logverse import instant
from tests.faults.plain_watch import transitions

from .conftest import Stack, TopicSet

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(900)]

RULES = Path(__file__).parents[1] / "faults" / "rules.yaml"


def test_a_fault_that_nobody_had_a_rule_for(topics: TopicSet, stack: Stack, tmp_path: Path) -> None:
    """Archived in two backups, one of them with what was sent twice; each firing and its end to the second, and nobody is told."""
    faults = ("--fault", "error-burst:web@5m+1m=60%", "--fault", "error-burst:web@15m+30s=90%")
    stack.logverse("simulate", str(tmp_path), "--service", "web", "--rate", "100", "--for", "20m", *faults)
    log, target = tmp_path / "web" / "access.log", ("--target", str(tmp_path / "archive"))
    for checkpoint in ("first", "second"):  # a checkpoint that was lost: every line is sent again, with its uid
        produce = ("produce", str(log), "--service", "web", "--host", "here", "--type", "access", "--no-follow")
        topics.logverse(*produce, "--checkpoint", str(tmp_path / checkpoint))
        topics.logverse("backup", "run", *target)

    said = topics.logverse("replay", "--from-backup", "--since", "1d", "--rules", str(RULES), *target, "-o", "json", timeout=600)

    result, lines = json.loads(said.stdout)["result"], log.read_bytes().count(b"\n")
    over = [alert for alert in transitions(log.read_bytes(), "web", RULES) if alert.status == "resolved" and alert.starts_at]
    expected = sorted((alert.rule, instant.written(alert.starts_at or 0), instant.written(alert.ends_at or 0)) for alert in over)
    assert (result["judged"], result["events"], result["repeated"], result["lines"]) == (lines, lines, lines, 2 * lines)
    assert (result["problems"], result["gaps"], result["late_to_the_job"]) == ([], 0, 0)
    assert len(expected) >= 2
    assert sorted(told(result)) == expected
    assert topics.read("alerts") == topics.read("summaries") == topics.read("notifications") == []


def told(result: dict) -> list[tuple[str, str, str]]:
    """Rule, beginning and end of each firing in the report."""
    return [(rule["rule"], episode["starts_at"], episode["ends_at"]) for rule in result["rules"] for episode in rule["episodes"]]
