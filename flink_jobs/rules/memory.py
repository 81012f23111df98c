"""What stands before the series of a rule and remembers what was seen before: which terms are known, which value was the last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from logverse.instant import Millis

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Place

MOST = 10_000  # things that one rule remembers in one watch: terms, groups


class Sighting(NamedTuple):
    """Something that a rule is about, before it counts."""

    place: Place
    at: Millis
    columns: Sequence[int]
    peak: float
    sample: str
    words: Mapping[str, str] = {}  # what to say instead of a value of the group


class Hit(NamedTuple):
    """What counts of it, for the series of this group."""

    group: dict[str, str]
    second: Millis
    columns: Sequence[int]
    peak: float
    trait: str
    sample: str
    words: Mapping[str, str] = {}


class Memory(Protocol):
    """All that one rule remembers within one watch, over all its groups. `over` counts events that it had no room to remember."""

    over: int

    def see(self, sighting: Sighting) -> Iterable[Hit]:
        """Takes it in; answers what of it counts at once."""
        ...

    def settle(self, until: Millis) -> Iterable[Hit]:
        """What counts now that everything before `until` has been seen, in whichever order it came."""
        ...

    def expire(self, cursor: Millis) -> None:
        """Each minute: lets go of what is too old."""
        ...

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Entries to write since the last call, by key; None removes one. The memory made of all its entries goes on as this one."""
        ...

    @property
    def waits(self) -> bool:
        """Whether something is still to be settled."""
        ...
