"""The account of history: of each record that Kafka appended, what became of it.

    produced = repeated + stored + by policy + dead letters + pending + expired + missing + lost

Every record is judged again, as the history job judged it, and its row is looked for in the store: no counter of a job is believed.
What Kafka deleted before the job had read it is `lost`, by its offsets: it cannot be judged any more.
Two passes over as many records at a time as memory allows (`CHUNK`, about 50 bytes each): first Kafka's records in the order they were
appended, then all rows of the buckets that they belong to, of which those are held that are looked for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from logverse.errors import Malformed
from logverse.instant import Millis
from storage.hashes import PARTS, Earlier, Hashes, Wanted, hash64
from storage.layout import bucket_of

HOUR: Millis = 3_600_000
CHUNK = 4_000_000  # records
REMEMBERED = 32_000_000  # rows of earlier chunks, for what is repeated: 256 MB
_TELL_EACH = 20_000

Bucket = tuple[str, str, Millis]  # log type, service, start of the bucket
Place = tuple[str, int, int]  # topic (full name), partition, offset


class Appended(NamedTuple):
    """A record as Kafka has it; `at` is when the broker appended it, milliseconds UTC."""

    topic: str
    partition: int
    offset: int
    at: Millis
    value: bytes | None


class Topics(Protocol):
    """Log topics by when their records were appended."""

    def between(self, since: Millis, until: Millis) -> Iterator[Appended]:
        """The records of all topics that were appended then, in the order of their offsets within a partition."""

    def read_up_to(self, topic: str, partition: int) -> int:
        """The offset that the history job will go on from after a crash: all before are where they belong."""


class Rows(Protocol):
    """The store's rows, cheaply."""

    def identities(self, buckets: Iterable[Bucket]) -> Iterator[tuple[str, str, Millis, str]]:
        """(log type, service, timestamp, uid) of every row of these buckets (storage/layout.py), in all shards."""


class Judge(Protocol):
    """What a record is, and its identity by place: as the history job says."""

    def event(self, topic: str, partition: int, offset: int, appended: Millis, value: bytes | None) -> tuple[Any, ...] | None: ...


class Reasons(Protocol):
    """Dead letters by place."""

    def get(self, place: Place, /) -> str | None:
        """Why the record there is one; None when it is none."""


Keeps = Callable[[str, Millis, int | None, int | None, str], bool]  # storage/policy.py, Policies.keeps


@dataclass(slots=True)
class Entry:
    """One topic's records of one hour of append time. Heartbeats are in `heartbeats` only."""

    topic: str
    hour: Millis
    produced: int = 0
    repeated: int = 0  # the same row again: a producer sent it twice
    stored: int = 0
    by_policy: int = 0  # not stored, as the settings say
    dead_letters: Counter[str] = field(default_factory=Counter)  # by reason
    pending: int = 0  # the history job has not come there yet
    expired: int = 0  # older than what the store keeps
    missing: int = 0  # must be in the store, and is not
    lost: int = 0  # deleted by Kafka before the history job read it; in the hour of the oldest record that is left
    doubled: int = 0  # rows of the store beyond the first with the same uid
    late: int = 0  # too late for detection, by detection's own count; stored all the same
    heartbeats: int = 0


class _Chunk:
    """The records that are looked at together: those that must be in the store, by topic and hour and what they are if they are not."""

    def __init__(self) -> None:
        self.rows: defaultdict[tuple[str, Millis, str], Hashes] = defaultdict(Hashes)
        self.uids: defaultdict[tuple[str, Millis], Hashes] = defaultdict(Hashes)
        self.buckets: set[Bucket] = set()
        self.size = 0

    def add(self, entry: Entry, otherwise: str, row: tuple[Any, ...]) -> None:
        log_type, service, timestamp, uid = row[:4]
        self.rows[entry.topic, entry.hour, otherwise].add(_row(log_type, service, timestamp, uid))
        self.uids[entry.topic, entry.hour].add(_uid(service, uid))
        self.buckets.add((log_type, service, bucket_of(timestamp)))
        self.size += 1


# What a record is whose row is not in the store; of a record and its repetitions the first of these decides.
_MISSING, _EXPIRED, _PENDING = "missing", "expired", "pending"
_ORDER = (_MISSING, _EXPIRED, _PENDING)


