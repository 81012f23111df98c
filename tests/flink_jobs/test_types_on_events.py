"""When the types that look at single events, or remember what was there before, fire and are over."""

from __future__ import annotations

from typing import Any

import pytest

from flink_jobs.rules import memory
from flink_jobs.rules.matched import EVENT_FIELDS, MatchedEvent
from flink_jobs.rules.memory import Sighting
from flink_jobs.rules.plan import Place, Plan
from flink_jobs.rules.types import known_terms
from flink_jobs.rules.types.known_terms import KnownTerms
from logverse.rule import Rule

LOGINS = {"event_name": "user.login"}


@pytest.fixture
def login(start: int) -> Any:
    """An event user.login of ann, at a second, with more fields by their names with `_` for the first dot."""

    def event(second: float, **more: str | None) -> MatchedEvent:
        known = {"service.name": "web", "log.type": "activity", "event_name": "user.login", "user.id": "ann", "body": "login"}
        fields = known | {name.replace("_", ".", 1): value for name, value in more.items()}
        return MatchedEvent("c", start + round(second * 1000), {name: fields.get(name) for name in EVENT_FIELDS})

    return event


def test_a_blacklisted_value_fires_and_is_named(scene, login):
    """One event with a value of the list calls somebody; others do not; values are exact, whatever they look like."""
    stage = scene(Rule("r", "blacklist", where=LOGINS, window_ms=10_000, options={"compare_key": "user.id", "blacklist": ["root", "a*"]}))

    stage.sees_events(login(1), login(2.5, user_id="root"), login(3, user_id="root2"))
    stage.until(40)

    assert stage.told == [(3, "firing"), (13, "resolved")]
    assert stage.alerts[0].explanation.contributors == (("user.login user.id root", 1),)


@pytest.mark.parametrize(("ignore", "seconds"), [(True, [3]), (False, [2, 3])])
def test_what_is_not_whitelisted_fires(scene, login, ignore, seconds):
    """A value beside the list fires; an event without the field only when it is not to be ignored."""
    options = {"compare_key": "user.id", "whitelist": ["ann", "bob"], "ignore_null": ignore}
    stage = scene(Rule("r", "whitelist", where=LOGINS, window_ms=1_000, options=options))

    stage.sees_events(login(0), login(1.2, user_id=None), login(2, user_id="eve"))
    stage.until(40)

    assert [second for second, status in stage.told if status == "firing"] == seconds[:1]
    assert stage.alerts[-1].explanation.matched == len(seconds)


def test_the_clause_of_a_list_is_its_filter():
    """What the type looks for is what the SQL filter lets through."""
    plan = Plan(Rule("r", "blacklist", where=LOGINS, options={"compare_key": "user.id", "blacklist": ["root"]}))

    assert plan.where.sql() == "(`event_name` = 'user.login') AND (`user.id` = 'root')"


CHANGE = Rule(
    "r", "change", where=LOGINS, group_by=("service.name", "user.id"), window_ms=10_000,
    options={"compare_key": "client.address", "ignore_null": True, "forget_after": "1h"},
)  # fmt: skip


def test_a_change_is_against_the_last_value_of_the_same_group(scene, login):
    """Ann from another address fires for ann; bob's addresses are bob's."""
    stage = scene(CHANGE)

    stage.sees_events(login(1, client_address="10.0.0.1"), login(2, client_address="10.0.0.7", user_id="bob"))
    stage.until(5)
    stage.sees_events(
        login(6, client_address="10.0.0.7", user_id="bob"), login(7, client_address="10.0.0.2"), login(8, client_address=None)
    )
    stage.until(40)

    assert stage.told == [(8, "firing"), (18, "resolved")]
    assert dict(stage.alerts[0].group) == {"service.name": "web", "user.id": "ann"}
    assert stage.alerts[0].explanation.contributors == (("user.login from 10.0.0.2", 1),)


def test_the_order_in_which_a_seconds_events_come_does_not_matter(scene, login):
    """Events are compared in the order of their time, also when they come otherwise."""
    stage = scene(CHANGE)
    stage.sees_events(login(1, client_address="a"))
    stage.until(2)

    stage.sees_events(login(3.9, client_address="b"), login(3.1, client_address="a"), login(3.5, client_address="b"))
    stage.until(4)

    assert stage.told == [(4, "firing")]
    assert stage.alerts[0].explanation.matched == 1


def test_an_old_value_is_forgotten(scene, login):
    """After `forget_after` the next value is the first."""
    stage = scene(CHANGE)

    stage.sees_events(login(1, client_address="a"))
    stage.until(10)
    stage.sees_events(login(3700, client_address="b"))
    stage.until(3800)

    assert stage.told == []


NEW_HOST = Rule("r", "new_term", window_ms=10_000, options={"fields": ["host.name"], "learning": "10s"})


def test_a_new_term_fires_once_after_the_learning(scene, row, story):
    """Hosts seen while learning are known; the next one has an alert of its own, once, and is known from then on."""
    stage = scene(NEW_HOST)

    stage.lives(lambda second: [row(second, host="web-1"), *([row(second, 3, host="web-2")] if second >= 12 else [])], 0, 60)

    assert stage.told == [(13, "firing"), (23, "resolved")]
    assert dict(stage.alerts[0].group) == {"service.name": "web", "host.name": "web-2"}
    assert stage.alerts[0].explanation.total == 3


