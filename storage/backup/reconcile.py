"""Kafka, archive and store against each other, by distinct uid per event hour and type: complete, or what is missing.

Who has a record is told by its offset and its bytes (storage/backup/joined.py); what it is, and whether it must be in the store, by the
account of history (storage/account.py), which judges it again. Policy, dead letters and rows that have expired are no loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from logverse.errors import Malformed
from logverse.instant import Millis
from storage.account import HOUR, Account, Entry, Judge
from storage.backup.joined import Joined, Tally
from storage.hashes import PARTS, Hashes, hash64

MOST = 16_000_000  # hashes in memory, 8 bytes each; beyond that what is repeated later is counted again


@dataclass(slots=True)
class Line:
    """One topic and hour of event time; of records that are no event, the hour when Kafka appended them. Counts of distinct uids."""

    topic: str
    hour: Millis
    kafka: int = 0
    archive: int = 0
    missing: int = 0  # in Kafka, promised by the archive, and not there
    waiting: int = 0  # in Kafka, and not backed up yet
    entry: Entry | None = None  # what the store has of the union of both; None: it was not asked

    @property
    def missing_in_store(self) -> int:
        return self.entry.missing if self.entry else 0


@dataclass(slots=True)
class Reconciled:
    """All lines in order of hour and topic, and how the records of each topic compare. `recounted`: more uids than memory."""

    lines: list[Line] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    recounted: bool = False

    def sum(self, name: str) -> int:
        """Of a count of all lines."""
        return sum(getattr(line, name) for line in self.lines)

    def of_store(self, name: str) -> int:
        """Of a count of the store's entries."""
        return sum(getattr(line.entry, name) for line in self.lines if line.entry)

    def of_records(self, name: str) -> int:
        """Of a count of records."""
        return sum(getattr(tally, name) for tally in self.tallies.values())


class Marking:
    """A Judge that notes of each record who has it. `topics`: topic id → short name."""

    def __init__(self, judge: Judge, joined: Joined, topics: Mapping[str, str], most: int = MOST) -> None:
        self._judge, self._joined, self._topics, self._most = judge, joined, topics, most
        self._sides: dict[tuple[str, Millis], tuple[Hashes, Hashes, Hashes]] = {}
        self._lines: dict[tuple[str, Millis], Line] = {}
        self._held, self.recounted = 0, False

    def event(self, topic: str, partition: int, offset: int, appended: Millis, value: bytes | None) -> tuple[Any, ...] | None:
        try:
            row = self._judge.event(topic, partition, offset, appended, value)
        except Malformed:
            self._note(topic, appended, f"{topic}\0{partition}\0{offset}")
            raise
        if row is not None:
            self._note(topic, row[2], f"{row[1]}\0{row[3]}")
        return row

    def lines(self) -> dict[tuple[str, Millis], Line]:
        """By short topic and hour."""
        self._settle()
        return self._lines

    def _note(self, topic: str, at: Millis, identity: str) -> None:
        who, mark = self._joined.who, hash64(identity)
        key = self._topics[topic], at - at % HOUR
        if key not in self._sides:
            self._sides[key] = Hashes(), Hashes(), Hashes()
        archive, promised, waiting = self._sides[key]
        for has, side in ((who.archive, archive), (who.kafka and who.promised, promised), (who.kafka and not who.promised, waiting)):
            if has:
                side.add(mark)
                self._held += 1
        if self._held > self._most:
            self.recounted = True
            self._settle()

    def _settle(self) -> None:
        """Counts what is held, and lets go of it."""
        for key, sides in self._sides.items():
            line = self._lines.setdefault(key, Line(*key))
            for part in range(PARTS):
                archive, promised, waiting = (set(side.parts[part]) for side in sides)
                line.archive += len(archive)
                line.kafka += len(promised | waiting)
                line.missing += len(promised - archive)
                line.waiting += len(waiting - archive)
        self._sides, self._held = {}, 0


def reconciled(
    joined: Joined, marking: Marking, account: Account | None, topics: Mapping[str, str], since: Millis, until: Millis
) -> Reconciled:
    """All that was appended in [since, until). `account` judges by `marking`; None: the store is not asked."""
    entries: Iterable[Entry] = ()
    if account is not None:
        entries = account.of(joined, since, until)
    else:
        for record in joined.between(since, until):
            _judged(marking, record)
    lines = marking.lines()
    for entry in entries:
        line = lines.setdefault((topics[entry.topic], entry.hour), Line(topics[entry.topic], entry.hour))
        line.entry = entry if line.entry is None else _together(line.entry, entry)
    ordered = [lines[key] for key in sorted(lines, key=lambda key: (key[1], key[0]))]
    return Reconciled([line for line in ordered if line.kafka or line.archive], joined.tallies, marking.recounted)


def compared(joined: Joined, since: Millis, until: Millis) -> dict[str, Tally]:
    """Topics whose records are nothing to an account (rules, silences, …): only who has them."""
    for _ in joined.between(since, until):
        pass
    return joined.tallies


def _judged(marking: Marking, record: Any) -> None:
    try:
        marking.event(*record)
    except Malformed:
        return


_COUNTS = ("produced", "repeated", "stored", "by_policy", "pending", "expired", "missing", "lost", "doubled", "late", "heartbeats")


def _together(one: Entry, other: Entry) -> Entry:
    """Of topics of one name that came after one another."""
    return Entry(
        one.topic, one.hour, **{name: getattr(one, name) + getattr(other, name) for name in _COUNTS},
        dead_letters=one.dead_letters + other.dead_letters,
    )  # fmt: skip
