"""The life of one alert in event time: inactive → pending → firing → recovering → resolved.

Prometheus' meaning of `for` and `keep_firing_for` (prometheus.io/docs/prometheus/latest/configuration/alerting_rules), with
a `clear_threshold` beside them: what is `clear` may be stricter than "no longer breached".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from logverse.alert import Status
from logverse.instant import Millis


class Terms(Protocol):
    """How patient an alert is, in milliseconds of event time."""

    @property
    def for_ms(self) -> int: ...
    @property
    def keep_firing_for_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Life:
    """Where an alert stands. `active_at`: breached since then; `starts_at`: fired then; `quiet_since`: clear since then;
    `ends_at`: it was over then (`quiet_since` of the recovery that lasted)."""

    status: Status = "inactive"
    active_at: Millis = 0
    starts_at: Millis | None = None
    quiet_since: Millis | None = None
    ends_at: Millis | None = None

    @property
    def active(self) -> bool:
        return self.status in ("pending", "firing", "recovering")

    @property
    def fired(self) -> bool:
        return self.status in ("firing", "recovering")

    def deadline(self, terms: Terms) -> Millis | None:
        """When it moves on by itself, if nothing else changes."""
        if self.status == "pending":
            return self.active_at + terms.for_ms
        if self.quiet_since is not None and self.status == "recovering":
            return self.quiet_since + terms.keep_firing_for_ms
        return None


def step(life: Life, breached: bool, clear: bool, at: Millis, terms: Terms) -> Life:
    """The life after it was judged at `at`. A status that differs from the one before is the transition to tell.

    >>> from logverse.rule import Rule
    >>> rule = Rule("r", "any", for_ms=2000)
    >>> life = step(Life(), breached=True, clear=False, at=1000, terms=rule)
    >>> life.status, step(life, breached=True, clear=False, at=3000, terms=rule).status
    ('pending', 'firing')
    """
    if not life.active:
        if not breached:
            return life
        life = Life("pending", at)
    if life.status == "pending":
        if not breached:
            return replace(life, status="inactive", ends_at=at)
        return replace(life, status="firing", starts_at=at) if at >= life.active_at + terms.for_ms else life
    if breached or not clear:
        return replace(life, status="firing", quiet_since=None)
    quiet_since = at if life.quiet_since is None else life.quiet_since
    if at >= quiet_since + terms.keep_firing_for_ms:
        return replace(life, status="resolved", quiet_since=quiet_since, ends_at=quiet_since)
    return replace(life, status="recovering", quiet_since=quiet_since)
