"""Summaries rolled up: the sums are right whatever was replayed, crashed or went away in between."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logverse.errors import TryAgain
from storage.series import SeriesWriter
from storage.series_figures import COUNT, CUT, DURATION_MAX, DURATION_SUM, ERRORS, FOLDED, OTHER, STATUS_CLASSES, read, read_total
from storage.series_memory import MemorySeries
from storage.series_rows import HOURS, MINUTES, SECONDS, STEPS
from tests.storage.series_world import NOON, numbered, record, summary


def figures(store, step, place=COUNT, service="web"):
    """Start of each row and one of its figures."""
    return {row.at - NOON: read_total(row.total)[0][place] for row in store.read(step, service, 0, 2**60)}


def test_seconds_become_minutes_and_hours():
    """What came in a second is in its minute and its hour."""
    store = MemorySeries()

    refused = SeriesWriter(store).save(numbered([record(NOON), record(NOON + 59_000), record(NOON + 60_000), record(NOON + 3_600_000)]))

    assert refused == []
    assert figures(store, SECONDS) == {0: 1, 59_000: 1, 60_000: 1, 3_600_000: 1}
    assert figures(store, MINUTES) == {0: 2, 60_000: 1, 3_600_000: 1}
    assert figures(store, HOURS) == {0: 3, 3_600_000: 1}


def test_all_figures_are_kept():
    """Counts, durations, sizes, status classes and errors add up; the greatest duration stays the greatest."""
    store = MemorySeries()
    SeriesWriter(store).save(
        numbered([record(NOON, summary(NOON, count=3, seconds=0.5), summary(NOON, status=503, count=2, seconds=2.0)), record(NOON + 1000)])
    )

    (row,) = store.read(HOURS, "web", 0, 2**60)
    sums = read(row.total, row.cells)

    assert sums.total[:5] == [6, 6, 5_520_000, 2_000_000, 600]
    assert sums.total[STATUS_CLASSES : STATUS_CLASSES + 5] == [0, 4, 0, 0, 2]
    assert sums.total[ERRORS] == 2
    assert {(key[2], key[4]): cell[COUNT] for key, cell in sums.cells.items()} == {("/", 200): 4, ("/", 503): 2}


def test_late_summaries_are_added_once():
    """Late summaries of a second stand beside it, each once by its position, also when the process is another."""
    store, records = MemorySeries(), numbered([record(NOON), record(NOON, late=True), record(NOON, late=True)])
    SeriesWriter(store).save(records)

    SeriesWriter(store).save(records[1:])

    assert figures(store, HOURS) == figures(store, MINUTES) == {0: 3}


def test_second_said_again_counts_as_said_last():
    """The detect job may say a second again, otherwise than before: the last word counts, in the same process and in another."""
    store = MemorySeries()
    writer = SeriesWriter(store)
    writer.save(numbered([record(NOON, summary(NOON, count=5, seconds=9.0)), record(NOON + 1000)]))

    writer.save([("topic:0:7", record(NOON, summary(NOON, count=4)))])

    assert figures(store, MINUTES) == figures(store, HOURS) == {0: 5}
    assert figures(store, HOURS, DURATION_MAX) == {0: 20_000}


def test_minute_outlives_its_seconds():
    """A replay after the seconds' time to live adds what the minute lacks, and nothing that it holds."""
    store = MemorySeries()
    records = numbered([record(NOON), record(NOON, late=True), record(NOON + 30_000), record(NOON + 31_000)])
    SeriesWriter(store).save(records[:3])
    store.forget(SECONDS, before=NOON + 30_000)

    SeriesWriter(store).save(records[1:])

    assert figures(store, MINUTES) == figures(store, HOURS) == {0: 4}


def test_combinations_are_bounded():
    """Of more combinations than a row holds the largest stay; the others are one cell, and no event is lost."""
    store = MemorySeries()
    routes = [summary(NOON, f"/{place}", count=1 + (place == 7)) for place in range(30)]
    SeriesWriter(store, most_cells=10).save(numbered([record(NOON, *routes)]))

    (row,) = store.read(HOURS, "web", 0, 2**60)
    sums = read(row.total, row.cells)

    assert len(sums.cells) == 11
    assert sums.cells[OTHER][COUNT] == 20
    assert sums.total[COUNT] == sum(cell[COUNT] for cell in sums.cells.values()) == 31
    assert sums.total[FOLDED] == 20
    assert "/7" in {key[2] for key in sums.cells if key}


def test_cut_second_is_known_as_cut():
    """A second whose figures were too large for the topic is no second without events: it says so."""
    store = MemorySeries()
    cut = {"service.name": "web", "second": NOON + 1000, "late": False, "cut": True, "items": []}

    SeriesWriter(store).save(numbered([record(NOON), orjson.dumps(cut)]))

    assert figures(store, HOURS, CUT) == {0: 1}


