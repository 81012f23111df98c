"""The twin in memory of the schemas: tables need not be made there, only told how long they keep their rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from logverse.instant import Millis
from logverse.settings import Settings
from storage.memory import MemoryStore
from storage.schema import keeping
from storage.schema.schema import Step, Told


class MemorySchema:
    """Of this store, as these settings want it."""

    def __init__(self, store: MemoryStore, settings: Settings) -> None:
        self._store, self._keep = store, keeping.wanted(settings)
        self.keyspace = "memory"

    def steps(self, copies: str = "") -> list[Step]:
        there = self._store.kept
        return [Step(f"keep {table} {seconds} s", ()) for table, seconds in self._keep.items() if there.get(table) != seconds]

    def migrate(self, copies: str, holder: str, told: Told, sleep: Callable[[float], None], clock: Callable[[], Millis]) -> list[Step]:
        steps = self.steps()
        for step in steps:
            told(step.about)
        self._store.kept.update(self._keep)
        return steps

    def seen(self) -> dict[str, Any]:
        return {"keyspace": self.keyspace, "server": "memory", "migrations": [], "pending": [step.about for step in self.steps()]}

    def mebibytes(self) -> int:
        return 0
