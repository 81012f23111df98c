"""A rule as it travels on topic `rules`: what to watch, when it is too much, and what to say then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from logverse.errors import Malformed
from logverse.identity import digest

SEVERITIES = ("critical", "warning", "info")
# What becomes of an alert when there is nothing to judge: it is over, it is raised, or it stays what it was.
NO_DATA = ("ok", "alert", "keep")


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
    owner: str = ""
    runbook_url: str = ""
    description: str = ""
    enabled: bool = True
    shadow: bool = False
    schedule: Mapping[str, Any] = field(default_factory=dict)
    no_data: str = "ok"  # one of NO_DATA

    @property
    def revision(self) -> str:
        """Same content, same revision: how a confirmation says which version of the rule it is about."""
        return digest(orjson.dumps(self._plain(), option=orjson.OPT_SORT_KEYS).decode())

    @property
    def runs(self) -> bool:
        """Whether it is to be judged at all."""
        return self.enabled and not (self.paused or self.deleted)

    def to_json(self) -> bytes:
        return orjson.dumps(self._plain())

    def _plain(self) -> dict[str, Any]:
        """All fields, of the younger ones those that say something: a rule without them is what it was before there were such."""
        flat = asdict(self)
        return {name: value for name, value in flat.items() if name not in _YOUNGER or value != _YOUNGER[name]}

    @classmethod
    def from_json(cls, data: bytes | str) -> Rule:
        """The rule in these bytes; Malformed when they are none."""
        try:
            flat = orjson.loads(data)
            return _checked(cls(**{**flat, "group_by": tuple(flat["group_by"])}))
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Malformed(f"not a rule: {error}") from error


_YOUNGER: dict[str, Any] = {
    "owner": "", "runbook_url": "", "description": "", "enabled": True, "shadow": False, "schedule": {}, "no_data": "ok",
}  # fmt: skip


def _checked(rule: Rule) -> Rule:
    """The rule, if its younger fields are of their types."""
    for name, usual in _YOUNGER.items():
        if not isinstance(getattr(rule, name), type(usual)):
            raise TypeError(f"{name} is {getattr(rule, name)!r:.100}")
    if rule.no_data not in NO_DATA:
        raise TypeError(f"no_data is {rule.no_data!r:.100}, not one of {', '.join(NO_DATA)}")
    return rule
