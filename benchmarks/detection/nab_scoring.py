"""NAB's scoring, written from its paper: Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly
Benchmark", IEEE ICMLA 2015 (arXiv:1510.03336), section II.

A window's first detection counts, the more the earlier; a row outside all windows costs, little just behind a window and fully far
from it; a missed window costs one. One threshold for all files, chosen for the highest score (section II.C, so for every detector);
0 is who detects nothing, 100 who detects each window at its first row. Rows of the probation period do not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

FAR = 3.0  # window widths behind a window where a false positive costs in full


@dataclass(frozen=True, slots=True)
class Profile:
    """What each kind of outcome is worth: application profiles of the paper's table I."""

    name: str
    true_positive: float
    false_positive: float
    false_negative: float


PROFILES = (
    Profile("standard", 1.0, 0.11, 1.0),
    Profile("reward low FP", 1.0, 0.22, 1.0),
    Profile("reward low FN", 1.0, 0.11, 2.0),
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A detector's scores of one file's rows, and the labelled windows as (first row, last row)."""

    name: str
    scores: Sequence[float]
    windows: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a threshold brings: NAB's score, windows found of all, rows detected in vain, and when the found were: 0 at a window's first
    row, 1 at its last (mean)."""

    nab: float
    threshold: float
    found: int
    windows: int
    alarms: int  # separate runs of detections outside windows
    false_rows: int
    delay: float

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.alarms) if self.found + self.alarms else 0.0

    @property
    def recall(self) -> float:
        return self.found / self.windows if self.windows else 0.0


def probation(rows: int) -> int:
    """Rows at a file's beginning that do not count: 15 %, at most 750."""
    return min(math.floor(0.15 * rows), 750)


def sigmoid(position: float) -> float:
    """Equation 1 with weights of 1: from +0.987 at a window's first row (-1) over 0 at its end to -1 far behind it.

    >>> [round(sigmoid(place), 4) for place in (-1.0, -0.5, 0.0, 1.0, 3.0)]
    [0.9866, 0.8483, 0.0, -0.9866, -1.0]
    """
    return -1.0 if position >= FAR else 2 / (1 + math.exp(5 * position)) - 1


def worth(row: int, windows: Sequence[tuple[int, int]]) -> tuple[int | None, float]:
    """The window that a detection at this row is of, and what it is worth there, 1 at most; (None, a cost) outside of all."""
    behind = FAR
    for number, (first, last) in enumerate(windows):
        if row < first:
            break
        if row <= last:
            return number, sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1.0)
        behind = (row - last) / max(1, last - first)
    return None, sigmoid(behind)


def sweep(files: Iterable[Scored], profile: Profile) -> list[tuple[float, float]]:
    """(threshold, raw score) of every threshold that makes a difference, highest first: rows at or above it are detections."""
    rows: list[tuple[float, tuple[str, int] | None, float]] = []
    best: dict[tuple[str, int], float] = {}
    for file in files:
        best |= {(file.name, number): -profile.false_negative for number in range(len(file.windows))}
        for row in range(probation(len(file.scores)), len(file.scores)):
            number, value = worth(row, file.windows)
            rows.append((file.scores[row], None if number is None else (file.name, number), value))
    rows.sort(key=lambda row: -row[0])
    total = sum(best.values())
    found = [(math.inf, total)]
    for threshold, group in groupby(rows, key=lambda row: row[0]):
        for _, window, value in group:
            if window is None:
                total += value * profile.false_positive
            elif value * profile.true_positive > best[window]:
                total += value * profile.true_positive - best[window]
                best[window] = value * profile.true_positive
        found.append((threshold, total))
    return found


def normalised(raw: float, windows: int, profile: Profile) -> float:
    """Equation 4: 0 is the null detector's, 100 the perfect one's."""
    null, perfect = -windows * profile.false_negative, windows * profile.true_positive
    return 100 * (raw - null) / (perfect - null)


def best_outcome(files: Sequence[Scored], profile: Profile) -> Outcome:
    """With the threshold that suits these files best."""
    threshold, _ = max(sweep(files, profile), key=lambda found: found[1])
    return outcome(files, profile, threshold)


def outcome(files: Sequence[Scored], profile: Profile, threshold: float) -> Outcome:
    """With this threshold, wherever it comes from."""
    raw, found, windows, alarms, false_rows, delays = 0.0, 0, 0, 0, 0, 0.0
    for file in files:
        first: dict[int, tuple[float, float]] = {}
        before = False
        for row in range(probation(len(file.scores)), len(file.scores)):
            detected = file.scores[row] >= threshold
            number, value = worth(row, file.windows)
            if detected and number is None:
                raw += value * profile.false_positive
                false_rows += 1
                alarms += not before
            elif detected and number is not None and number not in first:
                start, end = file.windows[number]
                first[number] = value, (row - start) / max(1, end - start)
            before = detected
        raw += sum(value for value, _ in first.values()) * profile.true_positive
        raw -= (len(file.windows) - len(first)) * profile.false_negative
        found, windows = found + len(first), windows + len(file.windows)
        delays += sum(delay for _, delay in first.values())
    nab = normalised(raw, windows, profile) if windows else 0.0
    return Outcome(nab, threshold, found, windows, alarms, false_rows, delays / found if found else math.nan)
