"""What a running job can see: the dimensions of its summaries, the fields of its events, and the events its filter lets through.

The SQL of a job is fixed when it is submitted, rules come and go: a rule outside the reach would silently never fire, so it
is refused, with the way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from flink_jobs.rules.conditions import Conditions, fields_of
from flink_jobs.rules.matched import EVENT_FIELDS
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.views import BUSIEST
from logverse.errors import Malformed
from logverse.identity import digest
from logverse.rule import Rule
from logverse.summary import VIEWS

# Summed up whatever the rules are: templates are found in all that is written.
ALWAYS = ("traffic", "patterns")

# Let through whatever the rules are, so that an `any` rule on fatal lines needs no new job.
SEVERE = {"severe": {"severity_text": "FATAL"}}

_UPGRADE = "`logverse job upgrade detect --rules FILE` puts the file's rules in force and makes the job's SQL anew for them"


@dataclass(frozen=True, slots=True)
class Reach:
    """`clauses`: name → conditions as a rule writes them; an event that meets one is handed on under its name, to the rules on single
    events. `views`: the dimensions of the summaries that the job makes, by view. `about`: events of such a view
    are in it by name when they meet one of these conditions; of a view that is not in it, all are.
    """

    clauses: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: dict(SEVERE))
    views: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {view: VIEWS[view] for view in ALWAYS})
    event_fields: tuple[str, ...] = EVENT_FIELDS
    about: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Reach:
        """What a job submitted now, with these rules, can see. Paused rules count: they may be resumed.

        Each `where` of a rule on single events has a clause of its own, though a wider one would let its events through: the graph
        hands on so many events a second of each clause, and a flood of others must not crowd these out. What no rule reads is not
        summed up. A rule that cannot be run adds nothing.
        """
        clauses: dict[str, Mapping[str, Any]] = dict(SEVERE)
        plans = list(_plans(rule for rule in sorted(rules, key=lambda rule: rule.name) if not rule.deleted))
        for plan in plans:
            where = plan.type.where(plan.rule)
            readable = plan.sees_events and all(name in EVENT_FIELDS for name in fields_of(where))
            if readable and not any(_same(one, where) for one in clauses.values()):
                clauses[_name(where)] = dict(where)
        wanted = {*ALWAYS, *(plan.view for plan in plans)}
        about = {view: _widest(_selection(plan) for plan in plans if plan.view == view) for view in wanted if view not in ALWAYS and view}
        return cls(clauses, {view: dimensions for view, dimensions in VIEWS.items() if view in wanted}, about=about)

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
        # A job of before there were views says `dimensions`.
        views = flat["views"] if "views" in flat else {"traffic": flat["dimensions"]}
        about = {view: tuple(wheres) for view, wheres in flat.get("about", {}).items()}
        return cls(flat["clauses"], {view: tuple(names) for view, names in views.items()}, tuple(flat["event_fields"]), about)

    def clause_for(self, rule: Rule) -> str | None:
        """The clause that lets through everything the rule is about; None when there is none, or the rule needs none."""
        where = next((plan.type.where(rule) for plan in _plans([rule]) if plan.sees_events), None)
        covering = [name for name, clause in self.clauses.items() if where is not None and _covers(clause, where)]
        return next((name for name in covering if _same(self.clauses[name], where or {})), covering[0] if covering else None)

    def refusal(self, rule: Rule) -> str | None:
        """Why the job cannot run this rule and what to do about it; None when it can."""
        try:
            plan = Plan(rule)
        except Malformed as error:
            return f"{error}: `logverse rules check` shows how to mend it"
        return self._refused_events(plan) if plan.sees_events else self._refused_view(plan)

    def _refused_events(self, plan: Plan) -> str | None:
        unseen = [name for name in plan.needs if name not in self.event_fields]
        if any(name not in EVENT_FIELDS for name in unseen):
            return f"single events do not carry {', '.join(unseen)}: use {', '.join(self.event_fields)}"
        if unseen:
            return f"the running job's single events do not carry {', '.join(unseen)}: {_UPGRADE}"
        if self.clause_for(plan.rule) is None:
            covered = "; ".join(f"{name} {dict(clause)}" for name, clause in self.clauses.items())
            return f"the running job hands on single events only of {covered}: {_UPGRADE}"
        return None

    def _refused_view(self, plan: Plan) -> str | None:
        carried = self.views.get(plan.view)
        if carried is None:
            return f"the running job makes no summaries of {plan.view} ({', '.join(VIEWS[plan.view])}): {_UPGRADE}"
        unseen = [name for name in plan.needs if name not in carried and name != plan.type.sketched(plan.rule)]
        if unseen:
            return f"the running job's summaries of {plan.view} do not carry {', '.join(unseen)}: {_UPGRADE}"
        if plan.view in self.about and not any(_covers(where, _selection(plan)) for where in self.about[plan.view]):
            covered = "; ".join(str(dict(where)) for where in self.about[plan.view])
            return f"the running job sums up {plan.view} only of {covered}: {_UPGRADE}"
        return None


def _plans(rules: Iterable[Rule]) -> Iterator[Plan]:
    """Of those that can be run."""
    for rule in rules:
        with suppress(Malformed):
            yield Plan(rule)


def _selection(plan: Plan) -> Mapping[str, Any]:
    """What the rule's `where` says of an event beside the name that its view is cut by: a cut name may be another than the event's."""
    cut = BUSIEST.get(plan.view, "")
    return {key: condition for key, condition in plan.type.where(plan.rule).items() if cut not in fields_of({key: condition})}


def _widest(wheres: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Those of which none is within another."""
    found: list[Mapping[str, Any]] = []
    for where in wheres:
        if not any(_covers(one, where) for one in found):
            found = [*(one for one in found if not _covers(where, one)), where]
    return tuple(found)


def _covers(clause: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return Conditions(where).entails(Conditions(clause))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _covers(one, other) and _covers(other, one)


def _name(where: Mapping[str, Any]) -> str:
    return "where-" + digest(orjson.dumps(dict(where), option=orjson.OPT_SORT_KEYS).decode())[:8]
