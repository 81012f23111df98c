"""Rules and the running job: taken up within seconds, refused with the way out, and never half of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from logverse.topic_reader import read_to_end
from logverse.topics import named

from .conftest import TopicSet, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

SERVICE = "shop"


@pytest.fixture(scope="module")
def traffic(watched: TopicSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TopicSet]:
    """A service whose lines flow all the time."""
    folder = tmp_path_factory.mktemp("traffic")
    log = folder / SERVICE / "access.log"
    with (
        watched.running("simulate", str(folder), "--service", SERVICE, "--rate", "50", "--live"),
        watched.running("produce", str(log), "--service", SERVICE),
    ):
        wait_until(lambda: any(row["service.name"] == SERVICE for row in watched.read("summaries")), "traffic in the summaries")
        yield watched


def test_a_rule_is_confirmed_and_acts_within_5_seconds(traffic: TopicSet, tmp_path: Path) -> None:
    """Applied to the running job, a rule about what flows already is confirmed and raises its alert at once."""
    rules = rule_file(tmp_path, {"name": "lively", "type": "frequency", "num_events": 20, "window": "2s"})

    said = traffic.logverse("rules", "apply", str(rules)).stdout
    wait_until(lambda: traffic.alerts("lively"), "the alert")

    applied, confirmed, acted = (written_at(traffic, topic, "lively") for topic in ("rules", "rules.status", "alerts"))
    print(f"\nrule applied: confirmed after {confirmed - applied} ms, its alert after {acted - applied} ms")
    assert "confirmed by the running job" in said
    assert max(confirmed, acted) - applied <= 5000


def test_a_broken_file_changes_nothing(traffic: TopicSet, tmp_path: Path) -> None:
    """File, line, field and remedy of what is wrong are told, and the rules in force stay: the good rule beside it is not taken either."""
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        "rules:\n"
        "  - {name: good, type: frequency, num_events: 3, window: 5s}\n"
        "  - name: bad\n"
        "    type: frequency\n"
        "    num_events: 3\n"
        "    windoww: 5s\n"
    )
    before = traffic.read("rules")

    done = traffic.logverse("rules", "apply", str(broken), check=False)

    assert done.returncode == 2
    assert f"{broken}:6: rule bad: windoww" in done.stderr
    assert "→" in done.stderr and "window" in done.stderr.partition("→")[2]
    assert traffic.read("rules") == before


def test_a_rule_that_the_graph_cannot_see_is_refused_with_the_way_out(traffic: TopicSet, tmp_path: Path) -> None:
    """The running job hands on no such events: nothing is written; the upgrade that the refusal names makes the rule work."""
    rule = {"name": "probed", "type": "any", "where": {"url.path": "/*"}, "window": "5s"}
    rules = rule_file(tmp_path, rule)
    before = traffic.read("rules")

    refused = traffic.logverse("rules", "apply", str(rules), check=False)

    assert refused.returncode == 1
    assert f"rule {rule['name']}" in refused.stderr and "logverse job upgrade detect --rules FILE" in refused.stderr
    assert traffic.read("rules") == before
    traffic.logverse("job", "upgrade", "detect", "--rules", str(rules))
    wait_until(lambda: any(alert.status == "firing" for alert in traffic.alerts("probed")), "the alert of the rule that was refused")
    assert f" {SERVICE} " in f" {traffic.alerts('probed')[0].explanation.sentence} "


def rule_file(folder: Path, rule: dict[str, object]) -> Path:
    path = folder / "rules.yaml"
    where = {"service.name": SERVICE, **dict(rule.get("where", {}))}  # type: ignore[call-overload]
    path.write_text(json.dumps({"rules": [{**rule, "where": where}]}))
    return path


def written_at(topics: TopicSet, topic: str, rule: str) -> int:
    """When the first record about this rule was written, milliseconds UTC by the clock of this machine."""
    for message in read_to_end(topics.settings, named(topic, topics.prefix)):
        record = json.loads(message.value() or b"{}")
        if rule in (record.get("rule"), record.get("name")):
            at: int = message.timestamp()[1]
            return at
    raise AssertionError(f"nothing about {rule} on {topic}")
