"""Which alerts are about which fault, which are about nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.detection.days import Label
from benchmarks.detection.watching import Firing
from logverse.instant import Millis

# An alert may come from the last lines of a fault, which are still in the rule's window. One that begins later is about nothing.
ECHO_MS: Millis = 60_000


@dataclass(slots=True)
class Found:
    """A fault and the alerts about it."""

    label: Label
    firings: list[Firing] = field(default_factory=list)

    @property
    def delay_ms(self) -> Millis | None:
        """From the beginning of the fault to the first alert; None when there is none."""
        return min(firing.starts_at for firing in self.firings) - self.label.episode.start if self.firings else None


@dataclass(slots=True)
class Matched:
    """`false` alerts are about no fault; `benign` are those among them that an event without harm raised.

    `beside` are neither: of the hosts that do the work of the one that the fault is about.
    """

    found: list[Found]
    false: list[Firing] = field(default_factory=list)
    benign: list[tuple[Firing, Label]] = field(default_factory=list)
    beside: list[Firing] = field(default_factory=list)


def match(labels: Sequence[Label], firings: Sequence[Firing]) -> Matched:
    """An alert is about a fault when it began to fire within it or its echo, at its service, and names nobody else.

    One whose condition held before the fault began is not about it, and one about another host or client than the fault's neither.
    """
    matched = Matched([Found(label) for label in labels if not label.episode.benign])
    benign = [label for label in labels if label.episode.benign]
    for firing in firings:
        about = [found for found in matched.found if _about(firing, found.label)]
        for found in about:
            found.firings.append(firing)
        if not about and any("host.name" in dict(label.about) and _at_the_time(firing, label) for label in labels):
            matched.beside.append(firing)
        elif not about:
            matched.false.append(firing)
            matched.benign += [(firing, label) for label in benign if _about(firing, label)][:1]
    return matched


def _about(firing: Firing, label: Label) -> bool:
    return _at_the_time(firing, label) and all(firing.group.get(name, value) == value for name, value in label.about)


def _at_the_time(firing: Firing, label: Label) -> bool:
    episode = label.episode
    if firing.group.get("service.name", episode.service) != episode.service:
        return False
    # A step of the watch ends at a whole second: what it says at the fault's first instant is about the second before.
    return episode.start < firing.active_at and firing.starts_at <= episode.end + ECHO_MS
