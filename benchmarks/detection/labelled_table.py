"""The figures of the labelled days, and how they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from benchmarks.detection.confidence import poisson_interval, share_interval
from benchmarks.detection.days import HOURS
from benchmarks.detection.matching import Found, Matched
from benchmarks.detection.watching import Firing
from logverse import instant

SIZES = ((0.0, 2.0), (2.0, 3.0), (3.0, 4.5), (4.5, 7.0), (7.0, 13.0), (13.0, float("inf")))
SURE_SIGMA = 3.0
GOAL_FALSE_A_DAY, GOAL_BURST_S = 2.0, 30.0
Seeds = Sequence[tuple[int, Matched]]


def table(seeds: Seeds, listed: bool) -> str:
    """All tables, one below the other."""
    faults = [found for _, matched in seeds for found in matched.found]
    parts = [_by_size(faults), _by_kind(faults), _false(seeds)]
    return "\n\n".join(parts + ([_listed(seeds)] if listed else []))


def _size(found: Found) -> float:
    return found.label.sigma or 0.0


def sure(found: Found) -> bool:
    """Whether it is large enough that it must be found. Rounded: what was ordered as three sigma is no less for its last digit."""
    return round(_size(found), 6) >= SURE_SIGMA


def _recall(faults: Sequence[Found]) -> str:
    hits = sum(bool(found.firings) for found in faults)
    if not faults:
        return f"{'-':>7}" + " " * 24
    low, high = share_interval(hits, len(faults))
    return f"{hits:>3}/{len(faults):<3} {hits / len(faults):>6.1%}  [{low:>4.0%}, {high:>4.0%}]"


def _delay(faults: Sequence[Found]) -> str:
    delays = [found.delay_ms / 1000 for found in faults if found.delay_ms is not None]
    return f"{median(delays):>7.0f} s {max(delays):>7.0f} s" if delays else f"{'-':>9} {'-':>9}"


def _by_size(faults: Sequence[Found]) -> str:
    rows = [f"{'size of the fault':<24} {'found':<26} {'delay: median':>12} {'worst':>9}"]
    for low, high in SIZES:
        some = [found for found in faults if low <= round(_size(found), 6) < high]
        name = f"{low:g} sigma and more" if high == float("inf") else f"{low:g} to {high:g} sigma"
        rows.append(f"{name:<24} {_recall(some):<26} {_delay(some)}")
    some = [found for found in faults if sure(found)]
    rows.append(f"{'3 sigma and more':<24} {_recall(some):<26} {_delay(some)}   goal: all")
    return "\n".join(rows)


def _by_kind(faults: Sequence[Found]) -> str:
    rows = [f"{'kind, 3 sigma and more':<24} {'found':<26} {'delay: median':>12} {'worst':>9}   {'below: found':<12} by rule"]
    for kind in sorted({found.label.episode.kind for found in faults}):
        some = [found for found in faults if found.label.episode.kind == kind]
        large, small = [one for one in some if sure(one)], [one for one in some if not sure(one)]
        below = f"{sum(bool(one.firings) for one in small)}/{len(small)}"
        rules = Counter(first.rule for one in some if (first := _first(one)) is not None)
        said = ", ".join(f"{rule} {count}" for rule, count in rules.most_common(3))
        goal = f"  goal: {GOAL_BURST_S:.0f} s" if kind == "error-burst" else ""
        rows.append(f"{kind:<24} {_recall(large):<26} {_delay(large)}   {below:<12} {said}{goal}")
    return "\n".join(rows)


def _first(found: Found) -> Firing | None:
    return min(found.firings, key=lambda firing: firing.starts_at, default=None)


def _false(seeds: Seeds) -> str:
    false = [firing for _, matched in seeds for firing in matched.false]
    benign = Counter(firing.rule for _, matched in seeds for firing, _ in matched.benign)
    days = len(seeds) * HOURS / 24
    low, high = poisson_interval(len(false), days)
    rows = [
        f"false alerts: {len(false)} in {days:g} days, {len(false) / days:.2f} a day [{low:.2f}, {high:.2f}] (95 %, Garwood)"
        f"   goal: at most {GOAL_FALSE_A_DAY:g}"
    ]
    for rule, count in Counter(firing.rule for firing in false).most_common():
        rows.append(f"  {rule:<28} {count:>4}   {count / days:.2f} a day, {benign[rule]} of them at events without harm")
    return "\n".join(rows)


def _listed(seeds: Seeds) -> str:
    rows = []
    for seed, matched in seeds:
        for found in matched.found:
            if not found.firings:
                episode = found.label.episode
                rows.append(
                    f"seed {seed}: missed {episode.kind} of {episode.service}, {_size(found):.1f} sigma, {instant.written(episode.start)}"
                )
        at_benign = {id(firing): label.episode.kind for firing, label in matched.benign}
        rows += [f"seed {seed}: false {_told(firing)} {at_benign.get(id(firing), '')}" for firing in matched.false]
    return "\n".join(rows)


def _told(firing: Firing) -> str:
    return f"{firing.rule} {instant.written(firing.starts_at)} {firing.sentence[:160]}"