@pytest.mark.parametrize(
    "value",
    [
        b"", b"{", b"[]", b"{}", b'"x"', record("x"), record(-1), record(NOON + 1), record(2**60),
        record(NOON, service=7), record(NOON, late="no"),
        b'{"service.name":"web","second":0,"late":false,"items":7}', b'{"service.name":"web","second":0,"late":false,"items":[7]}',
        b'{"service.name":"web","second":0,"late":false,"items":[["web"]]}',
        record(0).replace(b'"http"', b'["http"]'), record(0).replace(b",1,1,", b",-1,1,"), record(0).replace(b",1,1,", b",true,1,"),
        record(0).replace(b"0.02", b'"x"'),
    ],
)  # fmt: skip
def test_what_is_no_summary_comes_back(value):
    """Anybody may write to a topic: what is no summary is refused with a reason, the others are kept."""
    store = MemorySeries()

    (refused,) = SeriesWriter(store).save([("topic:0:0", record(NOON)), ("topic:0:1", value)])

    assert (refused.place, bool(refused.reason)) == (1, True)
    assert figures(store, HOURS) == {0: 1}


def test_service_that_no_store_takes_comes_back():
    """A key longer than the store's is refused, once, and counts nowhere."""
    store, name = MemorySeries(), "x" * 70_000

    refused = SeriesWriter(store).save([("topic:0:0", record(NOON, service=name)), ("topic:0:1", record(NOON))])

    assert [one.place for one in refused] == [0]
    assert figures(store, HOURS) == {0: 1}


def test_sums_have_an_end():
    """Figures that no log can mean do not stop the writer."""
    value = record(NOON).replace(b",100,", f",{2**64 - 1},".encode())

    refused = SeriesWriter(MemorySeries()).save([("topic:0:0", value), ("topic:0:1", value.replace(b"false", b"true"))])

    assert refused == []


class Failing(MemorySeries):
    """Goes away in the middle of one of its puts: some of the rows are there, and the writer does not know which."""

    def __init__(self):
        super().__init__()
        self.puts_left = None

    def put(self, step, rows):
        if self.puts_left == 0:
            self.puts_left = None
            super().put(step, rows[: len(rows) // 2])
            raise TryAgain("away")
        if self.puts_left is not None:
            self.puts_left -= 1
        return super().put(step, rows)


@pytest.mark.parametrize("puts", [0, 1, 2])
@pytest.mark.parametrize("at", [NOON + 1000, NOON + 60_000, NOON + 3_600_000])
def test_same_records_saved_again_after_trouble(puts, at):
    """A writer whose store went away in the middle saves the same records again: in the same minute, a new one, a new hour."""
    store = Failing()
    writer = SeriesWriter(store)
    writer.save([("topic:0:0", record(NOON))])
    store.puts_left = puts

    with pytest.raises(TryAgain):
        writer.save([("topic:0:1", record(at))])
    writer.save([("topic:0:1", record(at))])

    assert sum(figures(store, MINUTES).values()) == sum(figures(store, HOURS).values()) == 2


SUMMARIES = st.tuples(
    st.sampled_from(["web", "pay"]), st.sampled_from([0, 1, 59, 60, 61, 3599, 3600]), st.sampled_from(["/a", "/b"]),
    st.sampled_from([200, 503]), st.integers(1, 5), st.booleans(),
)  # fmt: skip
# What happens next: how many records go on from the committed offset, whether the store goes away at one of the puts, whether the
# offset is left uncommitted, whether a new process goes on, whether old seconds end.
ROUNDS = st.tuples(st.integers(1, 12), st.none() | st.integers(0, 2), st.booleans(), st.booleans(), st.booleans())


@given(topic=st.lists(SUMMARIES, min_size=1, max_size=40), rounds=st.lists(ROUNDS, max_size=12))
@settings(max_examples=300, deadline=None)
def test_replays_and_crashes_change_no_sum(topic, rounds):
    """Whatever is cut, repeated or lost on the way: in the end minutes and hours are what a plain sum of the topic is."""
    # A second on time is said once, or again in the same words: what the detect job says differently is another test.
    said = {}
    values = []
    for service, second, route, status, count, late in topic:
        if not late:
            route, status, count = said.setdefault((service, second), (route, status, count))
        at = NOON + 1000 * second
        values.append(record(at, summary(at, route, status, count, service=service), late=late, service=service))
    records, store, committed = numbered(values), Failing(), 0
    writer = SeriesWriter(store, cached_cells=3)
    for batch, away, dies, new, ages in rounds:
        store.puts_left = away
        try:
            writer.save(records[committed : committed + batch])
            committed += 0 if dies else batch
        except TryAgain:
            new = new or dies
        store.puts_left = None
        if new:
            writer = SeriesWriter(store)
        if ages:
            store.forget(SECONDS, before=NOON + 60_000)
    writer.save(records[committed:])

    for service in ("web", "pay"):
        once, direct = set(), {step: Counter() for step in STEPS}
        for offset, (name, second, _route, _status, count, late) in enumerate(topic):
            part = (second, offset if late else None)
            if name == service and part not in once:
                once.add(part)
                count = count if late else said[name, second][2]
                for step in STEPS:
                    direct[step][second * 1000 // step.ms * step.ms] += count
        for step in (MINUTES, HOURS):
            assert figures(store, step, COUNT, service) == direct[step]
            assert {at: total // 20_000 for at, total in figures(store, step, DURATION_SUM, service).items()} == direct[step]
        for row in store.read(HOURS, service, 0, 2**60):
            sums = read(row.total, row.cells)
            assert sum(cell[COUNT] for cell in sums.cells.values()) == sums.total[COUNT]
