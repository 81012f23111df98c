"""What topic `templates` hears of one service's templates, and when: new ones at once, counts once a minute, never a flood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from flink_jobs.patterns.entries import FAREWELL
from flink_jobs.patterns.tree import Known
from logverse.instant import Millis
from logverse.template import Template

MINUTE = 60_000
MOST = 200  # records a minute of event time of one service: who writes ever new lines must not fill the topic


class Writer(Protocol):
    """Where entries are written through."""

    def put(self, key: str, value: bytes) -> None: ...
    def remove(self, key: str) -> None: ...


class Telling:
    """Chooses what is told now. First that a template is gone (only of one that was told of), then what is new, then counts, those first
    that have waited longest; what is over MOST waits for the next minute."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._minute = self._told = 0
        self._farewells: dict[str, Template] = {}
        self._unsaved: set[str] = set()  # ids of farewells
        self.is_changed = False

    def bid_farewell(self, known: Known, merged_into: str) -> None:
        """The template is no more; `merged_into` another ("": it was forgotten)."""
        if known.told_at:
            self._farewells[known.id] = self._template(known, merged_into=merged_into, gone=not merged_into)
            self._unsaved.add(known.id)

    def due(self, now: Millis, known: Mapping[str, Known]) -> list[Template]:
        """What to tell at event time `now`; taken as told."""
        if now // MINUTE > self._minute:
            self._minute, self._told, self.is_changed = now // MINUTE, 0, True
        told = [self._farewells.pop(identity) for identity in sorted(self._farewells)[: MOST - self._told]]
        self._unsaved.update(template.id for template in told)
        waiting = [one for one in known.values() if one.told != one.events and (one.told < 0 or now - one.told_at >= MINUTE)]
        waiting.sort(key=lambda one: (one.told >= 0, one.told_at, one.born))
        for one in waiting[: MOST - self._told - len(told)]:
            one.told, one.told_at = one.events, now
            told.append(self._template(one))
        self._told += len(told)
        self.is_changed = self.is_changed or bool(told)
        return told

    def pending(self, known: Mapping[str, Known]) -> bool:
        return bool(self._farewells) or any(one.told != one.events for one in known.values())

    def _template(self, known: Known, merged_into: str = "", gone: bool = False) -> Template:
        return Template(
            known.id, self._service, known.text, known.first_seen, known.last_seen, dict(sorted(known.counts.items())), known.sample,
            tuple(known.former), known.name, known.ignored, merged_into, gone,
        )  # fmt: skip

    def save(self, store: Writer) -> None:
        """Writes which farewells came and which were told since the last time."""
        for identity in sorted(self._unsaved):
            if identity in self._farewells:
                store.put(FAREWELL + identity, self._farewells[identity].to_json())
            else:
                store.remove(FAREWELL + identity)
        self._unsaved.clear()
        self.is_changed = False

    def kept(self) -> list[int]:
        """The figures to keep beside the farewells."""
        return [self._minute, self._told]

    def restore(self, figures: list[int], entries: Mapping[str, bytes]) -> None:
        """Goes on from what `kept` and `save` gave."""
        self._minute, self._told = figures
        for key, value in entries.items():
            if key.startswith(FAREWELL):
                self._farewells[key.removeprefix(FAREWELL)] = Template.from_json(value)
