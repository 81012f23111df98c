"""What one series of a rule saw, in buckets of event time, and the running sums over the window that moves across them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import add, sub
from typing import Any

from flink_jobs.rules.distinct import Distinct, DistinctOver
from logverse.instant import Millis

VERSION = 3  # of the form of `plain`
LABELS = 8  # kept a bucket
SAMPLE, SAMPLES = 500, 3  # characters kept of a log line, lines of an alert


class Bucket:
    """Sums over one step of event time; beside them who is to blame, by trait, and one of their lines."""

    __slots__ = ("blame", "distinct", "peak", "sample", "sums")

    def __init__(
        self, sums: Sequence[int], peak: float = 0.0, blame: Mapping[str, int] = {}, sample: str = "", distinct: list[Any] | None = None
    ) -> None:
        self.sums, self.peak, self.blame, self.sample = list(sums), peak, dict(blame), sample
        self.distinct = None if distinct is None else Distinct.from_plain(distinct)

    def add(self, columns: Sequence[int], peak: float) -> None:
        self.sums = list(map(add, self.sums, columns))
        if peak > self.peak:
            self.peak = peak

    def charge(self, count: int, trait: str, sample: str) -> None:
        """Says who is to blame for `count` of the events, and keeps the first line of them."""
        if trait in self.blame:
            self.blame[trait] += count
        else:
            charge(self.blame, trait, count, LABELS)
        self.sample = self.sample or sample[:SAMPLE]

    def forget_names(self) -> None:
        """Keeps the figures alone: the window has gone on, nobody asks who it was."""
        self.blame, self.sample = {}, ""

    def plain(self) -> list[Any]:
        """As JSON has it: what to make the bucket of again."""
        plain = [self.sums, self.peak, self.blame, self.sample]
        return plain if self.distinct is None else [*plain, self.distinct.plain()]


class Rolling:
    """Sums over the buckets of [position - span, position). It looks at `buckets` (by start), which its owner fills.

    Moving it costs what enters and leaves, not what lies inside. `forgets`: what leaves keeps its figures only. `distinct`: the
    window's distinct values, for those who count them.
    """

    __slots__ = ("_ahead", "_buckets", "_forgets", "_inside", "_span", "_step", "distinct", "position", "sums")

    def __init__(
        self, buckets: dict[Millis, Bucket], step: Millis, span: Millis, position: Millis, width: int,
        forgets: bool = True, distinct: bool = False,
    ) -> None:  # fmt: skip
        self._buckets, self._step, self._span, self.position = buckets, step, span, position
        self._forgets = forgets
        self.sums = [0] * width
        self.distinct = DistinctOver() if distinct else None
        self._ahead = sorted(start for start in buckets if start >= position)
        self._inside = sorted(start for start in buckets if position - span <= start < position)
        for start in self._inside:
            self._enter(buckets[start])

    def _enter(self, bucket: Bucket) -> None:
        self.sums = list(map(add, self.sums, bucket.sums))
        if self.distinct is not None and bucket.distinct is not None:
            self.distinct.enter(bucket.distinct)

    def next_change(self) -> Millis | None:
        """When, after its position, something enters or leaves; None when nothing will."""
        enters = self._ahead[0] + self._step if self._ahead else None
        leaves = self._inside[0] + self._span + self._step if self._inside else None
        if enters is None or leaves is None:
            return enters if leaves is None else leaves
        return enters if enters < leaves else leaves

    def next_blamed(self) -> Millis | None:
        """When, after its position, the next bucket enters that has events to blame."""
        return next((start + self._step for start in self._ahead if self._buckets[start].sums[1]), None)

    def expect(self, start: Millis) -> None:
        """A bucket was made at `start`."""
        if start >= self.position:
            insort(self._ahead, start)
        elif start >= self.position - self._span:
            insort(self._inside, start)
            if self.distinct is not None and (distinct := self._buckets[start].distinct) is not None:
                self.distinct.enter(distinct)

    def correct(self, start: Millis, columns: Sequence[int]) -> None:
        """Something was added to a bucket that the window may already hold."""
        if self.holds(start):
            self.sums = list(map(add, self.sums, columns))

    def holds(self, start: Millis) -> bool:
        return self.position - self._span <= start < self.position

    def move(self, to: Millis) -> list[Millis]:
        """Moves on to `to`; answers which buckets entered. Of those that left only the figures are kept."""
        entered = self._taken(self._ahead, to)
        for start in entered:
            self._enter(self._buckets[start])
            self._inside.append(start)
        for start in self._taken(self._inside, to - self._span):
            bucket = self._buckets[start]
            self.sums = list(map(sub, self.sums, bucket.sums))
            if self.distinct is not None and bucket.distinct is not None:
                self.distinct.leave(bucket.distinct)
            if self._forgets:
                bucket.forget_names()
        self.position = to
        return entered

    def _taken(self, starts: list[Millis], before: Millis) -> list[Millis]:
        if not starts or starts[0] >= before:
            return []
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


@dataclass(slots=True)
class Tally:
    """What was seen since an alert became active: events, the blamed among them, by trait, and the first lines."""

    total: int = 0
    matched: int = 0
    blame: dict[str, int] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, buckets: Sequence[Bucket]) -> Tally:
        tally = cls()
        for bucket in buckets:
            tally.add(bucket)
        return tally

    def add(self, bucket: Bucket) -> None:
        self.count(bucket.sums)
        for trait, count in bucket.blame.items():
            charge(self.blame, trait, count, 2 * LABELS)
        if bucket.sample and len(self.samples) < SAMPLES and bucket.sample not in self.samples:
            self.samples.append(bucket.sample)

    def count(self, columns: Sequence[int]) -> None:
        self.total += columns[0]
        self.matched += columns[1]


def charge(blame: dict[str, int], trait: str, count: int, most: int) -> None:
    """Counts a trait; when there are too many, the smallest makes room for a larger one."""
    if trait not in blame and len(blame) >= most:
        least, smallest = min(zip(blame.values(), blame, strict=True))
        if least >= count:
            return
        del blame[smallest]
    blame[trait] = blame.get(trait, 0) + count


def blamed(buckets: Sequence[Bucket]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Traits with their counts over these buckets, and up to three distinct lines, newest first."""
    counts: dict[str, int] = {}
    for bucket in buckets:
        for trait, count in bucket.blame.items():
            counts[trait] = counts.get(trait, 0) + count
    samples = dict.fromkeys(bucket.sample for bucket in reversed(buckets) if bucket.sample)
    return counts, tuple(samples)[:SAMPLES]