class Account:
    """See the module. `letters` are the dead letters by place, `late` detection's count and `lost` what Kafka deleted unread, both by
    topic and hour. Of records that were appended before `expires`, by topic, the store may have deleted the rows when their time to
    live was over. `by_event`: an entry's hour is that of the events, and not when Kafka appended them."""

    def __init__(
        self, judge: Judge, keeps: Keeps, rows: Rows, letters: Reasons = {}, late: Mapping[tuple[str, Millis], int] = {},
        expires: Mapping[str, Millis] = {}, lost: Mapping[tuple[str, Millis], int] = {},
        tell: Callable[[str], None] = lambda _: None, chunk: int = CHUNK, remembered: int = REMEMBERED, by_event: bool = False,
    ) -> None:  # fmt: skip
        self._judge, self._keeps, self._store, self._letters, self._tell = judge, keeps, rows, letters, tell
        self._expires, self._most, self._by_event = expires, chunk, by_event
        self._earlier = Earlier(remembered)
        self._entries: dict[tuple[str, Millis], Entry] = {}
        for (topic, hour), count in late.items():
            self._entry(topic, hour).late += count
        for (topic, hour), count in lost.items():
            self._entry(topic, hour).produced += count
            self._entry(topic, hour).lost += count

    @property
    def forgot(self) -> bool:
        """Whether there was more than can be remembered: a record repeated after very long then counts as stored once more."""
        return self._earlier.forgot

    def of(self, topics: Topics, since: Millis, until: Millis) -> list[Entry]:
        """The entries of [since, until), append time, by hour and topic. Malformed never leaves; TryAgain when a far side is away."""
        chunk = _Chunk()
        for done, record in enumerate(topics.between(since, until), 1):
            self._enter(record, topics, chunk)
            if done % _TELL_EACH == 0:
                self._tell(f"{done:,} records judged")
            if chunk.size >= self._most:
                self._settle(chunk)
                chunk = _Chunk()
        self._settle(chunk)
        return [self._entries[key] for key in sorted(self._entries, key=lambda key: (key[1], key[0]))]

    def _entry(self, topic: str, hour: Millis) -> Entry:
        return self._entries.setdefault((topic, hour), Entry(topic, hour))

    def _enter(self, record: Appended, topics: Topics, chunk: _Chunk) -> None:
        """Counts a record, or puts it into the chunk when only the store can tell."""
        try:
            row = self._judge.event(*record)
        except Malformed:
            row, malformed = None, True
        else:
            malformed = False
        at = row[2] if row and self._by_event else record.at
        entry = self._entry(record.topic, at - at % HOUR)
        if row is None and not malformed:
            entry.heartbeats += 1
            return
        entry.produced += 1
        reason = self._letters.get(record[:3])
        passed = record.offset < topics.read_up_to(record.topic, record.partition)
        if reason is not None:
            entry.dead_letters[reason] += 1
        elif row is None:
            entry.missing += passed
            entry.pending += not passed
        elif self._keeps(row[0], record.at, row[4], row[5], row[3]):
            expired = record.at < self._expires.get(record.topic, 0)
            chunk.add(entry, _PENDING if not passed else _EXPIRED if expired else _MISSING, row)
        else:
            entry.by_policy += 1

    def _settle(self, chunk: _Chunk) -> None:
        """Looks for the chunk's rows in the store."""
        rows, uids = Hashes(), Hashes()
        wanted, wanted_uids = Wanted(chunk.rows.values()), Wanted(chunk.uids.values())
        for number, (log_type, service, timestamp, uid) in enumerate(self._store.identities(sorted(chunk.buckets)), 1):
            if (row := _row(log_type, service, timestamp, uid)) in wanted:
                rows.add(row)
            if (mark := _uid(service, uid)) in wanted_uids:
                uids.add(mark)
            if number % _TELL_EACH == 0:
                self._tell(f"{number:,} rows of {len(chunk.buckets):,} buckets read")
        seen = Hashes()
        for part in range(PARTS):
            self._compare(part, chunk, set(rows.parts[part]), seen)
            self._count_doubled(part, chunk, Counter(uids.parts[part]))
        self._earlier.add(seen)

    def _compare(self, part: int, chunk: _Chunk, there: set[int], seen: Hashes) -> None:
        known = self._earlier.part(part)
        for (topic, hour, otherwise), wanted in sorted(chunk.rows.items(), key=lambda item: (_ORDER.index(item[0][2]), item[0][1])):
            entry = self._entry(topic, hour)
            for row in wanted.parts[part]:
                if row in known:
                    entry.repeated += 1
                    continue
                known.add(row)
                seen.parts[part].append(row)
                if row in there:
                    entry.stored += 1
                elif otherwise == _MISSING:
                    entry.missing += 1
                elif otherwise == _EXPIRED:
                    entry.expired += 1
                else:
                    entry.pending += 1

    def _count_doubled(self, part: int, chunk: _Chunk, there: Counter[int]) -> None:
        several = {uid: count - 1 for uid, count in there.items() if count > 1}
        if several:
            for (topic, hour), uids in chunk.uids.items():
                self._entry(topic, hour).doubled += sum(several.pop(uid, 0) for uid in uids.parts[part])


def _row(log_type: str, service: str, timestamp: Millis, uid: str) -> int:
    return hash64(f"{log_type}\0{service}\0{timestamp}\0{uid}")


def _uid(service: str, uid: str) -> int:
    return hash64(f"{service}\0{uid}")
