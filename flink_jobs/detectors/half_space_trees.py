"""`half_space_trees`: finds a service whose measures together are unusual, though each alone may pass, and names the measure.

Tan, Ting, Liu, "Fast Anomaly Detection for Streaming Data", IJCAI 2011: random trees halve the space of the measures, and where few
steps of the last window fell, a step is strange. Measures are first put on one scale (deviation from the recent level in units of
`spread`), so that seconds and counts weigh the same. Two things are ours: the mass becomes a tail probability by the extremes of its
own past (`peaks`), and each measure's own tail is asked too (Bonferroni), because a tree cannot tell far from very far. Plain Python:
10 trees of depth 5 take a few microseconds, and scikit-learn's forest does not stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import exp, log2, log10
from random import Random
from typing import Any, ClassVar

from flink_jobs.detectors.detector import Kept, Needs, Observation, Verdict, figure, silent
from flink_jobs.detectors.peaks import Peaks
from flink_jobs.detectors.settings import MEMORY, day_of
from flink_jobs.detectors.spread import Spread
from flink_jobs.rules.options import Option, whole
from logverse.instant import Millis

_TREES, _DEPTH = 10, 5
_WINDOW = 250  # steps that make the mass
_GRAIN = 0.005  # of a level: a difference of half a percent is no news
MOST_MEASURES = 8

Tree = tuple[tuple[tuple[int, float], ...], ...]


def _names(value: Any) -> str:
    fits = isinstance(value, list) and all(isinstance(name, str) and name for name in value) and 2 <= len(value) <= MOST_MEASURES
    return "" if fits else f"{value!r} is not a list of 2 to {MOST_MEASURES} measures"


class HalfSpaceTrees(Kept):
    """`parts`: one figure for each of `measures`; a step that lacks one is left out.

    >>> detector = HalfSpaceTrees({"measures": ["rate", "latency"]}, step_ms=10_000)
    >>> for step in range(600):
    ...     load = step * 7 % 11
    ...     detector.learn(Observation(0, parts=(100.0 + load, 0.2 + load / 100)), at=step * 10_000)
    >>> detector.score(Observation(0, parts=(105.0, 0.9)), at=6_000_000).reasons
    ('unusual together, latency most: 0.9 (level 0.25)',)
    """

    options: ClassVar[Mapping[str, Option]] = {
        "measures": Option("what the parts of an observation are, in order", _names, "[rate, error_share, p95]", required=True),
        "min_steps": Option("steps that it must have learnt before it judges", whole(300), "400"),
        "memory": MEMORY,
    }
    needs: ClassVar[Needs] = "vector"
    version: ClassVar[int] = 1

    def __init__(self, options: Mapping[str, Any], step_ms: Millis) -> None:
        super().__init__(options, step_ms)
        self._names: list[str] = list(options["measures"])
        self._shape.append(self._names)
        self._min_steps: int = options.get("min_steps", 400)
        self._recent = float(options.get("memory", 60))
        self._steps = 0
        self._levels = [0.0] * len(self._names)
        self._spreads = [Spread(day_of(step_ms)) for _ in self._names]
        self._trees = _planted(len(self._names))
        self._mass = [[0] * 2**_DEPTH for _ in self._trees]  # of the window before
        self._latest = [[0] * 2**_DEPTH for _ in self._trees]
        self._rarity = Peaks()
        self._last: tuple[int, list[float], tuple[list[float], list[int], float]] | None = (
            None  # what scoring a step worked out, for learning it
        )

    def score(self, seen: Observation, at: Millis) -> Verdict:
        ready = min(1.0, self._steps / self._min_steps)
        parts = self._parts(seen)
        if parts is None or ready < 1:
            return silent(ready, "" if parts is not None else f"not {len(self._names)} figures")
        tails = [self._tail(place, part) for place, part in enumerate(parts)]
        scaled, _, rare = self._placed(parts)
        joint = self._rarity.tail(rare, 0.0)
        single = max(tails)
        score = max(0.0, single - log10(len(parts)), joint) - 0.30103
        together = joint > single and score > 1
        named = self._blamed(scaled) if together else tails.index(single)
        return self._verdict(max(0.0, score), named, parts[named], ready, together)

    def _verdict(self, score: float, named: int, part: float, ready: float, together: bool) -> Verdict:
        level = self._levels[named]
        edge = self._spreads[named].edge(_GRAIN * abs(level))
        reason = f"{self._names[named]} {part:.3g}, usual {level - edge:.3g} to {level + edge:.3g}"
        if together:
            reason = f"unusual together, {self._names[named]} most: {part:.3g} (level {level:.3g})"
        return Verdict(score, level - edge, level + edge, "above" if part > level else "below", ready, (reason,))

    def learn(self, seen: Observation, at: Millis) -> None:
        parts = self._parts(seen)
        if parts is None:
            return
        if self._steps:
            _, leaves, rare = self._placed(parts)
            if self._steps >= _WINDOW:
                self._rarity.learn(rare)
            for latest, leaf in zip(self._latest, leaves, strict=True):
                latest[leaf] += 1
        self._steps += 1
        if self._steps % _WINDOW == 0:
            self._mass, self._latest = self._latest, [[0] * 2**_DEPTH for _ in self._trees]
        for place, part in enumerate(parts):
            self._follow(place, part)

    def _follow(self, place: int, part: float) -> None:
        level, spread = self._levels[place], self._spreads[place]
        if self._steps > 1:
            spread.learn(part - level)
            edge = spread.edge(_GRAIN * abs(level))
            part = max(level - edge, min(level + edge, part))
        self._levels[place] = level + (part - level) / min(self._steps, self._recent)

    def _parts(self, seen: Observation) -> list[float] | None:
        parts = [part for part in map(figure, seen.parts) if part is not None]
        return parts if len(parts) == len(seen.parts) == len(self._names) else None

    def _tail(self, place: int, part: float) -> float:
        level = self._levels[place]
        return self._spreads[place].tail(part - level, _GRAIN * abs(level))

    def _placed(self, parts: list[float]) -> tuple[list[float], list[int], float]:
        """Each measure between 0 and 1, half where it usually is; the leaf of each tree; and how rare that is."""
        if self._last is None or self._last[0] != self._steps or self._last[1] != parts:
            scaled = [self._scaled(place, part) for place, part in enumerate(parts)]
            leaves = _leaves(self._trees, scaled)
            self._last = self._steps, parts, (scaled, leaves, self._rare(leaves))
        return self._last[2]

    def _scaled(self, place: int, part: float) -> float:
        level = self._levels[place]
        z = (part - level) / (self._spreads[place].scale() + _GRAIN * abs(level) + 1e-9)
        return 1 / (1 + exp(-1.5 * max(-30.0, min(30.0, z))))

    def _rare(self, leaves: Sequence[int]) -> float:
        """The higher, the fewer steps of the window before fell where this one did."""
        return -sum([log2(mass[leaf] + 1) for mass, leaf in zip(self._mass, leaves, strict=True)])

    def _blamed(self, scaled: list[float]) -> int:
        """The measure that, were it as usual, would make the step least rare."""
        others = ([*scaled[:place], 0.5, *scaled[place + 1 :]] for place in range(len(scaled)))
        usual = [self._rare(_leaves(self._trees, other)) for other in others]
        return usual.index(min(usual))

    def _memory(self) -> list[Any]:
        spreads = [spread.memory() for spread in self._spreads]
        return [self._steps, self._levels, spreads, self._mass, self._latest, self._rarity.memory()]

    def _remember(self, memory: list[Any]) -> None:
        self._steps, self._levels, spreads, self._mass, self._latest, rarity = memory
        for spread, kept in zip(self._spreads, spreads, strict=True):
            spread.remember(kept)
        self._rarity.remember(rarity)


@lru_cache
def _planted(measures: int) -> tuple[Tree, ...]:
    """The same trees for every detector of so many measures: a draw that a restart repeats."""
    draw = Random(measures)  # noqa: S311 (no secret)
    return tuple(_plant(draw, measures) for _ in range(_TREES))


def _plant(draw: Random, measures: int) -> Tree:
    """(measure, where it is cut) of each node, level by level. The cut is drawn from the middle half of what is left of the measure:
    halves of drawn work ranges, as the paper has them, would mostly lie outside 0 to 1."""
    ranges = [[(0.0, 1.0)] * measures]
    levels = []
    for _ in range(_DEPTH):
        nodes, below = [], []
        for node in ranges:
            measure = draw.randrange(measures)
            low, high = node[measure]
            cut = low + (high - low) * draw.uniform(0.25, 0.75)
            nodes.append((measure, cut))
            below += [[*node[:measure], half, *node[measure + 1 :]] for half in ((low, cut), (cut, high))]
        levels.append(tuple(nodes))
        ranges = below
    return tuple(levels)


def _leaves(trees: Sequence[Tree], scaled: Sequence[float]) -> list[int]:
    leaves = []
    for tree in trees:
        node = 0
        for level in tree:
            measure, cut = level[node]
            node = 2 * node + (scaled[measure] >= cut)
        leaves.append(node)
    return leaves
