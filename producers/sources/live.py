"""Lines that come from outside and cannot be had again: what they are called, and what is said when some of them are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from logverse import instant
from logverse.identity import digest
from logverse.instant import Millis
from producers.account import Account
from producers.checkpoint import Checkpoint, Position


@dataclass(slots=True, eq=False)
class LiveText:
    """What one sender says in one run. Its lines' uids are the run and a counter of bytes: sent again, they are others."""

    identity: str
    label: str
    position: Position
    fields: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    service: str | None = None
    live: bool = True
    head: bytes = b""
    high: Millis | None = None
    last_time: Millis | None = None
    begins_at: Millis | None = None
    events: int = 0
    untimed: int = 0
    taken: int = 0  # bytes that were taken in


class Run:
    """One run of a source that cannot be replayed: counts what it took in and what has arrived, for the next run to say what is missing.

    `position` counts lines. It is in the checkpoint under the run's id, so that a kill leaves a trace.
    """

    def __init__(
        self, label: str, run: str, checkpoint: Checkpoint, account: Account, clock: Callable[[], Millis], say: Callable[[str], None]
    ) -> None:
        self._label, self._id, self._checkpoint, self._account, self._clock = label, run, checkpoint, account, clock
        self._texts, self._say, self._silent_since = count(), say, 0
        self._tell_of_last(say)
        now = clock()
        self.position = checkpoint.texts.setdefault(run, Position(path=label, first_seen=now, seen=now))

    def text(self, sender: str = "", **more: Any) -> LiveText:
        """The text of one sender."""
        label = f"{self._label} from {sender}" if sender else self._label
        position = Position(path=label, first_seen=self._clock(), type=self.position.type)
        return LiveText(digest(self._id, next(self._texts))[:20], label, position, **more)

    def began(self, lines: int) -> Callable[[], None]:
        """So many lines are on their way; call what this answers once they have arrived."""
        self.position.seen = self._clock()
        return self.position.begin(self.position.sent + lines, None).settle

    def ended(self) -> None:
        """Nothing more is taken in: told to stop, or at the end."""
        self.position.seen = self._clock()
        self.position.closed_at = self.position.sent

    def tell_of_silence(self, unheard: bool) -> None:
        """`unheard`: senders do not know whether anybody listens, so what they said between two runs is not there."""
        if unheard and self._silent_since:
            since, until = instant.written(self._silent_since), instant.written(self._clock())
            self._say(f"{self._label}: nobody listened from {since} to {until}: what was sent over UDP then is not there")

    def _tell_of_last(self, say: Callable[[str], None]) -> None:
        for identity, last in list(self._checkpoint.texts.items()):
            if last.path != self._label or identity == self._id:
                continue
            del self._checkpoint.texts[identity]
            self._silent_since = max(self._silent_since, last.seen)
            until = instant.written(last.seen)
            if last.closed_at is None:
                self._account.lost["cut off"] += 1
                say(
                    f"{self._label}: the last run was cut off at about {until}, after {last.offset:,} lines had arrived: "
                    "lines of a second or more may be missing"
                )
            elif last.offset < last.closed_at:
                missing = last.closed_at - last.offset
                self._account.lost["unconfirmed at the end"] += missing
                say(f"{self._label}: {missing:,} lines of the last run, until {until}, were not confirmed")
