"""What every rule type must do, whatever it measures. Runs over RULE_TYPES: nobody can forget to list one."""

from __future__ import annotations

import inspect
import json
import math
from typing import Any

import pytest
import yaml

from flink_jobs.rules.book import RuleBook
from flink_jobs.rules.check import check
from flink_jobs.rules.matched import EVENT_FIELDS, MatchedEvent
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.reach import Reach
from flink_jobs.rules.types import RULE_TYPES
from flink_jobs.rules.types.metric_aggregation import AGGREGATIONS
from flink_jobs.rules.watch import Watch
from logverse.rule import Rule
from logverse.summary import DIMENSIONS, DURATION_BOUNDS, Summary

START = 1_790_000_000_000


def entries() -> dict[str, dict[str, Any]]:
    """An entry that works for each type; metric_aggregation once for each of its figures."""
    found = {name: {"name": name, "type": name, **kind.example} for name, kind in RULE_TYPES.items()}
    for kind, (_, keys) in AGGREGATIONS.items():
        entry: dict[str, Any] = {"name": kind, "type": "metric_aggregation", "metric_agg_type": kind, "max_threshold": 0}
        entry |= {"metric_agg_key": keys[0]} if keys else {}
        entry |= {"share": {"match": {"http.response.status_code": "5xx"}}, "percentile": {"percentile": 50}}.get(kind, {})
        found[f"metric_aggregation {kind}"] = entry
    return found


@pytest.fixture(params=entries())
def rule(request: pytest.FixtureRequest) -> Rule:
    made, problems = check(entries()[request.param])
    assert problems == []
    assert made is not None
    return made


class Entries(dict[str, bytes]):
    """A store in memory."""

    put = dict.__setitem__

    def remove(self, key: str) -> None:
        self.pop(key, None)

    def items(self) -> Any:
        return list(super().items())


def summary(second: int, status: int, seconds: float) -> Summary:
    dimensions = ("web", "http", "web-1", "/pay", "POST", status, 17 if status >= 500 else 9, None, None)
    histogram = tuple(10 if seconds <= bound else 0 for bound in DURATION_BOUNDS)
    return Summary(START + second * 1000, dimensions, 10, 10, seconds * 10, seconds, histogram, 5000, "POST /pay 503")


def lived(rule: Rule, crash_each: int = 10_000) -> list[bytes]:
    """Transitions over ten bad seconds, then silence."""
    book, store = RuleBook([rule]), Entries()
    watch, alerts = Watch("web", store), []
    for second in range(10):
        if second % crash_each == 0:
            watch = Watch("web", store)
        fields: dict[str, str | int | None] = dict.fromkeys(EVENT_FIELDS) | {"service.name": "web", "severity_number": 21, "body": "dead"}
        watch.observe([summary(second, 503, 7.0), summary(second, 200, 0.01)], book)
        watch.observe_events([MatchedEvent("severe", START + second * 1000, fields)], book)
        alerts += watch.advance(START + second * 1000 + 1000, book)
    alerts += watch.advance(START + 2_000_000, book)
    return [alert.to_json() for alert in alerts]


def test_it_fires_explains_and_ends(rule):
    """Ten bad seconds are told, with figures and one printable line; two minutes later it is over."""
    told = [json.loads(alert) for alert in lived(rule)]

    statuses = [alert["status"] for alert in told]
    assert (statuses.count("firing"), statuses[-1]) == (1, "resolved")
    for alert in told:
        why = alert["explanation"]
        assert why["sentence"].isprintable() and "web" in why["sentence"]
        assert math.isfinite(why["actual"]) and math.isfinite(why["threshold"])
        assert why["unit"] and why["matched"] <= why["total"]


def test_a_crash_each_second_changes_nothing(rule):
    """What it keeps is enough to go on from."""
    assert lived(rule, crash_each=1) == lived(rule)


def test_it_is_silent_at_first(rule):
    """Without events there is no figure that could be too much, and nothing that is no number."""
    plan = Plan(rule)

    figure = plan.measure.figure([0] * plan.width, 0.0)

    assert figure is None or (math.isfinite(figure) and not any(limit.breached_by(figure) for limit in plan.limits))
    assert Watch("web", Entries()).advance(START, RuleBook([rule])) == []


def test_what_it_adds_up_are_whole_numbers(rule):
    """Whole numbers come out the same in every order of adding and taking away; width does not depend on the row."""
    plan = Plan(rule)

    rows = [plan.measure.columns(summary(0, 503, 0.1), True), plan.measure.columns(summary(0, 200, 90.0), False)]

    assert all(type(number) is int and number >= 0 for row in rows for number in row)
    assert {len(row) for row in rows} == {plan.width}
    assert all(row[1] <= row[0] for row in rows)


def test_it_travels(rule):
    """From the file over the topic to the job it stays the same rule, within reach of a job submitted with it."""
    assert Rule.from_json(rule.to_json()) == rule
    assert Reach.of([rule]).refusal(rule) is None


@pytest.mark.parametrize("name", RULE_TYPES)
def test_its_options_teach(name):
    """Each option says what it is for and takes its own example; a near miss is named; the file says what the type is."""
    kind = RULE_TYPES[name]

    for option in kind.options.values():
        assert option.about
        assert option.check(yaml.safe_load(option.example)) == ""
    _, problems = check({"name": "a", "type": name, **kind.example, "severty": "info"})
    assert [problem.remedy for problem in problems] == ["did you mean severity?"]
    assert name in (inspect.getmodule(type(kind)).__doc__ or "")


@pytest.mark.parametrize("name", RULE_TYPES)
def test_it_selects_only_what_it_can_see(name):
    """A field that it cannot see is refused when the file is checked, not by never firing."""
    fields = EVENT_FIELDS if RULE_TYPES[name].sees_events else DIMENSIONS

    _, problems = check({"name": "a", "type": name, **RULE_TYPES[name].example, "where": {"pod": "x"}, "group_by": ["pod"]})

    assert "pod" not in fields
    assert {problem.field for problem in problems} == {"where", "group_by"}
