"""What every rule type must do, whatever it measures. Runs over RULE_TYPES: nobody can forget to list one."""

from __future__ import annotations

import inspect
import json
import math
from dataclasses import dataclass
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
from logverse.summary import DURATION_BOUNDS, VIEWS, Summary

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


@dataclass(frozen=True)
class Story:
    """What a service lives through, in seconds: calm, then bad (nothing at all, when `silent`), then calm again, then nothing.

    What has to learn needs a long calm; what looks for silence finds none in what is bad otherwise.
    """

    calm: int = 0
    bad: int = 10
    after: int = 0
    silent: bool = False
    nothing: int = 2_000


STORIES = {
    "spike": Story(calm=601),
    "spike_aggregation": Story(calm=601),
    "new_term": Story(calm=61),
    "change": Story(calm=10),
    "flatline": Story(calm=61, bad=200, silent=True),
    "silence": Story(calm=300, bad=200, after=5, silent=True, nothing=0),
    "anomaly": Story(calm=700, after=60, nothing=0),
    "new_pattern": Story(calm=3_610),
    "pattern_vanished": Story(calm=4_300, bad=700, after=65, silent=True, nothing=0),
}


def story_of(rule: Rule) -> Story:
    return STORIES.get(rule.type, Story())


def summary(second: int, status: int, seconds: float, count: int = 10, host: str = "web-1") -> Summary:
    dimensions = ("web", "http", host, "/pay", "POST", status, 17 if status >= 500 else 9, None, None)
    histogram = tuple(count if seconds <= bound else 0 for bound in DURATION_BOUNDS)
    return Summary(START + second * 1000, dimensions, count, count, seconds * count, seconds, histogram, 5000, "POST /pay 503")


def pattern(second: int, severity: int, body: str, count: int) -> Summary:
    return Summary(START + second * 1000, ("web", "error", severity, body), count, sample=body, view="patterns")


def rows(second: int, bad: bool) -> list[Summary]:
    if bad:
        slow = [summary(second, 503, 7.0, 1000, "web-2"), summary(second, 200, 0.01, 1000)]
        return [*slow, pattern(second, 17, "disk <*> is broken", 60)]
    return [summary(second, 200, 0.01 + second % 3 / 1000), pattern(second, 9, "all is well", 1)]


def event(second: int, bad: bool) -> MatchedEvent:
    known = {"service.name": "web", "log.type": "activity", "event_name": "user.login", "event.outcome": "success", "body": "dead"}
    known |= {"host.name": "web-2", "client.address": "10.6.6.6"} if bad else {"host.name": "web-1", "client.address": "10.0.0.1"}
    known |= {"user.id": "root"}
    fields: dict[str, str | int | None] = {**dict.fromkeys(EVENT_FIELDS), **known, "severity_number": 21 if bad else 9}
    return MatchedEvent("severe", START + second * 1000, fields)


def lived(rule: Rule, crash_each: int = 100_000) -> list[bytes]:
    """Transitions over the rule's story."""
    book, store, story = RuleBook([rule]), Entries(), story_of(rule)
    watch, alerts = Watch("web", store), []
    ends = story.calm + story.bad + story.after
    for second in range(ends):
        if second % crash_each == 0:
            watch = Watch("web", store)
        bad = story.calm <= second < story.calm + story.bad
        if not (bad and story.silent):
            watch.observe(rows(second, bad), book)
            watch.observe_events([event(second, bad)], book)
        alerts += watch.advance(START + second * 1000 + 1000, book)
    if story.nothing:
        alerts += watch.advance(START + (ends + story.nothing) * 1000, book)
    return [alert.to_json() for alert in alerts]


def test_it_fires_explains_and_ends(rule):
    """What is bad is told once, with figures and one printable line that names the service; when it is over, that is told."""
    told = [json.loads(alert) for alert in lived(rule)]

    statuses = [alert["status"] for alert in told]
    assert (statuses.count("firing"), statuses[-1]) == (1, "resolved")
    for alert in told:
        why = alert["explanation"]
        assert why["sentence"].isprintable() and "web" in why["sentence"]
        assert math.isfinite(why["actual"]) and math.isfinite(why["threshold"])
        assert why["unit"] and why["matched"] <= why["total"]
        assert why["query"].startswith("logverse query events --service web")


def test_crashes_change_nothing(rule):
    """What it keeps is enough to go on from, wherever it stops; in short stories each second."""
    each = 1 if story_of(rule).calm <= 61 else 97

    assert lived(rule, crash_each=each) == lived(rule)


def test_it_is_silent_at_first(rule):
    """Without events there is no figure that could be too much, and nothing that is no number; too little takes a series."""
    plan = Plan(rule)
    most = [limit for limit in plan.limits if limit.comparison != "<"]

    figure = plan.measure.figure([0] * plan.width, 0.0)

    assert figure is None or (math.isfinite(figure) and not any(limit.breached_by(figure) for limit in most))
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
    fields = EVENT_FIELDS if RULE_TYPES[name].sees_events else tuple(field for has in VIEWS.values() for field in has)

    _, problems = check({"name": "a", "type": name, **RULE_TYPES[name].example, "where": {"pod": "x"}, "group_by": ["pod"]})

    assert "pod" not in fields
    assert {problem.field for problem in problems} == {"where", "group_by"}
