"""Who a watch over silence expects to hear of: sources that were declared, and such that it has learned from their traffic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flink_jobs.rules.book import Page
from flink_jobs.rules.conditions import Conditions
from flink_jobs.rules.heard import Heard
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.roster import Roster, Store
from flink_jobs.rules.series import Series, fingerprint, over
from logverse.alert import Alert
from logverse.instant import Millis
from logverse.inventory import Source

SOURCES = 10_000  # that one watch keeps of the inventory


class Expected:
    """The inventory as far as one watch has heard of it. `beyond` counts sources that it had no room for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sources = {key[2:]: Source.from_json(value) for key, value in store.items() if key.startswith("I:")}
        self._fresh = set(self._sources)
        self._plans: Mapping[str, Plan] | None = None
        self._learned: list[Source] = []
        self.beyond = 0

    @property
    def waits(self) -> bool:
        """Whether something was heard that has had no effect yet."""
        return bool(self._fresh)

    def take(self, source: Source) -> None:
        """Takes in what the inventory says of a source; saying it again changes nothing."""
        if self._sources.get(source.key) == source:
            return
        if len(self._sources) >= SOURCES and source.key not in self._sources:
            self.beyond += 1
            return
        self._sources[source.key] = source
        self._store.put(f"I:{source.key}", source.to_json())
        self._fresh.add(source.key)

    def enlist(self, roster: Roster, page: Page, cursor: Millis) -> tuple[list[Alert], bool]:
        """Gives each expected source its series in the rules about silence. The ends of the alerts about such as were forgotten, and
        whether any went."""
        if page.plans is not self._plans and page.known:
            self._plans, self._fresh = page.plans, set(self._sources)
        if not self._fresh or not page.known:
            return [], False
        plans = [plan for plan in page.plans.values() if plan.type.expects]
        alerts: list[Alert] = []
        gone = False
        for key in sorted(self._fresh):
            for plan in plans:
                if (group := _group(plan, self._sources[key])) is None:
                    continue
                if self._sources[key].forgotten:
                    gone = self._forget(roster, plan, group, cursor, alerts) or gone
                else:
                    self._declare(roster, plan, group, cursor)
        self._fresh.clear()
        return alerts, gone

    def _declare(self, roster: Roster, plan: Plan, group: dict[str, str], cursor: Millis) -> None:
        series = roster.of(plan, group, cursor, cursor)
        if series is not None and isinstance(series.course.judge, Heard):
            series.course.judge.expect()
            series.next = series.course.due()
            series.save(self._store)

    def _forget(self, roster: Roster, plan: Plan, group: dict[str, str], cursor: Millis, alerts: list[Alert]) -> bool:
        key = fingerprint(plan.rule.name, group)
        if key not in roster.series:
            return False
        last = self._store.get(f"T:{key}")
        ended = over(Alert.from_json(last), cursor, "source forgotten") if last else None
        alerts += [ended] if ended else []
        roster.drop(key)
        return True

    def learn(self, judged: Iterable[Series], cursor: Millis) -> None:
        """Notes which of these series have shown that they are to be expected."""
        for series in judged:
            if isinstance(series.course.judge, Heard) and series.course.judge.takes_news():
                self._learned.append(Source(series.group["service.name"], series.group.get("host.name", ""), "learned", cursor))

    def learned(self) -> list[Source]:
        """What was learned since the last call."""
        found, self._learned = self._learned, []
        return [source for source in found if source.key not in self._sources or self._sources[source.key].forgotten]


def _group(plan: Plan, source: Source) -> dict[str, str] | None:
    """The group of the rule's series about this source; None when the rule is not about it."""
    known = {"service.name": source.service} | ({"host.name": source.host} if source.host else {})
    if set(known) != set(plan.rule.group_by):
        return None
    about = Conditions({name: condition for name, condition in plan.rule.where.items() if name in known})
    return {name: known[name] for name in plan.rule.group_by} if about.matches(known.get) else None
