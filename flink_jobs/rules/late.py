"""What late rows would have raised, had they been on time: the past is judged once more, on a copy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby

from flink_jobs.lifecycle import Life
from flink_jobs.rules.buckets import Bucket
from flink_jobs.rules.course import Course
from flink_jobs.rules.explain import Finding
from flink_jobs.rules.plan import Plan
from logverse.instant import Millis

Turn = tuple[Life, Finding]
Span = tuple[Millis, Millis]


@dataclass(slots=True)
class Missed:
    """Transitions to tell now, and when the alerts among them fired that are over already."""

    transitions: list[Turn] = field(default_factory=list)
    past: list[Span] = field(default_factory=list)


def missed(plan: Plan, buckets: dict[Millis, Bucket], live: Course, dirty: Span, past: Iterable[Span]) -> Missed:
    """What fires in a second look at the time since the first dirty bucket, where the alert was not active at the first look.

    An alert that would still be active becomes the live one; one that ended is told as fired and resolved. What overlaps
    with an alert told before is the same trouble and is not raised again.
    """
    first, last = dirty
    copy = Course(plan, buckets, plan.floor(first), live.since, live.judge.onlooker())
    turns = list(copy.run(live.position, touched_until=last + plan.kept_ms + plan.step_ms))
    told = list(past)
    if live.life.fired:
        told.append((live.life.active_at, live.position))
    found = Missed()
    for began, group in groupby(turns, key=lambda turn: turn[0].active_at):
        occurrence = list(group)
        ended = occurrence[-1][1].at if not occurrence[-1][0].active else live.position
        if any(began <= other_end and other_begin <= ended for other_begin, other_end in told):
            continue
        if not occurrence[-1][0].active:
            _over_already(occurrence, found)
        else:
            _still_active(occurrence, copy, live, found)
    return found


def _over_already(occurrence: list[Turn], found: Missed) -> None:
    fired = [turn for turn in occurrence if turn[0].status == "firing"]
    if fired:
        found.transitions += [fired[0], occurrence[-1]]
        found.past.append((occurrence[-1][0].active_at, occurrence[-1][1].at))


def _still_active(occurrence: list[Turn], copy: Course, live: Course, found: Missed) -> None:
    """The copy's life becomes the live one. A live alert that was pending keeps its beginning, so that its id stays."""
    active_at = live.life.active_at if live.life.active else copy.life.active_at
    turns = [turn for turn in occurrence if turn[0].status == "firing"][:1]
    if copy.life.status != "firing" and not (copy.life.status == "pending" and live.life.active):
        turns.append(occurrence[-1])
    live.life = replace(copy.life, active_at=active_at) if turns else live.life
    live.tally, live.limit = copy.tally, copy.limit
    found.transitions += [(replace(life, active_at=active_at), finding) for life, finding in turns]
