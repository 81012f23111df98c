"""Which summaries a rule reads, and that it counts no others."""

from __future__ import annotations

import doctest

import pytest

from flink_jobs.rules import views
from flink_jobs.rules.book import project
from flink_jobs.rules.plan import Plan
from logverse.errors import Malformed
from logverse.rule import Rule
from logverse.summary import VIEWS, Summary

START = 1_790_000_000_000


def seen(view: str, second: int, count: int, **fields: str | int | None) -> Summary:
    """One second of a series of a view; `client_address` is client.address."""
    known = {"service.name": "web", "log.type": "http"} | {name.replace("_", ".", 1): value for name, value in fields.items()}
    return Summary(START + second * 1000, tuple(known.get(name) for name in VIEWS[view]), count, view=view)


def test_the_examples_hold():
    """What the module shows is true."""
    failed, tried = doctest.testmod(views)

    assert (failed, tried) == (0, 2)


@pytest.mark.parametrize(
    ("where", "group_by", "view"),
    [
        ({"http.response.status_code": "5xx"}, ("service.name", "host.name"), "traffic"),
        ({"event.outcome": "failure"}, ("service.name", "client.address"), "clients"),
        ({"or": [{"user.name": "root"}, {"event_name": "user.login"}]}, ("service.name",), "users"),
        ({}, ("service.name", "log.record.template"), "patterns"),
    ],
)  # fmt: skip
def test_a_rule_reads_the_first_view_that_has_its_fields(where, group_by, view):
    """Where, match and group_by together choose."""
    plan = Plan(Rule("r", "frequency", where=where, group_by=group_by, options={"num_events": 1}))

    assert (plan.view, plan.sees_events) == (view, False)


def test_fields_that_no_view_has_together_are_refused():
    """A rule that could never fire is told which field is where."""
    rule = Rule("r", "frequency", where={"client.address": "10.*"}, group_by=("host.name",), options={"num_events": 1})

    with pytest.raises(Malformed, match=r"client.address and host.name together: host.name is in traffic; client.address is in clients"):
        Plan(rule)


def test_each_event_counts_once_though_all_views_have_it(scene):
    """Summaries of all views come mixed; each rule counts those of its own."""
    by_service = Rule("by-service", "frequency", options={"num_events": 5})
    by_client = Rule("by-client", "frequency", group_by=("service.name", "client.address"), options={"num_events": 5})
    stage = scene(by_service, by_client)

    stage.sees(seen("traffic", 0, 6), seen("clients", 0, 6, client_address="10.0.0.1"), seen("users", 0, 6), seen("patterns", 0, 6))
    stage.until(1)

    assert [(alert.rule, alert.explanation.total) for alert in stage.alerts] == [("by-client", 6), ("by-service", 6)]


def test_those_beyond_the_busiest_count_but_are_nobody(scene):
    """All other clients together are in the total, and raise no alert of their own."""
    total = Rule("total", "frequency", where={"client.address": "!=10.0.0.9"}, options={"num_events": 5})
    each = Rule("each", "frequency", group_by=("service.name", "client.address"), options={"num_events": 5})
    stage = scene(total, each)

    stage.sees(seen("clients", 0, 90), seen("clients", 0, 5, client_address="10.0.0.1"))
    stage.until(1)

    assert [(alert.rule, alert.group.get("client.address"), alert.explanation.total) for alert in stage.alerts] == [
        ("each", "10.0.0.1", 5),
        ("total", None, 95),
    ]


def test_a_projection_is_of_the_rules_view():
    """Over all services a rule gets its own view, added up, sketches of paths joined."""
    rule = Rule("r", "frequency", where={"event.outcome": "failure"}, group_by=("client.address",), options={"num_events": 1})
    rows = [
        seen("clients", 0, 2, client_address="10.0.0.1", event_outcome="failure"),
        Summary(START, ("web", "activity", "10.0.0.1", 401, None, "failure"), 3, view="clients", paths=5),
        seen("traffic", 0, 9),
    ]

    (made,) = project(rows, rule)

    assert (made.view, made["client.address"], made["service.name"], made.count, made.paths) == ("clients", "10.0.0.1", "web", 5, 5)
