"""What an account takes from `logs.dlq` and `logs.late`: dead letters by where they came from, and detection's count of late events."""

from __future__ import annotations

from array import array
from bisect import bisect_left
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
_CODES = 64  # more than reasons
_LAST = 2**63 // _CODES


class Places:
    """Reasons by the place of a record, eight bytes each."""

    def __init__(self) -> None:
        self._reasons: list[str] = []
        self._codes: dict[tuple[str, int], array[int]] = {}  # of a partition: offset and number of the reason in one
        self._unsorted = set[tuple[str, int]]()

    def add(self, place: Place, reason: str) -> None:
        """One of at most MOST_REASONS and OTHER."""
        if reason not in self._reasons:
            self._reasons.append(reason)
        topic, partition, offset = place
        codes = self._codes.setdefault((topic, partition), array("q"))
        code = offset * _CODES + self._reasons.index(reason)
        if codes and code < codes[-1]:
            self._unsorted.add((topic, partition))
        codes.append(code)

    def get(self, place: Place, /) -> str | None:
        topic, partition, offset = place
        codes = self._codes.get((topic, partition))
        if codes is None:
            return None
        if (topic, partition) in self._unsorted:
            self._unsorted.remove((topic, partition))
            codes = self._codes[topic, partition] = array("q", sorted(codes))
        at = bisect_left(codes, offset * _CODES)
        found = at < len(codes) and codes[at] // _CODES == offset
        return self._reasons[codes[at] % _CODES] if found else None


@dataclass(slots=True)
class Letters:
    """Dead letters of records by place, and those of producers (lines that never became a record) by file and reason."""

    of_records: Places = field(default_factory=Places)
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
                found.of_records.add(place, reason)
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
    known = isinstance(topic, str) and isinstance(partition, int) and isinstance(offset, int) and 0 <= offset < _LAST
    return (topic, partition, offset) if known else None  # type: ignore[return-value]  # mypy does not look into `known`


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        found = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
