"""A rule that storms has more series than a watch judges: its owner is told once, and once that it is over; nothing mutes it.

storms = Storms("web", store)
alerts += storms.advance(watch.crowded, page.plans, now)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import orjson

from flink_jobs.rules.annotations import dressed
from flink_jobs.rules.plan import Plan
from logverse import durations
from logverse.alert import Alert, Explanation, Status
from logverse.instant import Millis

RULE = "rule-storm"
CALM_MS = 15 * 60_000  # without one series too many for this long, it is over
_ENTRY = "storms"


class Store(Protocol):
    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, value: bytes) -> None: ...


class Storms:
    """Which rules of one key storm: since when, and when last, in event time. Kept in the entry `storms` of the watch's store."""

    def __init__(self, key: str, store: Store) -> None:
        self._key, self._store = key, store
        kept = store.get(_ENTRY)
        self._storms: dict[str, list[Millis]] = orjson.loads(kept) if kept else {}

    @property
    def waits(self) -> bool:
        """Whether time alone will end one."""
        return bool(self._storms)

    def advance(self, crowded: set[str], plans: Mapping[str, Plan], now: Millis) -> list[Alert]:
        """Takes in, and empties, the names of the rules that had a series too many since the last call; what is to be told of them."""
        told: list[Alert] = []
        for name in sorted(crowded & plans.keys()):
            if name not in self._storms:
                told.append(self._alert(plans[name], "firing", now, now))
            self._storms[name] = [self._storms.get(name, [now])[0], now]
        changed = bool(crowded)
        crowded.clear()
        for name, (since, last) in list(self._storms.items()):
            if name not in plans or now - last >= CALM_MS:
                told += [self._alert(plans[name], "resolved", since, now)] if name in plans else [_gone(self._key, name, since, now)]
                del self._storms[name]
                changed = True
        if changed:
            self._store.put(_ENTRY, orjson.dumps(self._storms))
        return told

    def _alert(self, plan: Plan, status: Status, since: Millis, at: Millis) -> Alert:
        over = f"is back to as many series as can be judged; lasted {durations.said(at - since)}"
        storms = (
            "has more series than can be judged: those beyond are counted and not judged; make its group_by coarser or its where narrower"
        )
        bare = _bare(self._key, plan.rule.name, over if status == "resolved" else storms, status, since, at)
        # The owner is told, not what the rule says of its own alerts.
        of_rule = dressed(bare, plan.rule)
        runbook = {name: text for name, text in of_rule.annotations.items() if name == "runbook_url"}
        return replace(of_rule, annotations=runbook)


def _bare(key: str, name: str, what: str, status: Status, since: Millis, at: Millis) -> Alert:
    group = {"rule": name} if key == name else {"rule": name, "service.name": key}
    about = f"rule {name}" if key == name else f"rule {name} of {''.join(char for char in key if char.isprintable())[:80]}"
    why = Explanation(f"{about} {what}", 1.0, 1.0, ">=", "", 0, 0)
    ends = at if status == "resolved" else None
    return Alert(RULE, "storm", status, "warning", group, since, at, why, starts_at=since, ends_at=ends)


def _gone(key: str, name: str, since: Millis, at: Millis) -> Alert:
    return _bare(key, name, "is gone", "resolved", since, at)
