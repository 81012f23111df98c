"""Asking the history: events page by page, one event, alerts, anomalies. What the command line and the page call; it knows no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from itertools import chain, islice

from logverse import instant
from logverse.errors import Refused, WrongSettings
from logverse.event import LOG_TYPES
from logverse.instant import Millis
from logverse.settings import Settings
from storage.layout import BUCKET_MS
from storage.query import FOREVER as FOREVER
from storage.query import EventId as EventId
from storage.query import EventQuery as EventQuery
from storage.query import place_of
from storage.query_filters import fields_of as fields_of
from storage.query_scan import Page as Page
from storage.query_scan import service_page, user_page
from storage.rows import StoredAlert, StoredAnomaly, StoredEvent
from storage.store import Position, Selection, Store

FOUND = 10  # that begin the same, when asked for one
BACK: Millis = 31 * 86_400_000  # how far the beginning of an alert's id is looked for
LONGEST_ID = 32


def opened(settings: Settings) -> History:
    """The history of these settings' store. TryAgain when it is away, WrongSettings when it is not set up."""
    from storage import stores

    return History(stores.opened(settings))


class History:
    """Questions about what was seen. Every method raises TryAgain when the store is away, WrongSettings when a question cannot be."""

    def __init__(self, store: Store, clock: Callable[[], Millis] = instant.now) -> None:
        self._store, self._clock = store, clock

    def events(self, query: EventQuery, token: str | None = None) -> Page:
        """A page, newest first. Its work is bounded; its token goes on where it ended. A service nobody knows is WrongSettings."""
        query.checked()
        place = place_of(query, token or "")
        if not query.service:
            return user_page(self._store, query, place)
        types = self._types(query)
        return service_page(self._store, query, place, types) if types else Page([], None, 0, place.since)

    def why_empty(self, query: EventQuery, scanned: int) -> str:
        """One sentence for a query without a row: what was looked at, and where there is something."""
        if scanned:
            return f"no event fits; {scanned:,} of that time were looked at"
        if not query.service:
            return f"no activity of user {query.user} {_between(query)}"
        types = self._types(query)
        if not types:
            has = sorted(kind for service, kind in self._store.services() if service == query.service)
            return f"{query.service} has no events of type {', '.join(query.types)}; it has {', '.join(has)}"
        if query.equal() and any(True for kind in types for _ in self._store.buckets(kind, query.service, query.since, query.until)):
            asked = ", ".join(f"{name} {value}" for name in ("client", "user", "session", "trace") if (value := getattr(query, name)))
            return f"{query.service} has events {_between(query)}, but none with {asked}"
        return f"no events of {query.service} {_between(query)}; {self._extent(query.service, types)}"

    def event(self, wanted: str) -> StoredEvent:
        """The event with this id (`EventId`), whose uid may be cut. Refused when there is none, or more than one."""
        sought = EventId.read(wanted)
        self._known(sought.service_name)
        found = self._store.event(sought.log_type, sought.service_name, Position(sought.timestamp, sought.uid))
        if found:
            return found
        selection = Selection(sought.log_type, sought.service_name, sought.timestamp, sought.timestamp + 1)
        near = list(islice((event for event in self._store.events(selection) if sought.fits(event.uid)), FOUND))
        if not near:
            raise Refused(f"no such event: {sought} (not stored, or deleted when its time was over)")
        if len(near) > 1:
            raise Refused("\n".join([f"{len(near)} events fit: type more of it", *(f"  {EventId.of(event)}" for event in near)]))
        return near[0]

    def alerts(
        self, since: Millis, until: Millis, service: str = "", rule: str = "", severity: str = "", status: str = ""
    ) -> Iterator[StoredAlert]:
        """Transitions of alerts, newest first; empty text asks for nothing."""
        asked = {"service_name": service, "rule": rule, "severity": severity, "status": status}
        wanted = [(name, value) for name, value in asked.items() if value]
        return (alert for alert in self._store.alerts(since, until) if all(getattr(alert, name) == value for name, value in wanted))

    def timeline(self, beginning: str) -> list[StoredAlert]:
        """All transitions of the alert whose id begins so, oldest first. Refused when there is none, or more than one.

        A whole id is found however old; the beginning of one among the alerts of the last 31 days.
        """
        if len(beginning) >= LONGEST_ID:
            ids = [beginning]
        else:
            now = self._clock()
            recent = self._store.alerts(now - BACK, now + BACK)
            rules = {alert.alert_id: alert.rule for alert in recent if alert.alert_id.startswith(beginning.lower())}
            ids = list(rules)
            if len(ids) > 1:
                raise Refused("\n".join([f"{len(ids)} alerts begin with {beginning!r}: type more of it", *_first(rules)]))
        found = self._store.timeline(ids[0]) if ids else []
        if not found:
            raise Refused(f"no alert begins with {beginning!r}\n  → logverse query alerts --since 30d")
        return found

    def anomalies(self, since: Millis, until: Millis, service: str = "", rule: str = "") -> Iterator[StoredAnomaly]:
        """Newest first; without a service, of all of them. A service that has neither events nor anomalies is WrongSettings."""
        found = self._store.anomalies(service or None, since, until)
        first = next(found, None)
        if first is None and service and next(self._store.anomalies(service, instant.BEGINNING, FOREVER), None) is None:
            self._known(service)
        return (one for one in chain((first,) if first else (), found) if not rule or one.rule == rule)

    def services(self) -> list[tuple[str, str]]:
        """Every (service, log type) that has events."""
        return sorted(self._store.services())

    def close(self) -> None:
        self._store.close()

    def _types(self, query: EventQuery) -> tuple[str, ...]:
        has = self._known(query.service)
        return tuple(kind for kind in LOG_TYPES if kind in has and (not query.types or kind in query.types))

    def _known(self, service: str) -> set[str]:
        """The types that the service has."""
        services = list(self._store.services())
        has = {kind for name, kind in services if name == service}
        if not has:
            raise WrongSettings(
                f"no service {service[:80]!r} in history", where="--service", remedy=_near(service, {name for name, _ in services})
            )
        return has

    def _extent(self, service: str, types: Iterable[str]) -> str:
        starts = [start for kind in types for start in self._store.buckets(kind, service, instant.BEGINNING, FOREVER)]
        if not starts:
            return "what it had is deleted"
        return f"history has some from {instant.written(min(starts))} to {instant.written(min(max(starts) + BUCKET_MS, instant.END))}"


def _between(query: EventQuery) -> str:
    end = "on" if query.until >= FOREVER else f"to {instant.written(query.until)}"
    return f"from {instant.written(query.since)} {end}"


def _near(wrong: str, known: set[str]) -> str:
    if not known:
        return "nothing is stored yet: logverse job submit history"
    near = get_close_matches(wrong, sorted(known), 5, 0.5)
    return f"did you mean {', '.join(near)}?" if near else f"there is {', '.join(sorted(known)[:20])}{' …' if len(known) > 20 else ''}"


def _first(rules: dict[str, str]) -> list[str]:
    return [f"  {alert_id[:16]}  {rule}" for alert_id, rule in list(rules.items())[:FOUND]]
