"""Single events that passed the coarse SQL filter, for the rules that look at each event (`any`, `blacklist`, `change`, …)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from logverse.instant import Millis

# What such a rule can select and group by, in OpenTelemetry's names: the columns the filter lets through.
EVENT_FIELDS: tuple[str, ...] = (
    "service.name", "log.type", "host.name", "http.route", "http.request.method", "http.response.status_code",
    "severity_number", "event_name", "event.outcome", "url.path", "client.address", "user.id", "user.name", "user_agent.original",
    "exception.type", "log.record.uid", "body",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MatchedEvent:
    """An event that passed `clause` of the filter. `at` is event time; `fields` has EVENT_FIELDS, None when unknown."""

    clause: str
    at: Millis
    fields: Mapping[str, str | int | None]
