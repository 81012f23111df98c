"""A question about events, and where its answer goes on: the token of a page."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import orjson

from logverse import instant
from logverse.errors import WrongSettings
from logverse.event import LOG_TYPES
from logverse.identity import digest
from logverse.instant import Millis
from storage.query_filters import Choice, search, severities, statuses, within
from storage.rows import StoredEvent
from storage.store import Position

VERSION = 1
FOREVER: Millis = instant.END + 1  # no event is as new
MOST = 10_000  # rows of one page
# Characters of a uid's beginning and end that people copy: lines of one file share the beginning, and differ in the end.
SHOWN_UID = 4, 8

# Field of EventQuery → column that the store looks up by itself.
COLUMNS = {"client": "client_address", "user": "user_id", "session": "session_id", "trace": "trace_id"}


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Events with `since` <= timestamp < `until` (event time, milliseconds), newest first. An empty field asks for nothing.

    `service` may be missing only where `user` asks for activity over all services. `types` empty: all that the service has.
    `severity` is `ERROR`, `>=WARN`, …; `status` is `503`, `5xx`, `>=400`, …; `grep` is text, or with `regex` an RE2 expression.
    """

    since: Millis
    until: Millis
    service: str = ""
    types: tuple[str, ...] = ()
    severity: str = ""
    status: str = ""
    route: str = ""
    client: str = ""
    user: str = ""
    session: str = ""
    trace: str = ""
    grep: str = ""
    regex: bool = False
    limit: int = 100

    def checked(self) -> EventQuery:
        """This query; WrongSettings names the field that cannot be."""
        self.choice()
        for log_type in self.types:
            if log_type not in LOG_TYPES:
                raise WrongSettings(f"{log_type[:40]!r} is no type", where="--type", remedy=f"one of {', '.join(LOG_TYPES)}")
        for where, at in (("--since", self.since), ("--until", self.until)):
            if not instant.BEGINNING <= at <= FOREVER:
                raise WrongSettings("out of range", where=where, remedy="a year from 1 to 9999")
        if not 0 < self.limit <= MOST:
            raise WrongSettings(f"{self.limit} rows a page", where="--limit", remedy=f"1 to {MOST}")
        if not self.service and (not self.user or set(self.types) - {"activity"}):
            remedy = "name one; without one only --user NAME works, over the activity of all services"
            raise WrongSettings("no service given", where="--service", remedy=remedy)
        return self

    def equal(self) -> dict[str, str]:
        """Columns that the store looks up."""
        return {column: value for name, column in COLUMNS.items() if (value := getattr(self, name))}

    def choice(self) -> Choice | None:
        """Whether events fit all that the store does not look up; None when everything does."""
        severity = severities(self.severity) if self.severity else None
        status = statuses(self.status) if self.status else None
        found = search(self.grep, self.regex) if self.grep else None
        if not (severity or status or self.route or found):
            return None

        def cheap(event: StoredEvent) -> bool:
            return (
                (severity is None or within(event.severity_number, severity))
                and (status is None or within(event.status_code, status))
                and (not self.route or event.route == self.route)
            )

        def fits(events: list[StoredEvent]) -> list[bool]:
            left = [event for event in events if cheap(event)]
            chosen = {id(event) for event, holds in zip(left, found(left), strict=True) if holds} if found else set(map(id, left))
            return [id(event) in chosen for event in events]

        return fits  # type: ignore[return-value]  # a list is all that it is ever given

    @property
    def fingerprint(self) -> str:
        """What is asked, but for the time and the size of a page: a token continues only its own question."""
        asked = replace(self, since=0, until=0, limit=1, types=tuple(sorted(self.types)))
        return digest(*(repr(getattr(asked, name)) for name in self.__dataclass_fields__))[:16]


class Place(NamedTuple):
    """Where a page begins: what is left of the range, and the last event that was looked at.

    `beside` tells it from others of the same time and uid: its type, over the activity of all services its service.
    """

    since: Millis
    until: Millis
    after: Position | None = None
    beside: str = ""


