"""A rule with too many series is said so once, to its owner, and once that it is over."""

from __future__ import annotations

from flink_jobs.rules.plan import Plan
from flink_jobs.rules.storm import CALM_MS, Storms
from logverse.rule import Rule

RULE = Rule("hosts", "frequency", group_by=("service.name", "host.name"), options={"num_events": 5}, owner="team-shop",
            description="{{ actual }} events", runbook_url="https://wiki.example.org/{{ rule }}")  # fmt: skip
PLANS = {"hosts": Plan(RULE)}


class Entries(dict):
    put = dict.__setitem__


def said(alerts):
    return [(alert.status, alert.group, alert.owner) for alert in alerts]


def test_the_owner_is_told_once_and_once_that_it_is_over():
    """However many series come on top, and over a crash in between."""
    store, crowded = Entries(), {"hosts"}

    first = Storms("web", store).advance(crowded, PLANS, 1000)
    again = Storms("web", store).advance({"hosts"}, PLANS, 60_000)
    quiet = Storms("web", store).advance(set(), PLANS, 60_000 + CALM_MS - 1)
    over = Storms("web", store).advance(set(), PLANS, 60_000 + CALM_MS)

    group = {"rule": "hosts", "service.name": "web"}
    assert (said(first), again, quiet, said(over)) == ([("firing", group, "team-shop")], [], [], [("resolved", group, "team-shop")])
    assert crowded == set()
    assert first[0].id == over[0].id
    assert first[0].annotations == {"runbook_url": "https://wiki.example.org/hosts"}
    assert not Storms("web", store).waits


def test_a_storm_of_a_rule_that_is_gone_is_over():
    """Nobody waits for what cannot come."""
    storms = Storms("web", Entries())
    storms.advance({"hosts"}, PLANS, 1000)

    assert [alert.status for alert in storms.advance(set(), {}, 2000)] == ["resolved"]
    assert not storms.waits


def test_a_rule_over_all_services_storms_by_itself():
    """Its watch is keyed by the rule: there is no service to name; a shadow stays one."""
    shadow = Plan(Rule("hosts", "frequency", group_by=("host.name",), options={"num_events": 5}, shadow=True))

    alert = Storms("hosts", Entries()).advance({"hosts"}, {"hosts": shadow}, 1000)[0]

    assert (alert.group, alert.shadow) == ({"rule": "hosts"}, True)
