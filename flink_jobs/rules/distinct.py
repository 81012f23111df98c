"""How many distinct values there were: exactly while they are few, by a sketch of fixed size when they are many."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any

EXACT = 64  # values that a bucket keeps; from the next one on it keeps a sketch instead
BITS = 4096  # of a sketch: two percent off at 10,000 values, which is as far as it is asked (MOST)
MOST = 10_000


def bit_of(value: str, bits: int = BITS) -> int:
    """Which bit of a sketch stands for a value; the same in every process."""
    return int.from_bytes(hashlib.blake2b(value.encode("utf-8", "replace"), digest_size=4).digest(), "big") % bits


def estimate(sketch: int, bits: int = BITS) -> int:
    """How many distinct values set these bits: linear counting (Whang, Vander-Zanden and Taylor, ACM TODS 15(2), 1990).

    >>> estimate(0), estimate(0b1011, 64), estimate((1 << 64) - 1, 64)
    (0, 3, 330)
    """
    empty = max(bits - sketch.bit_count(), 1) if bits > sketch.bit_count() else 1 / math.e  # all bits set: more cannot be told
    return round(bits * math.log(bits / empty))


class Distinct:
    """The distinct values of one bucket."""

    __slots__ = ("sketch", "values")

    def __init__(self, values: Iterable[str] = (), sketch: int = 0) -> None:
        self.values, self.sketch = set(values), sketch

    def add(self, value: str) -> str | None:
        """Takes a value in; answers it when it is kept as such and new."""
        if value in self.values:
            return None
        if self.sketch or len(self.values) >= EXACT:
            self.sketch |= 1 << bit_of(value)
            return None
        self.values.add(value)
        return value

    def plain(self) -> list[Any]:
        """As JSON has it."""
        return [sorted(self.values), f"{self.sketch:x}"]

    @classmethod
    def from_plain(cls, plain: list[Any]) -> Distinct:
        values, sketch = plain
        return cls(values, int(sketch, 16))


class DistinctOver:
    """The distinct values of all buckets of a window. Entering and leaving cost what the bucket holds."""

    __slots__ = ("_buckets", "_times")

    def __init__(self) -> None:
        self._times: dict[str, int] = {}  # value → buckets that have it
        self._buckets: list[Distinct] = []

    def enter(self, bucket: Distinct) -> None:
        self._buckets.append(bucket)
        for value in bucket.values:
            self.take(value)

    def take(self, value: str) -> None:
        """One more bucket of the window has this value."""
        self._times[value] = self._times.get(value, 0) + 1

    def leave(self, bucket: Distinct) -> None:
        self._buckets.remove(bucket)
        for value in bucket.values:
            left = self._times[value] - 1
            if left:
                self._times[value] = left
            else:
                del self._times[value]

    def count(self, bits: int = BITS) -> int:
        """Exact while no bucket had more than EXACT; else the sketches and the values together."""
        sketches = [bucket.sketch for bucket in self._buckets if bucket.sketch]
        if not sketches:
            return len(self._times)
        joined = 0
        for sketch in sketches:
            joined |= sketch
        for value in self._times:
            joined |= 1 << bit_of(value, bits)
        return max(estimate(joined, bits), len(self._times))
