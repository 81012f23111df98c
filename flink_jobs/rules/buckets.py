"""What one series of a rule saw, in buckets of event time, and the running sums over the window that moves across them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence

import orjson

from logverse.instant import Millis

VERSION = 1
LABELS = 8  # kept a bucket
SAMPLE = 500  # characters kept of a log line


class Bucket:
    """Sums over one step of event time; beside them who is to blame, by label, and one of their lines."""

    __slots__ = ("blame", "peak", "sample", "sums")

    def __init__(self, sums: Sequence[int], peak: float = 0.0, blame: Mapping[str, int] = {}, sample: str = "") -> None:
        self.sums, self.peak, self.blame, self.sample = list(sums), peak, dict(blame), sample

    def add(self, columns: Sequence[int], peak: float, label: str, sample: str) -> None:
        sums = self.sums
        for place, number in enumerate(columns):
            sums[place] += number
        if peak > self.peak:
            self.peak = peak
        if columns[1]:
            self._blame(label, columns[1])
            self.sample = self.sample or sample[:SAMPLE]

    def _blame(self, label: str, count: int) -> None:
        """Counts a label; when there are too many, the smallest makes room for a larger one."""
        blame = self.blame
        if label not in blame and len(blame) >= LABELS:
            smallest = min(blame, key=lambda name: (blame[name], name))
            if blame[smallest] >= count:
                return
            del blame[smallest]
        blame[label] = blame.get(label, 0) + count

    def forget_names(self) -> None:
        """Keeps the figures alone: the window has gone on, nobody asks who it was."""
        self.blame, self.sample = {}, ""

    def to_bytes(self) -> bytes:
        return orjson.dumps([VERSION, self.sums, self.peak, self.blame, self.sample])

    @classmethod
    def from_bytes(cls, data: bytes) -> Bucket | None:
        """The bucket in these bytes; None when another version of this code wrote them in another form."""
        version, *rest = orjson.loads(data)
        return cls(*rest) if version == VERSION else None


class Rolling:
    """Sums over the buckets of [position - span, position). It looks at `buckets` (by start), which its owner fills.

    Moving it costs what enters and leaves, not what lies inside.
    """

    __slots__ = ("_ahead", "_buckets", "_inside", "_span", "_step", "position", "sums")

    def __init__(self, buckets: dict[Millis, Bucket], step: Millis, span: Millis, position: Millis, width: int) -> None:
        self._buckets, self._step, self._span, self.position = buckets, step, span, position
        self.sums = [0] * width
        self._ahead = sorted(start for start in buckets if start >= position)
        self._inside = sorted(start for start in buckets if position - span <= start < position)
        for start in self._inside:
            self._add(buckets[start].sums, 1)

    def _add(self, numbers: Sequence[int], sign: int) -> None:
        sums = self.sums
        for place, number in enumerate(numbers):
            sums[place] += sign * number

    def next_change(self) -> Millis | None:
        """When, after its position, something enters or leaves; None when nothing will."""
        enters = self._ahead[0] + self._step if self._ahead else None
        leaves = self._inside[0] + self._span + self._step if self._inside else None
        return min((time for time in (enters, leaves) if time is not None), default=None)

    def expect(self, start: Millis) -> None:
        """A bucket was made at `start`."""
        if start >= self.position:
            insort(self._ahead, start)
        elif start >= self.position - self._span:
            insort(self._inside, start)

    def correct(self, start: Millis, columns: Sequence[int]) -> None:
        """Something was added to a bucket that the window may already hold."""
        if self.position - self._span <= start < self.position:
            self._add(columns, 1)

    def move(self, to: Millis) -> list[Millis]:
        """Moves on to `to`; answers which buckets entered. Of those that left only the figures are kept."""
        entered = self._taken(self._ahead, to)
        for start in entered:
            self._add(self._buckets[start].sums, 1)
            self._inside.append(start)
        for start in self._taken(self._inside, to - self._span):
            self._add(self._buckets[start].sums, -1)
            self._buckets[start].forget_names()
        self.position = to
        return entered

    def _taken(self, starts: list[Millis], before: Millis) -> list[Millis]:
        place = bisect_left(starts, before)
        taken = starts[:place]
        del starts[:place]
        return taken

    @property
    def inside(self) -> list[Bucket]:
        """The buckets of the window, oldest first."""
        return [self._buckets[start] for start in self._inside]

    def peak(self) -> float:
        return max((bucket.peak for bucket in self.inside), default=0.0)


def blamed(buckets: Sequence[Bucket]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Labels with their counts over these buckets, and up to three distinct lines, newest first."""
    counts: dict[str, int] = {}
    for bucket in buckets:
        for label, count in bucket.blame.items():
            counts[label] = counts.get(label, 0) + count
    samples = dict.fromkeys(bucket.sample for bucket in reversed(buckets) if bucket.sample)
    return counts, tuple(samples)[:3]
