"""Many identities in little memory: 64-bit hashes, eight bytes each, in lists by their first byte so that each can be compared by itself.

Odds: BLAKE2b of 8 bytes. That one of n records is taken for another is n²/2⁶⁵: one in 370,000 for ten million, one in 3,700 for a
hundred million. That a missing row hides behind one of m others is m/2⁶⁴ for each.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from hashlib import blake2b
from itertools import chain

PARTS = 256


def hash64(text: str) -> int:
    """The same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class Hashes:
    """Hashes in the order they came, in PARTS lists."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: list[array[int]] = [array("Q") for _ in range(PARTS)]

    def add(self, value: int) -> None:
        self.parts[value >> 56].append(value)

    def __len__(self) -> int:
        return sum(map(len, self.parts))


class Wanted:
    """Whether a hash is among those of several Hashes; eight bytes for each of theirs."""

    def __init__(self, of: Iterable[Hashes]) -> None:
        every = list(of)
        self._parts = [array("Q", sorted(chain.from_iterable(hashes.parts[part] for hashes in every))) for part in range(PARTS)]

    def __contains__(self, value: int) -> bool:
        part = self._parts[value >> 56]
        place = bisect_left(part, value)
        return place < len(part) and part[place] == value


class Earlier:
    """What was seen before, as long as it is not more than `most`: beyond that the oldest is forgotten, and `forgot` says so."""

    def __init__(self, most: int) -> None:
        self._most, self._held, self.forgot = most, deque[Hashes](), False

    def part(self, number: int) -> set[int]:
        """All hashes of this part."""
        return {value for hashes in self._held for value in hashes.parts[number]}

    def add(self, hashes: Hashes) -> None:
        self._held.append(hashes)
        while len(self._held) > 1 and sum(map(len, self._held)) > self._most:
            self._held.popleft()
            self.forgot = True
