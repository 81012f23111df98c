"""A series' judge that has learnt what is usual: it drives a detector, a step at a time, and lets it learn what is no incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from flink_jobs.detectors.budget import AlertBudget
from flink_jobs.detectors.detector import Detector, DetectorType, Observation, Verdict
from flink_jobs.rules.buckets import LABELS, Rolling
from flink_jobs.rules.judge import Judgement, View
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Measure, Several, figure_of
from logverse.instant import Millis

VERSION = 1
IDLE_MS = 86_400_000  # a silent series is watched for a day: then there is nothing that it could still say
FORGET_MS = 14 * 86_400_000  # what it has learnt is kept for two weeks of silence: some services only work at the end of the week
_MEMORY = 60  # steps that make the usual share of a trait
_ACCEPT = 500  # times that a step is learnt at most when somebody says that it is normal


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule wants of its detector. `direction`: "above", "below" or "both"; `budget`: "2/week", or "" for `max_score`."""

    kind: DetectorType
    options: Mapping[str, Any]
    step_ms: Millis
    measure: Measure
    direction: str
    max_score: float
    budget: str
    min_count: int
    relearn_after_ms: Millis


@dataclass(slots=True)
class Memory:
    """What the judge knows beside its detector. `normal` and `important`: what people said, at `told_at` (processing time)."""

    ready: float = 0.0
    last: Millis = 0  # end of the last step in which anything happened
    band: tuple[float, float] = (0.0, 0.0)
    usual: dict[str, float] = field(default_factory=dict)  # by trait, the blamed events of a step
    latest: tuple[float, float, tuple[float, ...], Millis] | None = None  # the last observation, with the begin of its step
    strange_since: Millis | None = None  # it is beyond the threshold since then, whichever way, alert or not
    normal: bool = False
    important: bool = False
    told_at: Millis = 0


