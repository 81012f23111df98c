"""Charts: what a series was like over minutes to years, from rows of the right resolution."""

from __future__ import annotations

import pytest

from logverse import durations
from logverse.errors import WrongSettings
from storage.series import SeriesWriter
from storage.series_chart import chart, resolution
from storage.series_memory import MemorySeries
from storage.series_rows import MINUTES, SECONDS
from tests.storage.series_world import NOON, numbered, record, summary

HOUR, DAY = 3_600_000, 86_400_000
KEPT = {"1s": 6 * HOUR, "1m": 30 * DAY, "1h": 730 * DAY}
NOW = NOON + HOUR


def stored(*records):
    store = MemorySeries()
    assert SeriesWriter(store).save(numbered(records)) == []
    return store


def drawn(store, measure, since=NOON, until=NOON + 5000, step="1s", now=NOW, **more):
    return chart(store, "web", since, until, measure, now, KEPT, durations.read(step), **more)


def values(found, line=""):
    return [point.value for point in found.lines[line]]


def test_gaps_are_gaps_and_not_zeros():
    """Where nothing is known there is no figure; where something is, a filter that finds nothing is a zero."""
    store = stored(record(NOON, summary(NOON, count=4)), record(NOON + 2000, summary(NOON + 2000, status=503)))

    assert values(drawn(store, "rate")) == [4.0, None, 1.0, None, None]
    assert values(drawn(store, "rate", filters={"http.response.status_code": "5xx"})) == [0.0, None, 1.0, None, None]


@pytest.mark.parametrize(
    ("measure", "expected"),
    [("rate", 10.0), ("5xx-share", 20.0), ("4xx-share", 10.0), ("error-share", 20.0), ("bytes", 1000.0), ("p50", 0.25 + 0.25 * 2 / 7)],
)
def test_figures_of_a_second(measure, expected):
    """Ten requests: two failed with 503, one with 404; seven took 0.5 s: the fifth is the second of those."""
    seconds = [
        summary(NOON, count=7, seconds=0.5),
        summary(NOON, status=404, seconds=0.01),
        summary(NOON, status=503, count=2, seconds=0.001),
    ]
    store = stored(record(NOON, *seconds))

    found = values(drawn(store, measure, until=NOON + 1000))

    assert found == [pytest.approx(expected)]


def test_rates_are_over_the_whole_step():
    """A minute with one busy second has the mean of a minute; the step that still runs has the mean of what has passed."""
    store = stored(record(NOON, summary(NOON, count=120)), record(NOON + 60_000, summary(NOON + 60_000, count=120)))

    assert values(drawn(store, "rate", until=NOON + 120_000, step="1m", now=NOON + 90_000)) == [2.0, 4.0]


def test_totals_and_cells_agree():
    """A line by dimension for each of its values, most events first; together they are the line without."""
    seconds = [summary(NOON, "/a", count=3), summary(NOON, "/b", count=5), summary(NOON, "/b", status=503, count=2)]
    store = stored(record(NOON, *seconds))

    found = drawn(store, "rate", until=NOON + 1000, by="http.route")

    assert {line: values(found, line) for line in found.lines} == {"/b": [7.0], "/a": [3.0]}
    assert list(found.lines) == ["/b", "/a"]
    assert values(drawn(store, "rate", until=NOON + 1000)) == [10.0]


def test_share_of_nothing_is_no_figure():
    """Events without a status have no share of failed answers, and requests without a duration no percentile."""
    store = stored(record(NOON).replace(b",200,9,", b",null,9,").replace(b",1,1,0.02,0.02,", b",1,0,null,null,"))

    assert values(drawn(store, "5xx-share", until=NOON + 1000)) == values(drawn(store, "p99", until=NOON + 1000)) == [None]


def test_step_reads_its_own_rows():
    """A step of hours reads hours, of minutes minutes: what only lies in rows of another resolution is not asked for."""
    store = stored(record(NOON), record(NOON + 60_000))
    store.forget(SECONDS, NOW)

    assert drawn(store, "rate", step="1s", until=NOON + 1000).known == 0
    assert values(drawn(store, "rate", step="2m", until=NOON + 120_000)) == [2 / 120]
    store.forget(MINUTES, NOW)
    assert values(drawn(store, "rate", step="1h", until=NOON + HOUR)) == [2 / 3600]


@pytest.mark.parametrize(
    ("back", "span", "step", "rows"),
    [
        ("5m", "5m", "1s", "1s"), ("1h", "1h", "5s", "1s"), ("3h", "3h", "15s", "1s"), ("1d", "1d", "2m", "1m"), ("7d", "7d", "15m", "1m"),
        ("30d", "30d", "1h", "1h"), ("365d", "365d", "12h", "1h"), ("730d", "730d", "1d", "1h"),
        ("1d", "5m", "1m", "1m"),  # its seconds are gone
        ("60d", "10m", "1h", "1h"),  # its minutes too
    ],
)  # fmt: skip
def test_resolution_follows_the_range(back, span, step, rows):
    """At most 750 points, made of the coarsest rows that are exact, of rows that still live."""
    since = NOW - durations.read(back)

    found = resolution(since, since + durations.read(span), NOW, KEPT, None)

    assert (durations.written(found[0]), found[1].name) == (step, rows)


@pytest.mark.parametrize(("step", "span"), [("500ms", "1h"), ("1500ms", "1h"), ("1s", "1d"), ("1m", "30d")])
def test_step_that_cannot_be_is_refused_with_one_that_can(step, span):
    """A step below a second, or so many points that nobody can look at them."""
    with pytest.raises(WrongSettings, match="--step"):
        resolution(NOW - durations.read(span), NOW, NOW, KEPT, durations.read(step))


def test_what_had_no_place_is_told():
    """Combinations beyond a row's bound appear as one line, and their number is told."""
    store = MemorySeries()
    routes = [summary(NOON, f"/{place}", count=place + 1) for place in range(5)]
    SeriesWriter(store, most_cells=2).save(numbered([record(NOON, *routes)]))

    found = drawn(store, "rate", until=NOON + 1000, by="http.route")

    assert {line: values(found, line) for line in found.lines} == {"/4": [5.0], "/3": [4.0], "(other)": [6.0]}
    assert found.folded == 3
