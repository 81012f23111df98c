"""One thing that a producer reads, with its memory and its account; a producer has one of them or many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from logverse.instant import Millis
from producers.account import Account
from producers.checkpoint import Checkpoint
from producers.sources.source import Batch, Source


@dataclass(slots=True, eq=False)
class Input:
    """`service`: whose lines these are, unless a line says another. `say` is told what a user should know."""

    name: str
    service: str
    source: Source
    checkpoint: Checkpoint
    account: Account
    say: Callable[[str], None] = lambda _: None
    in_flight: int = 0  # records of it that are not acknowledged
    leaving: bool = False  # nothing more is taken in
    _unsaved: str = field(default="", repr=False)

    def look(self, reading: bool = False) -> None:
        known = len(self.checkpoint.texts)
        self.source.look(reading)
        if len(self.checkpoint.texts) > known or self.checkpoint.urgent:
            self.save()  # when a text was first seen, or a record cut off, decides what its lines become: it must outlive a crash

    def leave(self) -> None:
        """Take in no more; what was taken in is still sent."""
        self.leaving = True
        self.source.close()

    def stands(self) -> list[Millis]:
        """Event times that whatever can be taken now stands at. A file of one that leaves waits for the next run."""
        return self.source.stands() if self.source.live or not self.leaving else []

    @property
    def gone(self) -> bool:
        """Whether all that was taken in has arrived."""
        return self.leaving and not self.in_flight and not self.stands()

    def sent(self, batch: Batch) -> Callable[[], None]:
        """These are on their way; call what this answers once they have arrived."""
        count, settled = len(batch.records), batch.arrived  # not the batch: the publisher has its own copies of records
        self.in_flight += count

        def arrived() -> None:
            self.in_flight -= count
            self.account.acknowledged += count
            settled()

        return arrived

    def save(self) -> None:
        """Write down what has arrived. A full disk, too many open files: said once, tried again the next time."""
        try:
            self.checkpoint.save()
        except OSError as error:
            if self._unsaved != str(error):
                self._unsaved = str(error)
                self.say(f"the checkpoint cannot be written: {error}; trying again, a crash meanwhile sends lines twice, with the same ids")
            return
        if self._unsaved:
            self._unsaved = ""
            self.say("the checkpoint is written again")
