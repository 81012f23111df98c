"""What every store of series must do, whatever it is made of. A test class inherits it and gives the fixture `store`."""

from __future__ import annotations

import uuid

import pytest

from storage.series import SeriesWriter
from storage.series_chart import chart
from storage.series_rows import HOURS, MINUTES, SECONDS, STEPS, SeriesRow, SeriesStore
from tests.storage.series_world import NOON, record, summary


class SeriesContract:
    @pytest.fixture
    def service(self) -> str:
        """That no other test has."""
        return f"s-{uuid.uuid4().hex[:12]}"

    @pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
    def test_rows_come_back_in_order(self, store: SeriesStore, service: str, step: object) -> None:
        """Over all buckets of the range, oldest first; without cells these stay empty."""
        rows = [SeriesRow(service, NOON + place * step.bucket_ms // 2, "", b"total %d" % place, b"cells") for place in range(40)]  # type: ignore[attr-defined]

        assert store.put(step, rows[::-1]) == []  # type: ignore[arg-type]

        found = list(store.read(step, service, rows[3].at, rows[-1].at))  # type: ignore[arg-type]
        assert found == rows[3:-1]
        assert list(store.read(step, service, rows[3].at, rows[-1].at, cells=False)) == [row._replace(cells=b"") for row in found]  # type: ignore[arg-type]

    def test_written_twice_is_there_once(self, store: SeriesStore, service: str) -> None:
        """The later one; rows of a second with another part stand beside it."""
        for total in (b"a", b"b"):
            store.put(SECONDS, [SeriesRow(service, NOON, "", total, b""), SeriesRow(service, NOON, "topic:0:7", total, b"")])

        assert [(row.part, row.total) for row in store.read(SECONDS, service, NOON, NOON + 1)] == [("", b"b"), ("topic:0:7", b"b")]

    def test_row_that_cannot_be_is_refused_alone(self, store: SeriesStore, service: str) -> None:
        """The others are kept."""
        rows = [SeriesRow(name, NOON, "", b"t", b"c") for name in (service, "x" * 70_000, service + "-2")]

        assert [refused.place for refused in store.put(HOURS, rows)] == [1]

        assert [row.total for row in store.read(HOURS, service + "-2", NOON, NOON + 1)] == [b"t"]

    def test_writer_and_chart_meet(self, store: SeriesStore, service: str) -> None:
        """What the job saves, twice and by two processes, is what a chart shows."""
        records = [
            (f"topic:0:{second}", record(at, summary(at, count=2, service=service), service=service))
            for second in range(90)
            for at in [NOON + second * 1000]
        ]
        SeriesWriter(store).save(records[:50])

        assert SeriesWriter(store).save(records[40:]) == []

        kept = {"1s": 10**12, "1m": 10**12, "1h": 10**12}
        found = [chart(store, service, NOON, NOON + 120_000, "rate", NOON + 3_600_000, kept, step.ms) for step in (SECONDS, MINUTES, HOURS)]
        assert [point.events for point in found[0].lines[""]] == [2] * 90 + [0] * 30
        assert [point.value for point in found[1].lines[""]] == [2.0, 1.0]
        assert [point.events for point in found[2].lines[""]] == [180]
