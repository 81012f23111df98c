"""What is replayed: log files, or events of the history, gathered into a spool. Behind `logverse replay`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from logverse import instant
from logverse.errors import Malformed, WrongSettings
from logverse.instant import Millis
from logverse.topics import LOGS

if TYPE_CHECKING:
    from pathlib import Path

    from logverse.settings import Settings
    from producers.order import InputOrder
    from producers.replay.spool import Item, Spool
    from storage.backup.restore_reading import Archived
    from storage.history import History
    from storage.rows import StoredEvent

Told = Callable[[int], None]  # how many events there are by now


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is in the spool, and what is not; `what` was read, in a few words. `facts` are the report's."""

    what: str
    lines: int
    spool: Spool
    facts: dict[str, Any]
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FromFiles:
    """Lines of files, as a producer would read them. `delay_ms`: the watermark delay of a live job, for what would have come late to it."""

    order: InputOrder
    delay_ms: Millis

    def gather(self, settings: Settings, folder: Path, say: Callable[[str], None], told: Told) -> Gathered:
        from producers.replay.gathering import Gathering, Lateness
        from producers.replay.reading import check, read, standing_clock
        from producers.replay.spool import Spool

        files = check(self.order)
        spool = Spool(folder / "spool")
        gathering = Gathering(spool, Lateness(self.delay_ms), instant.now(), lambda: told(len(spool)))
        order = replace(self.order, checkpoint=folder / "checkpoint.json")
        account = read(settings, order, gathering, standing_clock(files, instant.now()), say)
        late = gathering.lateness
        facts = {
            "files": [str(path) for path in files],
            **{name: getattr(account, name) for name in ("lines", "events", "blank", "joined")},
            "dead_letters": dict(account.dead_letters),
            "without_time": account.lines_without_time,
            "ahead": gathering.ahead,
            "late": {"watermark_delay_ms": self.delay_ms, "events": late.late, "worst_ms": late.worst_ms},
        }
        return Gathered(", ".join(self.order.addresses), account.lines, spool, facts, account.problems)


@dataclass(frozen=True, slots=True)
class FromHistory:
    """Events of the store with `since` <= event time < `until`, of these services or of all, as they were on the topic."""

    since: Millis
    until: Millis
    services: tuple[str, ...] = ()

    def gather(self, settings: Settings, folder: Path, say: Callable[[str], None], told: Told) -> Gathered:
        from producers.replay.spool import Spool
        from storage.history import opened

        spool = Spool(folder / "spool")
        history = opened(settings)
        try:
            for number, event in enumerate(self.events(history), 1):
                spool.add(item_of(event))
                if number % 1000 == 0:
                    told(number)
        finally:
            history.close()
        asked = [instant.written(self.since), instant.written(self.until)]
        facts: dict[str, Any] = {"from_history": asked, "lines": len(spool), "events": len(spool)}
        facts |= {"dead_letters": {}, "blank": 0, "joined": 0, "without_time": 0, "ahead": 0, "late": None}
        return Gathered(f"history from {asked[0]} to {asked[1]}", len(spool), spool, facts)

    def events(self, history: History) -> Iterator[StoredEvent]:
        """Newest first, service after service, a page in memory at a time."""
        from storage.history import EventQuery
        from storage.query import MOST

        known = sorted({service for service, _ in history.services()})
        if not known:
            raise WrongSettings("nothing is stored yet", where="--from-history", remedy="logverse job submit history")
        for service in self.services or known:
            query, token = EventQuery(self.since, self.until, service=service, limit=MOST), None
            while True:
                page = history.events(query, token)
                yield from page.rows
                token = page.token
                if token is None:
                    break