class Detecting:
    """Judges the last step. It does not learn while the alert is active; a level that lasts longer than the rule's `relearn_after` it
    learns then, or at once when told that it is normal; never when told that it is important."""

    waits_for_blame = False

    def __init__(self, terms: Terms, detector: Detector, budget: AlertBudget | None, memory: Memory, learns: bool = True) -> None:
        self._terms, self._detector, self._budget, self._memory, self._learns = terms, detector, budget, memory, learns
        self.changed = False

    @property
    def ready(self) -> float:
        return self._memory.ready

    @classmethod
    def of(cls, terms: Terms, state: bytes | None) -> Detecting:
        """A judge that goes on from what `state` gave; where another version or shape wrote it, it begins anew."""
        kept: dict[str, Any] = orjson.loads(state) if state else {}
        if kept.get("version") != VERSION:
            kept = {}
        detector = terms.kind.restore(orjson.dumps(kept["detector"]), terms.options, terms.step_ms) if kept else None
        budget = None
        if terms.budget:
            restored = AlertBudget.restore(orjson.dumps(kept["budget"]), terms.budget, terms.step_ms) if kept.get("budget") else None
            budget = restored or AlertBudget(terms.budget, terms.step_ms)
        memory = Memory(**kept["memory"]) if kept.get("memory") and detector else Memory()
        memory.band, latest = (memory.band[0], memory.band[1]), memory.latest
        memory.latest = None if latest is None else (latest[0], latest[1], tuple(latest[2]), latest[3])
        return cls(terms, detector or terms.kind.make(terms.options, terms.step_ms), budget, memory)

    def state(self) -> bytes:
        memory = {name: getattr(self._memory, name) for name in Memory.__dataclass_fields__}
        budget = orjson.Fragment(self._budget.state()) if self._budget else None
        return orjson.dumps({"version": VERSION, "detector": orjson.Fragment(self._detector.state()), "budget": budget, "memory": memory})

    def judge(self, view: View) -> Judgement:
        memory, window, at = self._memory, view.window, view.at - self._terms.step_ms
        if self._learns and window.sums[0]:
            memory.last, self.changed = view.at, True
        seen = self._observation(window)
        if seen is None:
            return Judgement(None, self._limits(), None, True, memory.band)
        verdict = self._detector.score(seen, at)
        beyond = self._beyond(verdict, window.sums[0])
        if self._learns:
            self._take(seen, verdict, view)
        figure, low, high = self._shown(seen, window, verdict)
        limits = Limit(high, ">"), Limit(low, "<")
        usual = memory.usual if self._terms.kind.needs in ("count", "ratio") else None
        breach = (1 if verdict.direction == "below" else 0) if beyond else None
        return Judgement(figure, limits, breach, not beyond, (low, high), verdict.score, verdict.reasons, usual)

    def _observation(self, window: Rolling) -> Observation | None:
        """What the detector is shown; None when the step has no figure."""
        terms, sums = self._terms, window.sums
        if terms.kind.needs == "ratio":
            return Observation(float(sums[1]), float(sums[0])) if sums[0] else None
        if isinstance(terms.measure, Several):
            parts = terms.measure.parts(sums, window.peak())
            return None if any(part is None for part in parts) else Observation(0.0, float(sums[0]), tuple(part or 0.0 for part in parts))
        figure = figure_of(terms.measure, window)
        return None if figure is None else Observation(figure, 0.0 if terms.kind.needs == "count" else float(sums[0]))

    def _shown(self, seen: Observation, window: Rolling, verdict: Verdict) -> tuple[float, float, float]:
        """The figure and its band, in the unit of the measure."""
        if self._terms.kind.needs == "ratio":
            return 100 * seen.value / seen.trials, 100 * verdict.low, 100 * verdict.high
        if isinstance(self._terms.measure, Several):
            return verdict.score, 0.0, self._threshold()
        return seen.value, verdict.low, verdict.high

    def _threshold(self) -> float:
        return self._budget.threshold() if self._budget else self._terms.max_score

    def _beyond(self, verdict: Verdict, count: int) -> bool:
        terms = self._terms
        if verdict.ready < 1 or verdict.score < self._threshold() or count < terms.min_count:
            return False
        return terms.direction == "both" or verdict.direction in ("", terms.direction)

    def _take(self, seen: Observation, verdict: Verdict, view: View) -> None:
        """Remembers the step, and learns from it if it is no incident."""
        memory, at = self._memory, view.at - self._terms.step_ms
        self.changed, memory.ready = True, verdict.ready
        if not isinstance(self._terms.measure, Several):
            memory.band = self._shown(seen, view.window, verdict)[1:]
        memory.latest = (seen.value, seen.trials, seen.parts, at)
        if self._budget is not None and verdict.ready >= 1:
            self._budget.observe(verdict.score)
        if self._may_learn(verdict, view):
            self._detector.learn(seen, at)
            self._learn_usual(view.window)

    def _may_learn(self, verdict: Verdict, view: View) -> bool:
        """Not from what is strange, alert or not: an outage that nobody wants to hear of must not make the return of the traffic news."""
        memory = self._memory
        strange = verdict.ready >= 1 and verdict.score >= self._threshold()
        if not (strange or view.active):
            memory.strange_since, memory.normal = None, False
            return True
        if memory.strange_since is None:
            memory.strange_since = view.at
        lasts = view.at - memory.strange_since >= self._terms.relearn_after_ms and not memory.important
        return memory.normal or lasts

    def _learn_usual(self, window: Rolling) -> None:
        usual, blame = self._memory.usual, {}
        for bucket in window.inside:
            blame.update(bucket.blame)
        for trait in usual:
            usual[trait] += (blame.pop(trait, 0) - usual[trait]) / _MEMORY
        for trait, count in blame.items():
            usual[trait] = count / _MEMORY if len(usual) >= LABELS else float(count)
        while len(usual) > 2 * LABELS:
            del usual[min(usual, key=lambda trait: (usual[trait], trait))]

    def _limits(self) -> tuple[Limit, Limit]:
        low, high = self._memory.band
        return Limit(high, ">"), Limit(low, "<")

    def tell(self, verdict: str, at: Millis, undo: bool) -> None:
        """What somebody said of the alert at `at`. Normal: what it shows now is learnt now, and goes on being learnt."""
        memory = self._memory
        if at <= memory.told_at:
            return
        memory.told_at, self.changed = at, True
        if verdict == "important":
            memory.important = not undo
        elif verdict == "normal":
            memory.normal, memory.important = not undo, False
            if memory.normal and memory.latest is not None:
                self._accept(Observation(*memory.latest[:3]), memory.latest[3])

    def _accept(self, seen: Observation, at: Millis) -> None:
        for _ in range(_ACCEPT):
            if self._detector.score(seen, at).score < self._threshold() / 2:
                return
            self._detector.learn(seen, at)

    def next(self, position: Millis, active_at: Millis | None) -> Millis | None:
        """Each step, also such in which nothing happens, until it has been silent for a day."""
        silent = position - self._memory.last
        return position + self._terms.step_ms if active_at is not None or silent < IDLE_MS else None

    def onlooker(self) -> Detecting:
        return Detecting(self._terms, self._detector, self._budget, self._memory, learns=False)

    def keeps(self, cursor: Millis) -> bool:
        return cursor - self._memory.last < FORGET_MS


def trained(terms: Terms, state: bytes, budget: bytes = b"") -> bytes | None:
    """The judge's state that goes on from a detector warmed up elsewhere, and from the scores that it gave there (AlertBudget.state).

    None when the detector does not fit the rule. A budget that does not fit begins anew.
    """
    detector = terms.kind.restore(state, terms.options, terms.step_ms)
    allowed = AlertBudget.restore(budget, terms.budget, terms.step_ms) if terms.budget and budget else None
    return None if detector is None else Detecting(terms, detector, allowed, Memory()).state()