def test_new_terms_have_alerts_of_their_own(scene, row):
    """Two new hosts are two alerts; a combination of fields is a term by itself."""
    stage = scene(Rule("r", "new_term", window_ms=10_000, options={"fields": [["host.name", "http.route"]], "learning": "10s"}))

    stage.lives(lambda second: [row(second)] if second < 12 else [row(second, host="web-2"), row(second, route="/new")], 0, 14)

    assert sorted((alert.group["host.name"], alert.group["http.route"]) for alert in stage.alerts) == [("web-1", "/new"), ("web-2", "/pay")]


def test_a_term_that_was_long_away_is_new_again(scene, row):
    """What was not seen for `terms_window_size` is forgotten."""
    rule = Rule("r", "new_term", window_ms=10_000, options={"fields": ["host.name"], "learning": "10s", "terms_window_size": "10m"})
    stage = scene(rule)

    stage.lives(lambda second: [row(second), *([row(second, host="web-2")] if second in (5, 1500) else [])], 0, 1510)

    assert [(second, status) for second, status in stage.told if status == "firing"] == [(1501, "firing")]


def test_terms_beyond_the_most_are_counted_and_raise_nothing(scene, row, monkeypatch):
    """Who makes up hosts fills a bounded memory and calls nobody; the rule's owner can be told."""
    monkeypatch.setattr(known_terms, "MOST", 5)
    stage = scene(NEW_HOST)

    for second in range(30):
        stage.sees(row(second), *(row(second, 2, host=f"h{second}-{number}") for number in range(10 if second > 15 else 0)))
        stage.until(second + 1)

    assert memory.MOST >= 1_000
    assert len({alert.group["host.name"] for alert in stage.alerts if alert.rule == "r"}) == 4
    assert [dict(alert.group) for alert in stage.alerts if alert.rule != "r"] == [{"rule": "r", "service.name": "web"}]
    assert stage.watch.overflow == (14 * 10 - 4) * 2
    assert sum(key.startswith("M:") for key in stage.store.entries) == 6


def test_a_memory_survives_a_crash_and_a_change_of_thresholds(scene, row):
    """Known terms stay known over a restart and over another `learning`; with other fields the rule learns anew."""
    stage = scene(NEW_HOST)
    stage.lives(lambda second: [row(second), row(second, host="web-2")], 0, 12)

    stage.crash()
    stage.lives(lambda second: [row(second, host="web-2")], 12, 14)
    stage.book.put(Rule("r", "new_term", window_ms=10_000, options={"fields": ["host.name"], "learning": "1s"}))
    stage.lives(lambda second: [row(second, host="web-2")], 14, 16)
    stage.book.put(Rule("r", "new_term", window_ms=10_000, options={"fields": ["http.route"], "learning": "10s"}))
    stage.lives(lambda second: [row(second)], 16, 18)

    assert stage.told == []
    assert sum(key.startswith("M:") for key in stage.store.entries) == 2


def test_a_field_that_no_summary_has_is_looked_for_in_single_events(scene, login):
    """`new_term` and `cardinality` on a user's agent see the events that the filter lets through."""
    new = Rule("new", "new_term", where=LOGINS, window_ms=10_000, options={"fields": ["user_agent.original"], "learning": "5s"})
    many = Rule(
        "many", "cardinality", where=LOGINS, window_ms=10_000, options={"cardinality_field": "user_agent.original", "max_cardinality": 1},
    )  # fmt: skip
    stage = scene(new, many)

    for second, agent in enumerate(["curl", "curl", "curl", "curl", "curl", "curl", "nmap"]):
        stage.sees_events(_agent(login, second, agent))
        stage.until(second + 1)

    assert [(alert.rule, alert.status) for alert in stage.alerts] == [("many", "firing"), ("new", "firing")]
    assert Plan(new).sees_events and Plan(many).sees_events


def _agent(login: Any, second: int, agent: str) -> MatchedEvent:
    event = login(second)
    return MatchedEvent(event.clause, event.at, {**event.fields, "user_agent.original": agent})


def test_groups_that_come_and_go_do_not_pile_up(monkeypatch):
    """`new_term` knows since when each group is known; of groups of which nothing is known any more only so many are kept."""
    monkeypatch.setattr(known_terms, "MOST", 10)
    plan = Plan(Rule("r", "new_term", group_by=("service.name", "http.route"), options={"fields": ["host.name"]}))
    terms = KnownTerms(plan, (("host.name",),), 60_000, 0, {})
    kept = {}

    for minute in range(100):
        place = Place(("web", f"/{minute}"), False, "", ("web-1",))
        list(terms.see(Sighting(place, minute * 600_000, (1, 1), 0.0, "")))
        terms.expire(minute * 600_000 + 300_000)
        for key, data in terms.changes():
            kept.update({key: data}) if data is not None else kept.pop(key, None)

    assert len(kept) == 10
    assert KnownTerms(plan, (("host.name",),), 60_000, 0, kept)._since == terms._since
