"""What happens to a simulated service besides its usual traffic: labelled faults, and events that look odd and are none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from logverse import durations, instant
from logverse.errors import WrongSettings
from logverse.instant import Millis
from logverse.printable import printable

Unit = Literal["share", "factor"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a magnitude means for this kind of episode: a share of the requests (0-1) or a factor."""

    benign: bool
    unit: Unit
    usual: float  # the magnitude when none is given
    about: str
    log: str = "access"  # where it shows most; what is silent is silent in all of them
    adds: bool = False  # the factor is of what comes on top


KINDS: dict[str, Kind] = {
    "error-burst": Kind(False, "share", 0.4, "this share of the requests ends in a slow 5xx"),
    "error-rate": Kind(False, "share", 0.05, "this share of the requests ends in a 500, as fast as any other answer"),
    "latency-shift": Kind(False, "factor", 5.0, "every request takes this many times as long"),
    "silence": Kind(False, "share", 1.0, "this share of the requests never comes"),
    "traffic-drop": Kind(False, "share", 0.6, "this share of the requests never comes"),
    "traffic-surge": Kind(False, "factor", 5.0, "this many times the usual requests"),
    "slow-drift": Kind(False, "factor", 4.0, "answers grow slower bit by bit, at its end by this factor"),
    "scan": Kind(False, "factor", 0.5, "one client asks for what is not there, this many times the usual rate", adds=True),
    "silent-host": Kind(False, "share", 1.0, "this share of one host's requests goes to the other hosts"),
    "new-error-pattern": Kind(False, "share", 0.05, "an error that never was, as this share of the usual lines", "application"),
    "pattern-rate": Kind(False, "factor", 20.0, "a rare warning comes this many times as often", "application"),
    "brute-force": Kind(False, "factor", 10.0, "one client fails to log in, this many times the usual logins", "activity", True),
    "deploy": Kind(True, "share", 0.1, "this share answers 502 or 503 for at most 4 s, then cold, slow answers"),
    "lunch-peak": Kind(True, "factor", 2.5, "this many times the usual requests, and no more errors"),
    "batch-run": Kind(True, "factor", 1.0, "one client adds this many times the usual rate, on one route", adds=True),
    "cache-flush": Kind(True, "factor", 3.0, "answers take this many times as long, less and less, and none is 304"),
    "crawler": Kind(True, "factor", 0.3, "one search engine reads the pages there are, this many times the usual rate", adds=True),
}

_EXAMPLE = "error-burst:web@2m+45s=40%"
_WRITTEN = re.compile(
    r"(?P<kind>[^:@+=/]*):(?P<service>[^@/]*)(?P<route>/[^@]*)?@(?P<start>[^+]*)\+(?P<duration>[^=]*)(?:=(?P<magnitude>.*))?"
)


@dataclass(frozen=True, slots=True)
class Episode:
    """One labelled stretch of a service's traffic: `start` to `end` (exclusive), milliseconds of log time, whole seconds.

    `route` narrows it to the requests of one route (as the site writes it, `/orders/{id}`); None means all.
    """

    kind: str
    service: str
    start: Millis
    end: Millis
    magnitude: float
    route: str | None = None

    @property
    def benign(self) -> bool:
        return KINDS[self.kind].benign

    def label(self, until: Millis) -> dict[str, Any]:
        """The entry in labels.json; what would lie after `until` did not happen."""
        return {
            "kind": self.kind, "service": self.service, "route": self.route,
            "start": instant.written(self.start), "end": instant.written(min(self.end, until)),
            "magnitude": self.magnitude, "unit": KINDS[self.kind].unit, "benign": self.benign,
        }  # fmt: skip


def read_episode(text: str, flag: str, benign: bool, start: Millis, sites: Mapping[str, Sequence[str]]) -> Episode:
    """The episode that KIND:SERVICE[/ROUTE]@START+DURATION[=MAGNITUDE] describes; WrongSettings names the part that cannot be.

    START counts from `start`, the first instant of the simulation. `sites` holds the routes of each simulated service.
    """
    where = f"{flag} {text}"
    match = _WRITTEN.fullmatch(text)
    if not match:
        raise WrongSettings("not KIND:SERVICE[/ROUTE]@START+DURATION[=MAGNITUDE]", where=where, remedy=f"for example {_EXAMPLE}")
    kind = one_of(match["kind"], [name for name in KINDS if KINDS[name].benign == benign], "kind", where)
    service = one_of(match["service"], list(sites), "service", where)
    route = one_of(match["route"], list(sites[service]), "route", where) if match["route"] else None
    begins = start + durations.given(match["start"], where, "start")
    if route and KINDS[kind].log != "access":
        raise WrongSettings(f"{kind} is not of a route", where=where, remedy=f"leave {printable(route)} out")
    lasts = durations.given(match["duration"], where, "duration")
    if not lasts:
        raise WrongSettings("duration is nothing", where=where, remedy="for example +45s")
    magnitude = KINDS[kind].usual if match["magnitude"] is None else _magnitude(match["magnitude"], kind, where)
    return Episode(kind, service, begins, begins + lasts, magnitude, route)


def one_of(value: str, known: Sequence[str], field: str, where: str) -> str:
    """The value when it is known; otherwise WrongSettings with the nearest known one, or all of them."""
    if value in known:
        return value
    near = get_close_matches(value, known, 1)
    remedy = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
    if field == "kind" and value in KINDS:
        remedy = f"{value} belongs to {'--benign' if KINDS[value].benign else '--fault'}"
    raise WrongSettings(f"no {field} {value!r}", where=where, remedy=remedy)


def _magnitude(text: str, kind: str, where: str) -> float:
    unit = KINDS[kind].unit
    suffix = {"share": "%", "factor": "x"}[unit]
    number = text.removesuffix(suffix)
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", number):
        hint = {"share": "a share: 0.4 or 40%", "factor": "a factor: 3 or 2.5x"}[unit]
        raise WrongSettings(f"magnitude is {text!r}", where=where, remedy=f"{kind} takes {hint}")
    value = float(number) / (100 if unit == "share" and number != text else 1)
    lowest, highest = {"share": (0.0, 1.0), "factor": (0.0 if KINDS[kind].adds else 1.0, 1000.0)}[unit]
    if not lowest < value <= highest:
        limits = "above 0 % and at most 100 %" if unit == "share" else f"above {lowest:g} and at most {highest:g}"
        raise WrongSettings(f"magnitude {text!r} is out of range", where=where, remedy=f"{kind} takes a {unit} {limits}")
    return value
