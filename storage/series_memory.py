"""The twin in memory of the stores of series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from logverse.instant import Millis
from storage.layout import LONGEST_KEY
from storage.rows import RefusedRow
from storage.series_rows import SeriesRow, Step


class MemorySeries:
    """Rows in dicts, by what makes them one row."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], dict[tuple[Millis, str], SeriesRow]] = {}

    def put(self, step: Step, rows: Sequence[SeriesRow]) -> list[RefusedRow]:
        refused = []
        for place, row in enumerate(rows):
            if len(row.service.encode("utf-8", "surrogatepass")) > LONGEST_KEY:
                refused.append(RefusedRow(place, f"a key is longer than {LONGEST_KEY} bytes"))
            else:
                self._rows.setdefault((step.name, row.service), {})[row.at, row.part] = row
        return refused

    def read(self, step: Step, service: str, since: Millis, until: Millis, cells: bool = True) -> Iterator[SeriesRow]:
        rows = self._rows.get((step.name, service), {})
        for key in sorted(key for key in rows if since <= key[0] < until):
            yield rows[key] if cells else rows[key]._replace(cells=b"")

    def forget(self, step: Step, before: Millis) -> None:
        """What a time to live does: rows of this step that are older are gone."""
        for (name, _), rows in self._rows.items():
            for key in [key for key in rows if name == step.name and key[0] < before]:
                del rows[key]
