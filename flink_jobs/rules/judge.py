"""Who says whether a series' figure is too much: with fixed limits, or (rules/types) by the window before or by what was learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Measure, figure_of
from logverse.instant import Millis

if TYPE_CHECKING:
    from flink_jobs.rules.buckets import Rolling


class Judgement(NamedTuple):
    """The figure at one time and how it stands. `breach` is which of `limits` it is beyond."""

    actual: float | None  # None: there is none
    limits: tuple[Limit, ...]
    breach: int | None
    clear: bool
    expected: tuple[float, float] | None = None  # the band that would have been usual, in the unit of `actual`
    score: float = 0.0  # -log10 of its probability, where a detector judged
    reasons: tuple[str, ...] = ()
    usual: Mapping[str, float] | None = None  # by trait, what the blamed usually are: what of them is more than that is to blame
    no_data: bool = False  # it is breached because there is nothing to judge
    off: bool = False  # the rule's schedule does not let it be judged now


class View(NamedTuple):
    """What there is to judge at the time `at`. `warm`: the series has been known (`since`) for as long as it looks back."""

    at: Millis
    since: Millis
    window: Rolling
    before: Rolling | None  # the same length just before, for types with two windows
    warm: bool
    active: bool  # its alert is pending, firing or recovering
    active_at: Millis


class Judge(Protocol):
    """One series' judge. One that remembers gives its memory as bytes, and says when it has changed."""

    changed: bool
    waits_for_blame: bool  # nothing can be too much, and nothing is learnt, while no event in the window is one of the blamed

    @property
    def ready(self) -> float:
        """0..1: how much it has learnt of what it needs."""
        ...

    def judge(self, view: View) -> Judgement:
        """Called in the order of time, at each step at which something can change."""
        ...

    def next(self, position: Millis, active_at: Millis | None) -> Millis | None:
        """When it wants to judge although nothing enters or leaves the window; None: never. `active_at`: since when its alert is active."""
        ...

    def onlooker(self) -> Judge:
        """A judge for a second look at the past: judges the same, remembers nothing."""
        ...

    def state(self) -> bytes | None: ...

    def tell(self, verdict: str, at: Millis, undo: bool) -> None:
        """What somebody said of its alert at `at` (processing time): see `logverse.feedback.MARKS`."""
        ...

    def keeps(self, cursor: Millis) -> bool:
        """Whether its memory is still worth keeping though the series is silent."""
        ...


class ByLimits:
    """Fixed limits on the figure of the window. A minimum is judged only when the series is known for a whole window."""

    changed, ready, waits_for_blame = False, 1.0, False

    def __init__(self, measure: Measure, limits: tuple[Limit, ...]) -> None:
        self._measure, self._limits = measure, limits
        upper = all(limit.comparison in (">", ">=") and limit.threshold > 0 for limit in limits)
        self.waits_for_blame = type(self) is ByLimits and upper and not measure.distinct_bits

    def judge(self, view: View) -> Judgement:
        actual = figure_of(self._measure, view.window)
        if actual is None:
            return Judgement(None, self._limits, None, True)
        breach = None
        for place, limit in enumerate(self._limits):
            if limit.breached_by(actual) and (view.warm or limit.comparison != "<"):
                breach = place
                break
        return Judgement(actual, self._limits, breach, all(limit.clear_at(actual) for limit in self._limits))

    def next(self, position: Millis, active_at: Millis | None) -> Millis | None:
        return None

    def onlooker(self) -> ByLimits:
        return self

    def state(self) -> None:
        return None

    def tell(self, verdict: str, at: Millis, undo: bool) -> None:
        """Limits are as they are written."""

    def keeps(self, cursor: Millis) -> bool:
        return False
