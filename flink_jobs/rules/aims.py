"""Where the summaries of a combination of dimensions count: found once, remembered until rules or series change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flink_jobs.rules.book import Page
from flink_jobs.rules.memory import Memory
from flink_jobs.rules.plan import Place, Plan
from flink_jobs.rules.roster import Roster
from flink_jobs.rules.series import Series
from logverse.instant import Millis
from logverse.summary import VIEWS, Summary

_REMEMBERED = 20_000  # combinations of dimensions, until all are forgotten

Dimensions = tuple[str | int | None, ...]


class Aim(NamedTuple):
    """One rule that a summary counts for: in a series or in the rule's memory; in neither when there is no room for the series."""

    series: Series | None
    memory: Memory | None
    plan: Plan
    place: Place


class Aims:
    """All aims of a watch, by view and dimensions."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._found: dict[str, dict[Dimensions, list[Aim]]] = {view: {} for view in VIEWS}
        self._where: dict[str, list[tuple[str, Dimensions]]] = {}  # by series, where in _found it is; "": where there was no room for one
        self._count = 0

    def of(self, summary: Summary, page: Page, cursor: Millis) -> list[Aim]:
        """Where this summary counts; makes the series that are new."""
        found = self._found[summary.view].get(summary.dimensions)
        return self._find(summary, page, cursor) if found is None else found

    def _find(self, summary: Summary, page: Page, cursor: Millis) -> list[Aim]:
        found: list[Aim] = []
        words = {"log.record.template": summary.pattern.words} if summary.pattern is not None else None
        fields = dict(zip(VIEWS[summary.view], summary.dimensions, strict=True))
        for plan in page.by_view[summary.view]:
            if (place := plan.place_of(fields, words)) is None:
                continue
            memory = self._roster.memories.get(plan.rule.name)
            group = dict(zip(plan.rule.group_by, place.group, strict=True))
            said = {group[name]: text for name, text in (words or {}).items() if name in group}
            series = None if memory is not None else self._roster.of(plan, group, summary.second, cursor, said)
            found.append(Aim(series, memory, plan, place))
        self._count += 1
        if self._count >= _REMEMBERED:
            self.forget()
        self._found[summary.view][summary.dimensions] = found
        for series, memory, _, _ in found:
            if memory is None:
                self._where.setdefault("" if series is None else series.key, []).append((summary.view, summary.dimensions))
        return found

    def forget(self) -> None:
        """Rules or series are others now."""
        self._count = 0
        self._where.clear()
        for of_view in self._found.values():
            of_view.clear()

    def forget_words(self) -> None:
        """Templates have other words now."""
        self._found["patterns"].clear()

    def forget_at(self, gone: Iterable[str]) -> None:
        """Those of series that went, and those that there was no room for."""
        for key in ("", *gone):
            for view, dimensions in self._where.pop(key, ()):
                self._found[view].pop(dimensions, None)
