"""An alert: what a rule found, where it is in its life, and what it takes to explain it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import orjson

from logverse import instant
from logverse.errors import Malformed
from logverse.identity import digest
from logverse.instant import Millis

# inactive → pending (`for`) → firing → recovering (`keep_firing_for`, `clear_threshold`) → resolved.
# `inactive` is said of a pending alert that never fired.
Status = Literal["inactive", "pending", "firing", "recovering", "resolved"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why: one sentence in plain words, the figure against its threshold, who is to blame, and lines to look at."""

    sentence: str
    actual: float
    threshold: float
    comparison: str  # ">", ">=", "<" or "<=": how the actual figure stands to the threshold when it is too much
    unit: str  # "%", "s", "events", "events/s", …
    matched: int  # events that count towards the rule, in its window; of an alert that is over, since it began
    total: int  # events it is about, likewise
    contributors: tuple[tuple[str, int], ...] = ()  # ("POST /pay on web-2, status 503", 76), largest first
    samples: tuple[str, ...] = ()  # log lines as written: attackers' text, never to be interpreted
    expected: tuple[float, float] | None = None  # the band that would have been usual, in `unit`
    query: str = ""  # the command that shows the lines behind it


@dataclass(frozen=True, slots=True)
class Alert:
    """One transition of one alert, on topic `alerts` (all of them) and `alerts.state` (the last a fingerprint).

    All times are event time in milliseconds. `active_at`: the condition holds since then. `starts_at`: it fired then.
    `ends_at`: it was over then. `at`: when this transition happened.
    """

    rule: str
    rule_type: str
    status: Status
    severity: str
    group: Mapping[str, str]  # the values of the rule's group_by, OpenTelemetry names
    active_at: Millis
    at: Millis
    explanation: Explanation
    starts_at: Millis | None = None
    ends_at: Millis | None = None
    labels: Mapping[str, str] = field(default_factory=dict)  # of the rule
    annotations: Mapping[str, str] = field(default_factory=dict)  # of the rule
    reason: str = ""  # why it ended when the condition did not: "rule paused", "rule deleted"; "late data" when raised by it
    shadow: bool = False  # of a rule that is being tried out: listed and stored, told to nobody

    @property
    def owner(self) -> str:
        """Who looks after the rule; a label, so that routes can go by it."""
        return self.labels.get("owner", "")

    @property
    def runbook_url(self) -> str:
        """Where it says what to do; under Alertmanager's customary name."""
        return self.annotations.get("runbook_url", "")

    @property
    def description(self) -> str:
        """What the rule's author has to say of it, filled in."""
        return self.annotations.get("description", "")

    @property
    def fingerprint(self) -> str:
        """The same rule about the same group is the same alert, today and next week."""
        return digest(self.rule, *(part for pair in sorted(self.group.items()) for part in pair))

    @property
    def id(self) -> str:
        """One occurrence of the alert, from pending to resolved; a replay gives it the same id."""
        return digest(self.fingerprint, self.active_at)

    @property
    def transition_id(self) -> str:
        """This transition; a replay of it gives the same id, so it is delivered once."""
        return digest(self.id, self.status, self.at)

    def to_json(self) -> bytes:
        ids = {"fingerprint": self.fingerprint, "id": self.id, "transition_id": self.transition_id}
        return orjson.dumps({**ids, **asdict(self)})

    @classmethod
    def from_json(cls, data: bytes | str) -> Alert:
        """The alert in these bytes; Malformed when they are none."""
        try:
            flat: dict[str, Any] = orjson.loads(data)
            known = {name: flat[name] for name in cls.__dataclass_fields__ if name in flat}
            why = known["explanation"]
            why["contributors"] = tuple((name, count) for name, count in why["contributors"])
            why["samples"] = tuple(why["samples"])
            if (expected := why.get("expected")) is not None:
                why["expected"] = (float(expected[0]), float(expected[1]))
            for figure in ("actual", "threshold"):
                why[figure] = math.nan if why[figure] is None else why[figure]  # JSON has no NaN
            return _checked(cls(**{**known, "explanation": Explanation(**why)}))
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(f"not an alert: {error}") from error


def _checked(alert: Alert) -> Alert:
    """The alert, if those who format and compare its values will not stumble over one of another type."""
    why = alert.explanation
    kinds: tuple[tuple[type | tuple[type, ...], tuple[Any, ...]], ...] = (
        (str, (alert.rule, alert.rule_type, alert.severity, alert.reason, why.sentence, why.comparison, why.unit, why.query, *why.samples)),
        (str, tuple(text for text, _ in why.contributors)),
        (int, (alert.active_at, alert.at, why.matched, why.total, *(count for _, count in why.contributors))),
        (int, tuple(at for at in (alert.starts_at, alert.ends_at) if at is not None)),
        ((int, float), (why.actual, why.threshold)),
        (dict, (alert.group, alert.labels, alert.annotations)),
    )
    for kind, values in kinds:
        for value in values:
            if not isinstance(value, kind):
                raise TypeError(f"{value!r} has the wrong type")
    if not isinstance(alert.shadow, bool):
        raise TypeError(f"{alert.shadow!r:.100} is neither true nor false")
    for text in (part for pairs in (alert.group, alert.labels, alert.annotations) for pair in pairs.items() for part in pair):
        if not isinstance(text, str):
            raise TypeError(f"{text!r:.100} is no text")
    if not all(instant.BEGINNING <= at <= instant.END for at in (alert.active_at, alert.at)):
        raise ValueError("its times are none")
    if alert.status not in get_args(Status):
        raise ValueError(f"no such status: {alert.status!r}")
    return alert
