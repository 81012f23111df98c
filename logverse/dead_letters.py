"""Topic `logs.dlq` as people look at it: each letter once, with what is the matter, where it came from and whether it was sent again."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import orjson

from logverse import instant
from logverse.dead_letter import DeadLetter
from logverse.errors import Refused
from logverse.instant import Millis

MOST = 10  # letters that begin the same, when asked for one


@dataclass(frozen=True, slots=True)
class Held:
    """A letter, and when it was last sent again (None: never)."""

    letter: DeadLetter
    replayed_at: Millis | None = None

    @property
    def source(self) -> str:
        """The topic or file that it came from."""
        origin = self.letter.origin
        return str(origin.get("topic") or origin.get("file") or "")

    @property
    def whole(self) -> bool:
        """Whether it holds all bytes of the original, as they were: neither cut nor masked."""
        return sha256(self.letter.data).hexdigest() == self.letter.sha256


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters: those with this text in their reason, from this topic or file, not older than `since` (by their own time)."""

    reason: str = ""
    source: str = ""
    since: Millis = 0

    def fits(self, held: Held) -> bool:
        reason = self.reason.lower() in held.letter.reason.lower()
        return reason and held.letter.at >= self.since and (not self.source or held.source == self.source)


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest letters, newest first, and how many there are by (source, reason)."""

    letters: list[Held]
    counts: Counter[tuple[str, str]]
    replayed: int
    unread: int  # records that are no dead letter


def mark(letter: DeadLetter, at: Millis) -> bytes:
    """The record that says that this letter was sent again: the same id, no bytes."""
    flat = orjson.loads(replace(letter, data=b"").to_json())
    return orjson.dumps(flat | {"replayed": True, "replayed_at": instant.written(at)})


def listing(values: Iterable[bytes | None], wanted: Wanted, limit: int) -> Listing:
    """Bounded memory, save for an id a letter: of the letters only the newest `limit` are held."""
    latest: deque[Held] = deque(maxlen=limit)
    counts: Counter[tuple[str, str]] = Counter()
    seen, replayed, unread = set[str](), dict[str, Millis](), 0
    for one in _read(values):
        if one is None:
            unread += 1
        elif one.replayed_at is not None:
            replayed[one.letter.id] = one.replayed_at
        elif one.letter.id not in seen:
            seen.add(one.letter.id)
            if wanted.fits(one):
                counts[one.source, one.letter.reason] += 1
                latest.append(one)
    newest = [replace(held, replayed_at=replayed.get(held.letter.id)) for held in reversed(latest)]
    return Listing(newest, counts, len(replayed.keys() & seen), unread)


def marked(values: Iterable[bytes | None]) -> set[str]:
    """Ids of the letters that were sent again."""
    return {one.letter.id for one in _read(values) if one is not None and one.replayed_at is not None}


def chosen(values: Iterable[bytes | None], wanted: Wanted, but: Set[str]) -> Iterator[Held]:
    """Each letter that is wanted once, oldest first, save those with an id of `but`. Bounded memory, save for an id a letter."""
    seen = set[str]()
    for one in _read(values):
        if one is not None and one.replayed_at is None and one.letter.id not in seen and wanted.fits(one):
            seen.add(one.letter.id)
            if one.letter.id not in but:
                yield one


def find(values: Iterable[bytes | None], beginning: str) -> Held:
    """The one letter whose id begins so. Refused when there is none, or when there are several."""
    found: dict[str, Held] = {}
    for one in _read(values):
        if one is None or not one.letter.id.startswith(beginning):
            continue
        first = found.setdefault(one.letter.id, one)
        if one.replayed_at is not None:
            found[one.letter.id] = replace(first, replayed_at=one.replayed_at)
        elif first.replayed_at is not None and not first.letter.data:
            found[one.letter.id] = replace(one, replayed_at=first.replayed_at)
        if len(found) > MOST:
            break
    exact = found.get(beginning)
    if exact or len(found) == 1:
        return exact or next(iter(found.values()))
    if not found:
        raise Refused(f"no dead letter {beginning[:60]!r} in logs.dlq\n  → logverse dlq list")
    raise Refused("\n".join(["several letters begin so: type more of it", *(f"  {identity}" for identity in found)]))


def _read(values: Iterable[bytes | None]) -> Iterator[Held | None]:
    for value in values:
        try:
            letter, flat = DeadLetter.from_json(value or b""), orjson.loads(value or b"")
            yield Held(letter, _moment(flat)) if isinstance(letter.origin, dict) else None
        except (ValueError, KeyError, TypeError, AttributeError):
            yield None


def _moment(flat: dict[str, Any]) -> Millis | None:
    return instant.read(flat["replayed_at"]) if flat.get("replayed") is True else None
