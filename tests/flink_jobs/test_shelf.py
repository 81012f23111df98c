"""How the buckets of many series are kept in few entries."""

from __future__ import annotations

from dataclasses import replace

from flink_jobs.rules.book import RuleBook
from flink_jobs.rules.buckets import Bucket
from flink_jobs.rules.shelf import PER_SHELF, Shelves, entry, read
from logverse.rule import Rule

ROUTES = 150
FAILURES = Rule("failures", "frequency", {"http.response.status_code": "5xx"}, ("service.name", "http.route"), options={"num_events": 5})


def test_a_bucket_survives_its_entry_but_not_another_version():
    """What another version of the code wrote in another form is left, not misread."""
    store, bucket = Entries(), Bucket([1, 2, 3], 0.25, {"GET /pay": 2}, "a line")
    shelves = Shelves(store)
    number = shelves.find_room("a", Holder({7000: bucket}), 60_000)

    shelves.touch(number, [7000])
    shelves.save()

    found = read(entry(number, 7000), store[entry(number, 7000)])
    assert found is not None
    (shelf, start, held) = found
    assert (shelf, start, held["a"].plain()) == (number, 7000, bucket.plain())
    assert read("B:one:7000", b'[2,[1,2],0.0,{},""]') is None


def test_a_second_of_many_series_is_a_few_entries(scene, row):
    """What is written a second grows by one entry for each 64 series, not for each."""
    stage = scene(FAILURES)

    stage.sees(*routes(row, 0))
    stage.until(1)

    assert len(stage.watch._roster.series) == ROUTES
    assert len(kept(stage)) == -(-ROUTES // PER_SHELF)


def test_series_that_share_an_entry_count_on_after_a_crash(scene, row):
    """Each gets its own buckets back, and no other's."""
    stage, other = scene(FAILURES), scene(FAILURES)
    for one in (stage, other):
        one.sees(*routes(row, 0, 2))
        one.sees(*routes(row, 1)[:70])

    stage.crash()
    for one in (stage, other):
        one.sees(*routes(row, 2, 2)[60:80])
        one.until(3)

    assert [alert.group["http.route"] for alert in stage.alerts] == [f"/{number}" for number in range(60, 70)]
    assert stage.alerts == other.alerts


def test_what_a_dropped_series_counted_does_not_come_back(scene, row):
    """Its rule counts something else now: of the entry that it shared the others' part stays."""
    calm = replace(FAILURES, name="calm")
    stage = scene(FAILURES, calm)
    stage.sees(*routes(row, 0, 4))
    stage.until(1)

    stage.book = RuleBook([replace(FAILURES, where={"http.response.status_code": [500, 503]}), calm])
    stage.until(2)
    stage.crash()
    stage.sees(*routes(row, 2))
    stage.until(3)

    assert {alert.rule for alert in stage.alerts} == {"calm"}  # four and one in a minute; the other has seen one


def test_no_entry_outlives_its_series(scene, row):
    """When the window and the quarter of an hour for late rows have gone by, nothing is left of them."""
    stage = scene(FAILURES)
    stage.sees(*routes(row, 0))
    stage.until(1)

    stage.until(60 + 15 * 60 + 120)

    assert kept(stage) == []


class Entries(dict[str, bytes]):
    """A store."""

    def put(self, key: str, value: bytes) -> None:
        self[key] = value

    def remove(self, key: str) -> None:
        self.pop(key, None)


class Holder:
    """Whose buckets are kept."""

    def __init__(self, buckets: dict[int, Bucket]) -> None:
        self.buckets = buckets


def routes(row, second, count=1):
    return [row(second, count, status=500, route=f"/{number}") for number in range(ROUTES)]


def kept(stage):
    return [key for key in stage.store.entries if key.startswith("B:")]
