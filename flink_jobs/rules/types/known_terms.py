"""What `new_term` remembers: the values that each group has had, and since when it is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import orjson

from flink_jobs.rules.memory import MOST, Hit, Sighting
from logverse.identity import digest
from logverse.instant import Millis

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan

_LONGEST = 200  # characters kept of a value
Term = tuple[tuple[str, ...], int, tuple[str, ...]]  # group, which of the terms, values


class KnownTerms:
    """Values by group, each with when it was first and last seen (the last to a thirtieth of `window`)."""

    def __init__(self, plan: Plan, terms: tuple[tuple[str, ...], ...], window: Millis, learning: Millis, kept: Mapping[str, bytes]) -> None:
        self._step, self._group_by, self._terms = plan.step_ms, plan.rule.group_by, terms
        self._places = [[plan.fields.index(name) for name in term] for term in terms]
        self._window, self._learning, self._grain = window, learning, max(60_000, window // 30)
        self._known: dict[Term, list[Millis]] = {}  # [first, last, when it was new]
        self._since: dict[tuple[str, ...], Millis] = {}
        for data in kept.values():
            group, which, values, figures = orjson.loads(data)
            if which < 0:
                self._since[tuple(group)] = figures[0]
            else:
                self._known[tuple(group), which, tuple(values)] = figures
        self._changed: set[Term] = set()
        self.over = 0
        self.waits = False

    def see(self, sighting: Sighting) -> Iterator[Hit]:
        place, at = sighting.place, sighting.at
        for which, places in enumerate(self._places):
            values = tuple(str(place.values[one])[:_LONGEST] for one in places if place.values[one] not in (None, ""))
            if len(values) == len(places) and self._is_new((place.group, which, values), at, sighting.columns[0]):
                group = dict(zip((*self._group_by, *self._terms[which]), (*place.group, *values), strict=True))
                yield Hit(group, at // 1000 * 1000, sighting.columns, sighting.peak, place.trait, sighting.sample)

    def _is_new(self, term: Term, at: Millis, count: int) -> bool:
        """Whether it counts as new: in the step in which it was first seen, when that is after the learning."""
        figures = self._known.get(term)
        if figures is None:
            if len(self._known) >= MOST:
                self.over += count
                return False
            since = self._since.get(term[0])
            if since is None:
                since = self._since[term[0]] = at
                self._changed.add((term[0], -1, ()))
            self._known[term] = figures = [at, at, at if at >= since + self._learning else 0]
            self._changed.add(term)
        elif at >= figures[1] + self._grain:
            figures[1] = at
            self._changed.add(term)
        return bool(figures[2]) and figures[2] // self._step == at // self._step

    def settle(self, until: Millis) -> Iterable[Hit]:
        return ()

    def expire(self, cursor: Millis) -> None:
        for term in [term for term, figures in self._known.items() if cursor - figures[1] > self._window + self._grain]:
            del self._known[term]
            self._changed.add(term)
        if (beyond := len(self._since) - MOST) > 0:
            living = {term[0] for term in self._known}
            idle = sorted(((since, group) for group, since in self._since.items() if group not in living))
            for _, group in idle[:beyond]:  # who comes back learns anew
                del self._since[group]
                self._changed.add((group, -1, ()))

    def changes(self) -> Iterator[tuple[str, bytes | None]]:
        for group, which, values in self._changed:
            since = self._since.get(group)
            figures = ([since] if since is not None else None) if which < 0 else self._known.get((group, which, values))
            data = None if figures is None else orjson.dumps([group, which, values, figures])
            yield digest(*group, str(which), *values), data
        self._changed = set()
