"""What `change` remembers: the last value of each group, and the events that are not in order yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from flink_jobs.rules.buckets import SAMPLE
from flink_jobs.rules.memory import MOST, Hit, Sighting
from logverse.identity import digest
from logverse.instant import Millis

_PENDING = 1_000  # events of one group that may wait for their second to be over


class LastValues:
    """The last value of each group. Events wait until their second is over, so that the order they came in does not matter."""

    def __init__(self, group_by: tuple[str, ...], forget_after: Millis, kept: Mapping[str, bytes]) -> None:
        self._group_by, self._forget_after = group_by, forget_after
        self._groups: dict[tuple[str, ...], list[Any]] = {}  # [value, at, pending: [at, value, trait, sample]]
        for data in kept.values():
            group, value, at, pending = orjson.loads(data)
            self._groups[tuple(group)] = [value, at, pending]
        self._changed: set[tuple[str, ...]] = set()
        self.over = 0

    def see(self, sighting: Sighting) -> Iterable[Hit]:
        place = sighting.place
        if place.group not in self._groups and len(self._groups) >= MOST:
            self.over += 1
            return ()
        last = self._groups.setdefault(place.group, [None, None, []])
        if len(last[2]) >= _PENDING:
            self.over += 1
            return ()
        value = "" if place.values[0] is None else str(place.values[0])
        last[2].append([sighting.at, value, place.trait, sighting.sample[:SAMPLE]])
        self._changed.add(place.group)
        return ()

    def settle(self, until: Millis) -> Iterator[Hit]:
        for group, last in self._groups.items():
            due = sorted(event for event in last[2] if event[0] < until)
            if not due:
                continue
            last[2] = [event for event in last[2] if event[0] >= until]
            self._changed.add(group)
            for at, value, trait, sample in due:
                if last[1] is not None and at < last[1]:
                    continue
                if last[1] is not None and value != last[0] and at - last[1] <= self._forget_after:
                    yield Hit(dict(zip(self._group_by, group, strict=True)), at // 1000 * 1000, (1, 1), 0.0, trait, sample)
                last[0], last[1] = value, at

    def expire(self, cursor: Millis) -> None:
        for group, (_, at, pending) in list(self._groups.items()):
            if not pending and at is not None and cursor - at > self._forget_after:
                del self._groups[group]
                self._changed.add(group)

    def changes(self) -> Iterator[tuple[str, bytes | None]]:
        for group in self._changed:
            kept = self._groups.get(group)
            yield digest(*group), None if kept is None else orjson.dumps([group, *kept])
        self._changed = set()

    @property
    def waits(self) -> bool:
        return any(pending for _, _, pending in self._groups.values())