@dataclass(frozen=True, slots=True)
class FromBackup:
    """Archived events with `since` <= event time < `until`, of these services or of all, as they were on the topic."""

    since: Millis
    until: Millis
    target: str = ""
    services: tuple[str, ...] = ()

    def gather(self, settings: Settings, folder: Path, say: Callable[[str], None], told: Told) -> Gathered:
        from logverse.cli.backup_archive import opened
        from producers.replay.spool import Spool
        from storage.backup.restore_choice import Choice, estimated
        from storage.backup.restore_reading import parts

        spool, seen, counts, problems = Spool(folder / "spool"), _Seen(), Counter[str](), []
        choice = Choice(self.since, self.until, tuple(LOGS.values()), self.services)
        with opened(settings, self.target) as (target, archive):
            estimate = estimated(archive, choice)
            if not estimate.files:
                raise WrongSettings("the archive has no events of that time", where="--since", remedy="logverse backup list")
            for part in (part for file in estimate.files for part in parts(target, file, choice)):
                problems += [part.damage] if part.damage and part.damage not in problems else []  # a file that is gone: once
                for record in part.records():
                    item = seen.item(record, counts)
                    if item is not None:
                        spool.add(item)
                told(len(spool))
            problems += [f"{name}: {why}" for name, why in estimate.broken.items()]
            asked = [instant.written(self.since), instant.written(self.until)]
            what = f"{target!r} from {asked[0]} to {asked[1]}"
        facts: dict[str, Any] = {"from_backup": asked, "target": what, "lines": counts["lines"], "events": len(spool), "late": None}
        facts |= {"dead_letters": {"malformed": counts["malformed"]} if counts["malformed"] else {}, "repeated": counts["repeated"]}
        facts |= {"gaps": estimate.gaps, **dict.fromkeys(("blank", "joined", "without_time", "ahead"), 0)}
        return Gathered(what, counts["lines"], spool, facts, problems)


class _Seen:
    """Each event once: what a producer has sent twice is there twice."""

    def __init__(self) -> None:
        from storage.hashes import hash64

        self._judges: dict[str, Any] = {}
        self._hash, self._known = hash64, set[int]()

    def item(self, record: Archived, counts: Counter[str]) -> Item | None:
        from logverse.cli.restore_runs import judge_of
        from storage.rows import StoredEvent

        judge = self._judges.get(record.topic_id) or self._judges.setdefault(record.topic_id, judge_of(record.topic_id))
        try:
            row = judge.event(record.topic, record.partition, record.offset, record.appended, record.value)
        except Malformed:
            counts["lines"] += 1
            counts["malformed"] += 1
            return None
        if row is None:
            return None  # a heartbeat is no line
        counts["lines"] += 1
        event = StoredEvent._make(row)
        known = self._hash(f"{event.log_type} {event.service_name} {event.timestamp} {event.uid}")
        if known in self._known:
            counts["repeated"] += 1
            return None
        self._known.add(known)
        return item_of(event)


def item_of(event: StoredEvent) -> Item:
    """The record as it was, with the identity and the time that it has in the store: what it did not say itself is written into it."""
    from producers.replay.spool import Item

    return Item(event.timestamp, LOGS[event.log_type], event.session_id or event.trace_id, whole(event))


def whole(event: StoredEvent) -> bytes:
    """The event's record; its identity and time are written into it where it does not say them itself."""
    try:
        flat = orjson.loads(event.record)
        if flat["log.record.uid"] == event.uid and instant.read(flat["timestamp"]) == event.timestamp:
            return event.record
    except (orjson.JSONDecodeError, Malformed, KeyError, TypeError):
        flat = _loaded(event.record)
    flat |= {"timestamp": instant.written(event.timestamp), "log.record.uid": event.uid}
    return orjson.dumps(flat | {"log.type": event.log_type, "service.name": event.service_name})


def _loaded(record: bytes) -> dict[str, Any]:
    """The columns that Flink's lenient decoder sees in it, as the live job did."""
    from flink_jobs import flink_json
    from flink_jobs.judging import FIGURES, TEXTS

    try:
        flat = orjson.loads(record)
    except orjson.JSONDecodeError:
        found = flink_json.columns(record, TEXTS, FIGURES)
        return {name: text.encode("utf-8", "replace").decode() for name, text in found.items() if text is not None}
    return flat if isinstance(flat, dict) else {}
