"""A rule as it travels on topic `rules`: what to watch, when it is too much, and what to say then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from logverse.errors import Malformed
from logverse.identity import digest

SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a rule file, checked and with its defaults filled in. Durations are milliseconds of event time.

    `where` selects the events the rule is about (field → condition as written), `options` is what its type alone
    understands (`num_events`, `max_threshold`, …). `group_by` names the fields each of whose value combinations has an
    alert of its own. The Kafka key is the name; a rule that is gone is a record with `deleted`, never an empty one.
    """

    name: str
    type: str
    where: Mapping[str, Any] = field(default_factory=dict)
    group_by: tuple[str, ...] = ("service.name",)
    window_ms: int = 60_000
    for_ms: int = 0
    keep_firing_for_ms: int = 0
    severity: str = "warning"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    paused: bool = False
    deleted: bool = False

    @property
    def revision(self) -> str:
        """Same content, same revision: how a confirmation says which version of the rule it is about."""
        return digest(orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS).decode())

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes | str) -> Rule:
        """The rule in these bytes; Malformed when they are none."""
        try:
            flat = orjson.loads(data)
            return cls(**{**flat, "group_by": tuple(flat["group_by"])})
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Malformed(f"not a rule: {error}") from error
