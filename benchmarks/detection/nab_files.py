"""The part of the Numenta Anomaly Benchmark that lies beside the checkout: rows and labelled windows of 28 files."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
import zstandard

from logverse.instant import Millis

FOLDER = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "nab"
ARCHIVE, WINDOWS = "nab_aws_artificial.tar.zst", "combined_windows.json"


@dataclass(frozen=True, slots=True)
class File:
    """One file: a value for each time (usually every five minutes), and the windows as (first row, last row)."""

    name: str
    times: list[Millis]
    values: list[float]
    windows: list[tuple[int, int]]

    @property
    def artificial(self) -> bool:
        return self.name.startswith("artificial")

    @property
    def step_ms(self) -> Millis:
        """The usual distance of two rows, as whoever configures the series would know it."""
        gaps = sorted(later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False))
        return gaps[len(gaps) // 2]


def read(folder: Path = FOLDER, artificial: bool | None = None) -> list[File]:
    """All files in order of name; `artificial` selects those that settings may be tuned on, or the others. FileNotFoundError."""
    windows = orjson.loads((folder / WINDOWS).read_bytes())
    files = [_file(name, text, windows[name]) for name, text in _texts(folder / ARCHIVE) if name in windows]
    return sorted((file for file in files if artificial in (None, file.artificial)), key=lambda file: file.name)


def _texts(archive: Path) -> Iterator[tuple[str, str]]:
    with archive.open("rb") as packed:
        plain = zstandard.ZstdDecompressor().stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.name.endswith(".csv") else None
            if content is not None:
                yield member.name.removeprefix("data/"), content.read().decode()


def _file(name: str, text: str, windows: list[list[str]]) -> File:
    rows = list(csv.DictReader(io.StringIO(text)))
    times = [_millis(row["timestamp"]) for row in rows]
    limits = [(times.index(_millis(first)), times.index(_millis(last))) for first, last in windows]
    return File(name, times, [float(row["value"]) for row in rows], limits)


def _millis(text: str) -> Millis:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000
