"""What a producer has done: every line it read is in one of these counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Account:
    """Counts since the start. `lines` = `events` + all of `dead_letters` + `blank` + `joined`; `bytes` are of the decompressed text."""

    lines: int = 0
    events: int = 0
    blank: int = 0  # empty lines, headers of CSV
    joined: int = 0  # lines that went on the record of the line before
    bytes: int = 0
    lines_without_time: int = 0  # events with the time of the line before, for want of their own
    acknowledged: int = 0  # records that Kafka confirmed, dead letters among them
    heartbeats: int = 0
    rotations: int = 0
    truncations: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)  # by reason
    lost: Counter[str] = field(default_factory=Counter)  # what came and is not there, by reason: of sources that cannot be replayed
    masked: Counter[str] = field(default_factory=Counter)  # places that the masking policy changed, by kind
    refused: int = 0  # connections and requests that were turned away
    problems: list[str] = field(default_factory=list)  # files that could not be read to their end, and why
    resumed_at: dict[str, int] = field(default_factory=dict)  # path → byte offset, when it was not 0

    def to_dict(self) -> dict[str, Any]:
        names = ("lines", "events", "blank", "joined", "bytes", "lines_without_time", "acknowledged", "heartbeats", "rotations",
                 "truncations", "refused", "problems", "resumed_at")  # fmt: skip
        counters = ("dead_letters", "lost", "masked")
        return {**{name: getattr(self, name) for name in names}, **{name: dict(getattr(self, name)) for name in counters}}


class Totals:
    """The sums over accounts, whichever these are at the moment."""

    def __init__(self, accounts: Callable[[], Iterable[Account]]) -> None:
        self._accounts = accounts

    @property
    def lines(self) -> int:
        return sum(account.lines for account in self._accounts())

    @property
    def dead(self) -> int:
        return sum(account.dead_letters.total() for account in self._accounts())

    @property
    def lost(self) -> int:
        return sum(account.lost.total() for account in self._accounts())
