"""What an account takes from `logs.dlq` and `logs.late`: dead letters by where they came from, and detection's count of late events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from logverse.dead_letter import DeadLetter
from logverse.instant import Millis
from logverse.topics import LOGS
from storage.account import HOUR, Place
from storage.hashes import hash64

MOST_REASONS = 50
_REASON = 100  # characters: stores quote values in theirs
OTHER = "(other reasons)"


@dataclass(slots=True)
class Letters:
    """Dead letters of records by place, and those of producers (lines that never became a record) by file and reason."""

    of_records: dict[Place, str] = field(default_factory=dict)
    of_files: Counter[tuple[str, str]] = field(default_factory=Counter)
    unread: int = 0  # records of logs.dlq that are no dead letter


def letters(values: Iterable[bytes | None], since: Millis, until: Millis, place_id: Callable[[str, int, int], str]) -> Letters:
    """The letters in these records of `logs.dlq`. Each counts once, by its id; a producer's when it was written in [since, until).

    `place_id` says what id a record of that place has: a letter from a topic of the same name that was deleted has another.
    """
    found, seen, reasons = Letters(), set[int](), set[str]()
    for value in values:
        try:
            letter = DeadLetter.from_json(value or b"")
            origin = dict(letter.origin)
        except (ValueError, KeyError, TypeError):
            found.unread += 1
            continue
        reason = letter.reason[:_REASON]
        reason = reason if reason in reasons or len(reasons) < MOST_REASONS else OTHER
        reasons.add(reason)
        if (place := _place(origin)) is not None:
            if place_id(*place) == letter.id:
                found.of_records[place] = reason
        elif since <= letter.at < until and (mark := hash64(letter.id)) not in seen:
            seen.add(mark)
            found.of_files[str(origin.get("file", "")), reason] += 1
    return found


def late(records: Iterable[tuple[Millis, bytes | None]], names: Mapping[str, str]) -> dict[tuple[str, Millis], int]:
    """How many events were too late, by topic and hour, from (append time, value) of topic `logs.late`. `names`: log type → topic."""
    counts: Counter[tuple[str, Millis]] = Counter()
    seen = set[int]()
    for at, value in records:
        event = _object(value)
        topic = names.get(str(event.get("log.type")))
        if event.get("reason") != "too-late" or topic is None:
            continue  # "future": counted at its arrival, so not late
        mark = hash64(f"{event.get('service.name')}\0{event.get('log.record.uid')}") if event.get("log.record.uid") else 0
        if mark not in seen:
            counts[topic, at - at % HOUR] += 1
        if mark:
            seen.add(mark)
    return dict(counts)


def log_topics(named: Callable[[str], str]) -> dict[str, str]:
    """Log type → the topic's full name."""
    return {log_type: named(topic) for log_type, topic in LOGS.items()}


def _place(origin: Mapping[str, Any]) -> Place | None:
    topic, partition, offset = (origin.get(name) for name in ("topic", "partition", "offset"))
    return (topic, partition, offset) if isinstance(topic, str) and isinstance(partition, int) and isinstance(offset, int) else None


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        found = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
