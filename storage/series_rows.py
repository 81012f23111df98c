"""Series as rows: which steps are kept, what a row is, and what a store of series must do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from logverse.instant import Millis
from storage.rows import RefusedRow


class Step(NamedTuple):
    """A resolution that is kept. A partition holds `bucket_ms` of one service: at most 720 rows, so that the 80 KB that the most cells
    take (measured, compressed) leave it under 100 MB."""

    name: str
    ms: Millis
    bucket_ms: Millis

    def bucket_of(self, at: Millis) -> Millis:
        return at - at % self.bucket_ms


SECONDS = Step("1s", 1000, 600_000)
MINUTES = Step("1m", 60_000, 12 * 3_600_000)
HOURS = Step("1h", 3_600_000, 30 * 86_400_000)
STEPS = (SECONDS, MINUTES, HOURS)


class SeriesRow(NamedTuple):
    """One step of one service. `part` tells rows of the same second apart: '' what was on time, else the Kafka position of a late
    summary; always '' in minutes and hours. `total` and `cells` are as `storage.series_figures` writes them."""

    service: str
    at: Millis
    part: str
    total: bytes
    cells: bytes


class SeriesStore(Protocol):
    """Where series are kept: a row written twice is there once, the later one. Every method raises TryAgain when the store is away."""

    def put(self, step: Step, rows: Sequence[SeriesRow]) -> list[RefusedRow]:
        """Keep these, and have them seen by every `read` from now on."""

    def read(self, step: Step, service: str, since: Millis, until: Millis, cells: bool = True) -> Iterator[SeriesRow]:
        """Rows with `since` <= at < `until`, oldest first; without `cells` these stay empty and cost little."""
