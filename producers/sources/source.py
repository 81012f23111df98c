"""What a producer reads from: files, standard input, a socket, a topic. They differ in what they can promise, not in how they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from logverse.instant import Millis
from producers.translation import Record


@dataclass(frozen=True, slots=True)
class Batch:
    """Records made of one piece of what was read; `arrived` is called once Kafka has acknowledged all of them."""

    records: list[Record]
    arrived: Callable[[], None]


class Source(Protocol):
    """Asked by the producer's one thread; whatever threads it has itself end where a batch is taken.

    `live`: what it is given comes now and cannot be had again, so it is taken before any backlog of files.
    """

    live: bool

    def look(self, reading: bool = False) -> None:
        """See what is new. `reading`: in the middle of a batch, while Kafka takes nothing."""

    def stands(self) -> list[Millis]:
        """Event times that whatever was not taken yet stands at, 0 for one that is not known; none when all is taken."""

    def take(self, now: Millis) -> Iterator[Batch]:
        """The next piece, of what stands furthest back. `now`: processing time. Moves on by what is consumed of it."""

    def end(self) -> None:
        """Nothing more will come than what is there: half lines count."""

    def close(self) -> None:
        """Take in no more; what was taken in can still be taken. Nobody waits for an answer after it for ever."""

    def release(self) -> None:
        """The end: all of it has arrived, or will not in this run. Give back files, threads and connections."""

    def over(self) -> bool:
        """Whether nothing more will ever come, and all of it was taken."""

    def lag(self) -> int:
        """Bytes that were not taken yet."""
