"""The rules in force, compiled; and what of a service's summaries a rule over all services needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, reduce
from operator import or_

from flink_jobs.rules.plan import Plan
from flink_jobs.rules.reach import Reach
from flink_jobs.rules.views import BUSIEST
from logverse.errors import Malformed
from logverse.rule import Rule
from logverse.summary import DURATION_BOUNDS, VIEWS, Summary

SERVICES = 10_000  # of which the page is remembered
_NONE = (0,) * len(DURATION_BOUNDS)


class Page:
    """Some of a book's rules, ready to run. `plans` by name; a change of the book makes new pages, old ones stay as they are."""

    def __init__(self, plans: Mapping[str, Plan], gone: dict[str, str], known: bool) -> None:
        self.plans, self._gone = plans, gone
        self.known = known  # False: no rule has been heard of yet, so nothing may be concluded from a rule's absence

    def absent(self, name: str) -> str:
        """Why this rule is not among them."""
        return self._gone.get(name, "rule deleted")

    @property
    def rules(self) -> list[Rule]:
        return [plan.rule for plan in self.plans.values()]

    @cached_property
    def on_events(self) -> tuple[Plan, ...]:
        return tuple(plan for plan in self.plans.values() if plan.sees_events)

    @cached_property
    def by_view(self) -> dict[str, tuple[Plan, ...]]:
        """Those on summaries, by the view that they read."""
        return {view: tuple(plan for plan in self.plans.values() if plan.view == view) for view in VIEWS}

    @cached_property
    def wants_others(self) -> tuple[str, ...]:
        """The views of the busiest in which a rule counts all the others too: a series for each of the busiest has no place for them."""
        return tuple(view for view, name in BUSIEST.items() if any(name not in plan.rule.group_by for plan in self.by_view[view]))


class RuleBook(Page):
    """All rules in force. Paused and deleted ones are remembered as such, so that their alerts can be ended with the reason.

    With a `reach`, events are given to a rule only from the clause that was made for it: an event that passes two clauses
    counts once. Of the rules it begins with, those that cannot be run are in `broken`, with why: one stray record on the topic
    must not keep a job from starting.
    """

    def __init__(self, rules: Iterable[Rule] = (), reach: Reach | None = None) -> None:
        super().__init__({}, {}, known=False)
        self._reach = reach
        self._pages: dict[tuple[str, ...], Page] = {}
        self._of_services: dict[str, Page] = {}
        self.broken: dict[str, str] = {}
        for rule in rules:
            try:
                self.put(rule)
            except Malformed as error:
                self.broken[rule.name] = str(error)

    def put(self, rule: Rule) -> None:
        """Takes a rule in, in place of the one of that name. Malformed when it cannot be run: the former one stays."""
        if not rule.runs:
            return self._without(rule.name, "rule deleted" if rule.deleted else "rule paused" if rule.paused else "rule not enabled")
        plan = Plan(rule, self._reach.clause_for(rule) if self._reach else None)
        gone = {name: why for name, why in self._gone.items() if name != rule.name}
        self._turn({**self.plans, rule.name: plan}, gone)

    def remove(self, name: str) -> None:
        self._without(name, "rule deleted")

    def _without(self, name: str, why: str) -> None:
        self._turn({other: plan for other, plan in self.plans.items() if other != name}, {**self._gone, name: why})

    def _turn(self, plans: Mapping[str, Plan], gone: dict[str, str]) -> None:
        super().__init__(plans, gone, known=True)
        self._pages, self._of_services = {}, {}
        for name in ("on_events", "by_view", "wants_others"):
            self.__dict__.pop(name, None)

    def within_service(self, service: str = "") -> Page:
        """The rules that one service's operator can judge by itself; of a named service, those that can be about it."""
        if service not in self._of_services:
            if len(self._of_services) >= SERVICES:
                self._of_services.clear()
            within = [plan for plan in self.plans.values() if not plan.across]
            about = [plan.rule.name for plan in within if not service or plan.where.allows("service.name", service)]
            self._of_services[service] = self._page(about)
        return self._of_services[service]

    def across(self) -> Page:
        """The rules that need all services' figures together."""
        return self._page([name for name, plan in self.plans.items() if plan.across])

    def only(self, name: str) -> Page:
        """One rule over all services: what the watch keyed by that rule's name is given."""
        return self._page([name] if name in self.plans and self.plans[name].across else [])

    def _page(self, names: Sequence[str]) -> Page:
        """The page with these rules: the same as before as long as no rule changes."""
        if (page := self._pages.get(tuple(names))) is None:
            elsewhere = dict.fromkeys(self.plans.keys() - set(names), "rule changed")
            page = self._pages[tuple(names)] = Page({name: self.plans[name] for name in names}, self._gone | elsewhere, self.known)
        return page


def project(summaries: Iterable[Summary], rule: Rule | Plan) -> list[Summary]:
    """The summaries that the rule is about (compiled once, as a page's `plans` has it, or now), added up over all that it does not look at.

    The dimensions it needs and the service's name stay, the others are None. Counts, sums and histograms add up, of
    `duration_max` the greatest stays, of `sample` the first.
    """
    plan = rule if isinstance(rule, Plan) else Plan(rule)
    keep = {*plan.needs, "service.name"}
    kept_as = [name in keep for name in VIEWS[plan.view]]
    added: dict[tuple[int, tuple[str | int | None, ...]], list[Summary]] = {}
    for summary in summaries:
        if summary.view == plan.view and plan.where.matches(summary.__getitem__):
            kept = tuple([value if stays else None for value, stays in zip(summary.dimensions, kept_as, strict=True)])
            added.setdefault((summary.second, kept), []).append(summary)
    return [_sum(some, dimensions) for (_, dimensions), some in added.items()]


def _sum(some: Sequence[Summary], dimensions: tuple[str | int | None, ...]) -> Summary:
    timed = [one for one in some if one.duration_count]
    return Summary(
        second=some[0].second,
        dimensions=dimensions,
        count=sum([one.count for one in some]),
        duration_count=sum([one.duration_count for one in timed]),
        duration_sum=sum([one.duration_sum for one in timed]),
        duration_max=max([one.duration_max for one in timed], default=0.0),
        histogram=tuple(map(sum, zip(*[one.histogram for one in timed], strict=True))) or _NONE,
        size_sum=sum([one.size_sum for one in some]),
        sample=next((one.sample for one in some if one.sample), ""),
        view=some[0].view,
        paths=reduce(or_, [one.paths for one in some]),
    )