def token_of(query: EventQuery, place: Place) -> str:
    """Opaque text from which `place_of` finds the place again."""
    flat = [VERSION, query.fingerprint, place.since, place.until, *(place.after or (None, "")), place.beside]
    return base64.urlsafe_b64encode(orjson.dumps(flat)).decode().rstrip("=")


def place_of(query: EventQuery, token: str) -> Place:
    """The place that this token stands for; WrongSettings when it is none of ours or another question's."""
    if not token:
        return Place(query.since, query.until)
    version, fingerprint, since, until, at, uid, beside = _flat(token)
    if version != VERSION:
        raise _wrong_token("is of another version of LogVerse", "ask again without it")
    if fingerprint != query.fingerprint:
        raise _wrong_token("belongs to another query", "repeat the query that gave it, with the same filters")
    return Place(since, until, None if at is None else Position(at, uid), beside)


def _flat(token: str) -> list[Any]:
    try:
        flat = orjson.loads(base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise _wrong_token("was not given by LogVerse", "copy it whole") from None
    kinds = (int, str, int, int, (int, type(None)), str, str)
    if not isinstance(flat, list) or len(flat) != len(kinds) or not all(_is(value, kind) for value, kind in zip(flat, kinds, strict=True)):
        raise _wrong_token("was not given by LogVerse", "copy it whole")
    return flat


def _is(value: object, kind: Any) -> bool:
    return isinstance(value, kind) and (not isinstance(value, int) or instant.BEGINNING <= value <= FOREVER)


def _wrong_token(problem: str, remedy: str) -> WrongSettings:
    return WrongSettings(f"the token {problem}", where="--continue", remedy=remedy)


class EventId(NamedTuple):
    """All that finds one event again. Written, it is safe in a shell and in an address."""

    log_type: str
    service_name: str
    timestamp: Millis
    uid: str  # or its beginning, or BEGINNING~END

    def __str__(self) -> str:
        """
        >>> str(EventId("http", "web/eu", 1700000000123, "5f0c"))
        'http:web%2Feu:1700000000123:5f0c'
        """
        return ":".join((self.log_type, _quoted(self.service_name), str(self.timestamp), _quoted(self.uid)))

    @classmethod
    def of(cls, event: StoredEvent) -> EventId:
        return cls(event.log_type, event.service_name, event.timestamp, event.uid)

    @property
    def short(self) -> str:
        """With as much of the uid as tells it from others of its millisecond.

        >>> EventId("http", "web", 1700000000123, "ab2c54654db6-6f0a-00012345").short
        'http:web:1700000000123:ab2c~00012345'
        """
        first, last = SHOWN_UID
        return str(self if len(self.uid) <= first + 1 + last else self._replace(uid=f"{self.uid[:first]}~{self.uid[-last:]}"))

    def fits(self, uid: str) -> bool:
        """Whether an event with this uid may be meant."""
        beginning, cut, end = self.uid.rpartition("~")
        return uid.startswith(self.uid) or bool(cut and uid.startswith(beginning) and uid.endswith(end))

    @classmethod
    def read(cls, text: str) -> EventId:
        """WrongSettings when it is none."""
        parts = text.strip().split(":")
        if len(parts) != 4 or parts[0] not in LOG_TYPES or not parts[2].removeprefix("-").isdecimal() or len(parts[2]) > 16:
            remedy = "TYPE:SERVICE:MILLISECONDS:UID, as column ID of `logverse query events` has it"
            raise WrongSettings(f"{text[:60]!r} is no event's id", where="ID", remedy=remedy)
        at = int(parts[2])
        if not instant.BEGINNING <= at <= instant.END:
            raise WrongSettings(f"{text[:60]!r} is no event's id: its time is none", where="ID", remedy="copy it whole")
        return cls(parts[0], unquote(parts[1]), at, unquote(parts[3]))


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
