"""The rules in force, and what of a service's summaries a rule over all services is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flink_jobs.rules.book import RuleBook, project
from logverse.errors import Malformed
from logverse.rule import Rule

WITHIN = Rule("within", "frequency", options={"num_events": 5})
ACROSS = Rule("across", "frequency", where={"http.response.status_code": "5xx"}, group_by=("http.route",), options={"num_events": 5})


def test_rules_are_judged_where_their_group_is_at_home():
    """A rule whose group_by has the service stays with the service; another one is shuffled by its name."""
    book = RuleBook([WITHIN, ACROSS])

    assert list(book.within_service().plans) == ["within"]
    assert list(book.across().plans) == ["across"]
    assert list(book.only("across").plans) == ["across"]
    assert list(book.only("within").plans) == []


def test_a_service_is_given_the_rules_that_can_be_about_it():
    """Of two hundred rules about fifty services each service looks at its own four; services with the same rules share a page."""
    web, others = (
        replace(WITHIN, name="web", where={"service.name": "web*"}),
        replace(WITHIN, name="not-web", where={"service.name": "!=web"}),
    )
    book = RuleBook(
        [WITHIN, ACROSS, web, others, replace(WITHIN, name="either", where={"or": [{"service.name": "x"}, {"host.name": "y"}]})]
    )

    assert list(book.within_service("web").plans) == ["within", "web", "either"]
    assert list(book.within_service("api").plans) == ["within", "not-web", "either"]
    assert book.within_service("api") is book.within_service("shop")


def test_silence_is_judged_over_all_services():
    """A rule about silence has the service in its group and no service to be judged in: it is silent."""
    book = RuleBook([Rule("silent", "silence", group_by=("service.name",))])

    assert (list(book.within_service("web").plans), list(book.only("silent").plans)) == ([], ["silent"])


def test_a_book_knows_why_a_rule_is_absent():
    """Paused, deleted, or moved to the other operator by a change of its group_by."""
    book = RuleBook([WITHIN, ACROSS, replace(WITHIN, name="old", deleted=True)])

    book.put(replace(WITHIN, paused=True))

    assert (book.absent("within"), book.absent("old"), book.absent("never seen")) == ("rule paused", "rule deleted", "rule deleted")
    assert book.within_service().absent("across") == "rule changed"


def test_a_broken_rule_leaves_the_former_one_in_force():
    """What cannot be compiled is refused and changes nothing."""
    book = RuleBook([WITHIN])

    with pytest.raises(Malformed, match="num_events"):
        book.put(replace(WITHIN, options={}))

    assert book.rules == [WITHIN]


def test_a_broken_rule_at_the_start_keeps_no_other_from_running():
    """A record that some other version wrote is named, the rest is watched."""
    book = RuleBook([WITHIN, Rule("stray", "spikes"), ACROSS])

    assert (book.rules, book.broken) == ([WITHIN, ACROSS], {"stray": "rule stray: unknown type 'spikes'"})


def test_an_unchanged_book_gives_the_same_page():
    """Pages are compared by identity at every row: only a change makes a new one."""
    book = RuleBook([WITHIN])
    before = book.within_service()

    assert book.within_service() is before
    book.put(ACROSS)
    assert book.within_service() is not before
    assert book.within_service().plans["within"] is before.plans["within"]


def test_a_projection_adds_up_what_the_rule_does_not_look_at(row, start):
    """Hosts and methods vanish, the route, the status and the service's name stay; what the rule is not about is left out."""
    rows = [
        row(0, 2, status=500, host="a", duration=0.3, sample="first"),
        row(0, 3, status=500, host="b", duration=4.0, method="POST"),
        row(0, 7, status=200),
        row(0, 1, status=503, host="a"),
    ]

    made = project(rows, ACROSS)

    assert [(one["http.route"], one["http.response.status_code"], one["service.name"], one["host.name"], one.count) for one in made] == [
        ("/pay", 500, "web", None, 5),
        ("/pay", 503, "web", None, 1),
    ]
    first = made[0]
    assert (first.second, first.duration_count, first.duration_sum, first.duration_max) == (start, 5, 2 * 0.3 + 3 * 4.0, 4.0)
    assert first.histogram == (0, 0, 0, 0, 0, 0, 2, 2, 2, 5, 5, 5, 5)
    assert first.sample == "first"


def test_a_rule_over_all_services_sees_them_together(scene, row):
    """Three services with two errors each are six errors on one route."""
    stage = scene(ACROSS)
    book = stage.book

    for service in ("web", "shop", "mail"):
        stage.watch.observe(project([row(0, 2, status=500, service=service)], book.across().plans["across"]), book.only("across"))
    alerts = stage.watch.advance(stage.watch._cursor + 1000, book.only("across"))

    assert [(alert.status, dict(alert.group), alert.explanation.total) for alert in alerts] == [("firing", {"http.route": "/pay"}, 6)]
    assert dict(alerts[0].explanation.contributors) == {"status 500": 6, "mail: status 500": 2, "shop: status 500": 2, "web: status 500": 2}


def test_a_page_knows_which_views_it_wants_the_others_of():
    """Who has a series for each client has none for all the others; who counts what is not from one client counts them."""
    by_client = Rule("by-client", "frequency", group_by=("service.name", "client.address"), options={"num_events": 5})
    not_one = Rule("not-one", "frequency", {"user.name": "!=cron"}, options={"num_events": 5})

    assert RuleBook([WITHIN, by_client, not_one]).within_service().wants_others == ("users",)
