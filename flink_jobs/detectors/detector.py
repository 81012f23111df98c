"""What a statistical detector is: it is shown one figure a step of one series, says how strange it finds it, and learns from it if told to.

A detector does no I/O, reads no clock and draws nothing at random: the time of a step comes in as `at`, and the same figures in
the same order make the same state. Who drives it decides what it learns from (rule type `anomaly`: not from what it alerts about).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self

import orjson

from flink_jobs.rules.options import Option
from logverse.instant import Millis

# What an observation must hold: a count of events, failures of trials, a figure that stands alone, or the parts of several measures.
Needs = Literal["count", "ratio", "value", "vector"]

STRANGEST = 300.0  # no score is higher: beyond it floating point knows no probability
MOST = 1e15  # no figure is greater in size: what is, counts as this much


class Observation(NamedTuple):
    """What was seen of one series in one step. A count also has steps of value 0; a value is observed only where there is one."""

    value: float  # the figure: events in the step, failures, seconds, …
    trials: float = 0.0  # of how many (ratio: failures of so many; latency: measured over so many); 0: the figure stands alone
    parts: tuple[float, ...] = ()  # the measures of a vector detector, in the order of its `measures`


@dataclass(frozen=True, slots=True)
class Verdict:
    """How strange an observation is. All numbers are finite."""

    score: float  # -log10 of the tail probability, 0 to STRANGEST: 3 is one in a thousand steps by chance, in every detector
    low: float  # the expected band, in the unit of `value` (ratio: share of the trials, 0 to 1; vector: of the measure it names)
    high: float
    direction: str  # "above" | "below" what was expected | "" where that has no meaning
    ready: float  # 0..1: how much it has learnt of what it needs; below 1 the score is 0
    reasons: tuple[str, ...] = ()  # in words; the vector detector names the measure


class Detector(Protocol):
    """One series' memory of what is usual."""

    def score(self, seen: Observation, at: Millis) -> Verdict:
        """How strange this is for the step that begins at `at` (event time); changes nothing."""
        ...

    def learn(self, seen: Observation, at: Millis) -> None:
        """Counts it as usual. What is no observation (nan, an infinity, a negative count) teaches nothing."""
        ...

    def state(self) -> bytes:
        """All that it needs to go on elsewhere exactly as here: JSON with a version, at most 10 KiB."""
        ...


class DetectorType(Protocol):
    """How detectors of one kind come to be."""

    options: Mapping[str, Option]
    needs: Needs

    def make(self, options: Mapping[str, Any], step_ms: Millis) -> Detector:
        """A detector that has seen nothing. `options` are checked ones; a step is `step_ms` of event time."""
        ...

    def restore(self, data: bytes, options: Mapping[str, Any], step_ms: Millis) -> Detector | None:
        """The detector whose `state` this is; None when another version, step or shape wrote it: start anew."""
        ...


class Kept(ABC):
    """A detector whose memory is a few numbers and lists of them: gives it `state`, and its class `make` and `restore`."""

    options: ClassVar[Mapping[str, Option]]
    needs: ClassVar[Needs]
    version: ClassVar[int]

    def __init__(self, options: Mapping[str, Any], step_ms: Millis) -> None:
        self._shape: list[Any] = [type(self).__name__, self.version, step_ms]  # two states of the same shape fit each other

    @abstractmethod
    def _memory(self) -> list[Any]:
        """Everything learnt, as JSON has it."""

    @abstractmethod
    def _remember(self, memory: list[Any]) -> None:
        """Takes what `_memory` gave. ValueError, TypeError, IndexError when it is something else."""

    def state(self) -> bytes:
        return orjson.dumps({"shape": self._shape, "memory": self._memory()})

    @classmethod
    def make(cls, options: Mapping[str, Any], step_ms: Millis) -> Self:
        return cls(options, step_ms)

    @classmethod
    def restore(cls, data: bytes, options: Mapping[str, Any], step_ms: Millis) -> Self | None:
        made = cls(options, step_ms)
        try:
            kept = orjson.loads(data)
            if kept["shape"] != made._shape:
                return None
            made._remember(kept["memory"])
        except (ValueError, TypeError, KeyError, IndexError):
            return None
        return made


def figure(value: float) -> float | None:
    """The value, bounded in size; None when it is no number."""
    return max(-MOST, min(MOST, value)) if math.isfinite(value) else None


def silent(ready: float, reason: str = "", band: tuple[float, float] = (0.0, 0.0)) -> Verdict:
    """The verdict of one who does not know, or was shown something that is no observation."""
    return Verdict(0.0, *band, "", ready, (reason,) if reason else ())
