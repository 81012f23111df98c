"""Who is missed: sources that were declared or learned, heard of before or never, until they are back or forgotten."""

from __future__ import annotations

from typing import Any

from logverse.inventory import Source
from logverse.rule import Rule

HOSTS = Rule("silent", "silence", group_by=("service.name", "host.name"), window_ms=10_000, options={"expect": "both"})
SERVICES = Rule("silent", "silence", window_ms=10_000, options={"expect": "declared"})


def hosts(row: Any, *names: str) -> Any:
    return lambda second: [row(second, host=name) for name in names]


def test_a_host_that_was_heard_of_and_falls_silent_is_named(scene, row):
    """Known for longer than a window, then nothing for a window; over with its next event."""
    stage = scene(HOSTS)

    stage.lives(lambda second: [row(second), *([row(second, host="web-2")] if second < 20 or second >= 40 else [])], 0, 50)

    assert stage.told == [(30, "firing"), (41, "resolved")]
    assert dict(stage.alerts[0].group) == {"service.name": "web", "host.name": "web-2"}
    assert "web, web-2" in stage.alerts[0].explanation.sentence


def test_what_comes_and_goes_is_not_missed(scene, row):
    """A host that was there for less than a window was a visitor."""
    stage = scene(HOSTS)

    stage.lives(lambda second: [row(second), *([row(second, host="job-7")] if second < 5 else [])], 0, 60)

    assert stage.told == []


def test_a_declared_source_that_was_never_heard_of_is_missed(scene, row, start):
    """Somebody who waits for a service learns that it never came; from the moment it was declared a window must pass."""
    stage = scene(SERVICES)
    stage.lives(hosts(row, "web-1"), 0, 5)

    stage.watch.observe_source(Source("shop", at=start), stage.book)
    stage.lives(hosts(row, "web-1"), 5, 20)
    stage.lives(lambda second: [row(second), row(second, service="shop")], 20, 30)

    assert stage.told == [(15, "firing"), (21, "resolved")]
    assert stage.alerts[0].group == {"service.name": "shop"}


def test_declared_only_does_not_miss_the_others(scene, row):
    """With `expect: declared`, who was heard of and is gone is nobody's business."""
    stage = scene(SERVICES)

    stage.lives(lambda second: [row(second), *([row(second, service="old")] if second < 20 else [])], 0, 60)

    assert stage.told == []


def test_who_is_forgotten_is_not_missed_any_more(scene, row):
    """`logverse sources forget` ends the alert with the reason; heard of again, the source is learned anew."""
    stage = scene(HOSTS)
    stage.lives(lambda second: [row(second), *([row(second, host="web-2")] if second < 20 else [])], 0, 35)

    stage.watch.observe_source(Source("web", "web-2", at=1, forgotten=True), stage.book)
    (ended,) = stage.lives(hosts(row, "web-1"), 35, 60)
    again = stage.lives(lambda second: [row(second), *([row(second, host="web-2")] if second < 80 else [])], 60, 100)

    assert (ended.status, ended.reason) == ("resolved", "source forgotten")
    assert [(alert.status, alert.group["host.name"]) for alert in again] == [("firing", "web-2")]


def test_the_learned_are_told_once(scene, row):
    """Topic `inventory` hears of each source when it is learned, not of those it has."""
    stage = scene(HOSTS)
    stage.watch.observe_source(Source("web", "web-1", at=1), stage.book)

    stage.lives(hosts(row, "web-1", "web-2"), 0, 25)
    told = stage.watch.sources()

    assert [(source.service, source.host, source.origin) for source in told] == [("web", "web-2", "learned")]
    assert stage.watch.sources() == []


def test_what_is_expected_survives_a_crash_and_a_change_of_the_rule(scene, row):
    """The inventory is in the store: restored, and given to a rule that comes later, or changes."""
    stage = scene()
    stage.until(5)
    stage.watch.observe_source(Source("web", "web-9", at=1), stage.book)
    stage.crash()

    stage.book.put(HOSTS)
    stage.lives(hosts(row, "web-1"), 5, 20)
    fired = list(stage.told)
    stage.crash()
    stage.book.put(Rule("silent", "silence", group_by=("service.name", "host.name"), window_ms=10_000, severity="critical"))
    stage.lives(hosts(row, "web-1"), 20, 40)

    assert fired == [(15, "firing")]
    assert stage.told == fired


def test_a_source_is_expected_only_where_the_rule_is_about_it(scene, row):
    """A rule about one service does not miss the hosts of another, nor a rule by host a service as such."""
    shop = Rule("shop", "silence", where={"service.name": "shop*"}, group_by=("service.name", "host.name"), window_ms=10_000)
    stage = scene(shop)

    for source in (Source("web", "web-9"), Source("shop", "shop-1"), Source("shop")):
        stage.watch.observe_source(source, stage.book)
    stage.lives(hosts(row, "web-1"), 0, 20)

    assert [dict(alert.group) for alert in stage.alerts] == [{"service.name": "shop", "host.name": "shop-1"}]
