"""What a running job can see: the dimensions of its summaries, the fields of its events, and the events its filter lets through.

The SQL of a job is fixed when it is submitted, rules come and go: a rule outside the reach would silently never fire, so it
is refused, with the way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from flink_jobs.rules.conditions import Conditions, fields_of
from flink_jobs.rules.matched import EVENT_FIELDS
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.types import RULE_TYPES
from logverse.errors import Malformed
from logverse.identity import digest
from logverse.rule import Rule
from logverse.summary import DIMENSIONS

# Let through whatever the rules are, so that an `any` rule on fatal lines needs no new job.
SEVERE = {"severe": {"severity_text": "FATAL"}}

_UPGRADE = "`logverse job upgrade detect --rules FILE` puts the file's rules in force and makes the job's SQL anew for them"


@dataclass(frozen=True, slots=True)
class Reach:
    """`clauses`: name → conditions as a rule writes them; an event that meets one is handed to the `any` rules under its name."""

    clauses: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: dict(SEVERE))
    dimensions: tuple[str, ...] = DIMENSIONS
    event_fields: tuple[str, ...] = EVENT_FIELDS

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Reach:
        """What a job submitted now, with these rules, can see. Paused rules count: they may be resumed.

        Each `where` of an `any` rule has a clause of its own, though a wider one would let its events through: the graph hands on
        so many events a second of each clause, and a flood of others must not crowd these out. A rule that cannot be run has none.
        """
        clauses: dict[str, Mapping[str, Any]] = dict(SEVERE)
        for rule in sorted(rules, key=lambda rule: rule.name):
            if rule.where and not rule.deleted and cls._readable(rule) and not any(_same(one, rule.where) for one in clauses.values()):
                clauses[_name(rule.where)] = dict(rule.where)
        return cls(clauses)

    @staticmethod
    def _readable(rule: Rule) -> bool:
        try:
            sees_events = Plan(rule).type.sees_events
        except Malformed:
            return False
        return sees_events and all(name in EVENT_FIELDS for name in fields_of(rule.where))

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes | str) -> Reach:
        """The reach in these bytes; Malformed when it is none."""
        try:
            return cls.from_plain(orjson.loads(data))
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Malformed(f"not a reach: {error}") from error

    @classmethod
    def from_plain(cls, flat: Mapping[str, Any]) -> Reach:
        return cls(flat["clauses"], tuple(flat["dimensions"]), tuple(flat["event_fields"]))

    def clause_for(self, rule: Rule) -> str | None:
        """The clause that lets through everything the rule is about; None when there is none, or the rule needs none."""
        if rule.type not in RULE_TYPES or not RULE_TYPES[rule.type].sees_events:
            return None
        covering = [name for name, clause in self.clauses.items() if _covers(clause, rule.where)]
        return next((name for name in covering if _same(self.clauses[name], rule.where)), covering[0] if covering else None)

    def refusal(self, rule: Rule) -> str | None:
        """Why the job cannot run this rule and what to do about it; None when it can."""
        try:
            sees_events = Plan(rule).type.sees_events
        except Malformed as error:
            return f"{error}: `logverse rules check` shows how to mend it"
        visible = self.event_fields if sees_events else self.dimensions
        used = dict.fromkeys([*fields_of(rule.where), *fields_of(rule.options.get("match")), *rule.group_by])
        unseen = [name for name in used if name not in visible]
        if unseen:
            return self._unseen(rule, unseen, visible)
        if sees_events and self.clause_for(rule) is None:
            covered = "; ".join(f"{name} {dict(clause)}" for name, clause in self.clauses.items())
            return f"the running job hands single events only of {covered} to `any` rules: {_UPGRADE}"
        return None

    def _unseen(self, rule: Rule, unseen: list[str], visible: tuple[str, ...]) -> str:
        kind = "single events" if RULE_TYPES[rule.type].sees_events else "summaries"
        now = EVENT_FIELDS if RULE_TYPES[rule.type].sees_events else DIMENSIONS
        if all(name in now for name in unseen):
            return f"the running job's {kind} do not carry {', '.join(unseen)}: {_UPGRADE}"
        only_any = kind == "summaries" and all(name in EVENT_FIELDS for name in unseen)
        way_out = ", or make it a rule of type `any`" if only_any else ""
        return f"{kind} do not carry {', '.join(unseen)}: use {', '.join(visible)}{way_out}"


def _covers(clause: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return Conditions(where).entails(Conditions(clause))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _covers(one, other) and _covers(other, one)


def _name(where: Mapping[str, Any]) -> str:
    return "where-" + digest(orjson.dumps(dict(where), option=orjson.OPT_SORT_KEYS).decode())[:8]
