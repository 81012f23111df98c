"""What one second of one series of a service's traffic amounts to: the row that Flink's SQL makes and the rules read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from logverse.instant import Millis

# What tells two series of one service apart, in OpenTelemetry's names: what rules can select and group by.
DIMENSIONS: tuple[str, ...] = (
    "service.name", "log.type", "host.name", "http.route", "http.request.method",
    "http.response.status_code", "severity_number", "event_name", "event.outcome",
)  # fmt: skip

# The ways in which a second is summed up, each over all events that it is about. A rule reads the first whose dimensions hold all its
# fields. `clients` and `users` are of the busiest of a service and second, the rest together with None as their name; `patterns` are of
# bodies with numbers, ids and addresses replaced, the rest with None.
VIEWS: dict[str, tuple[str, ...]] = {
    "traffic": DIMENSIONS,
    "clients": ("service.name", "log.type", "client.address", "http.response.status_code", "event_name", "event.outcome"),
    "users": ("service.name", "log.type", "user.name", "event_name", "event.outcome"),
    "patterns": ("service.name", "log.type", "severity_number", "log.record.template"),
}

# Upper bounds, in seconds, of the duration histogram; cumulative counts as Prometheus keeps them ("le"), so that
# two of them add up to one. What lies above the last bound is in Summary.duration_count only.
DURATION_BOUNDS: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Pattern(NamedTuple):
    """What is known of the pattern that a summary of view `patterns` is about, when it is counted. Times are event time in milliseconds."""

    text: str  # its template
    first_seen: Millis
    watched_since: Millis  # since when the patterns of its service are known: what is new by then is new to us only
    name: str = ""  # that people gave it

    @property
    def words(self) -> str:
        """What a sentence calls it."""
        return self.name or self.text


# Bits of Summary.paths: a few hundred distinct paths of a client and second can be told apart by it, and that is a scan already.
# A prime: Java's hash of a text is made of powers of 31, and modulo twice 31 only the last letter of a path would matter.
PATH_BITS = 61


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and sums of the events that share all dimensions of a view within one second of event time.

    `second` is the start of that second, in milliseconds. Durations and sizes are over the events that have one:
    `duration_sum` and `duration_max` in seconds, `size_sum` in bytes. `sample` is one of the bodies.
    `paths` is a sketch of the distinct `url.path` of a client (view `clients`): bit n is set when one hashed to n (linear counting,
    Whang et al. 1990); two of them add up by `|`. `pattern` is there in view `patterns` once the masked body has its template.
    """

    second: Millis
    dimensions: tuple[str | int | None, ...]  # in the order of VIEWS[view]
    count: int
    duration_count: int = 0
    duration_sum: float = 0.0
    duration_max: float = 0.0
    histogram: tuple[int, ...] = (0,) * len(DURATION_BOUNDS)
    size_sum: int = 0
    sample: str = ""
    view: str = "traffic"
    paths: int = 0
    pattern: Pattern | None = None

    def __getitem__(self, dimension: str) -> str | int | None:
        """The value of a dimension by its OpenTelemetry name; ValueError when the view has it not."""
        return self.dimensions[VIEWS[self.view].index(dimension)]


def quantile(q: float, count: int, cumulative: Sequence[int], peak: float) -> float:
    """The q-quantile (0-1) by linear interpolation within the histogram's bucket, as Prometheus' histogram_quantile
    (prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), with one thing known better: no value
    lies above `peak`. So the bucket above the last bound ends at `peak` (Prometheus answers with the last bound there),
    and the answer is never greater than it.

    >>> quantile(0.5, 4, (0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4), peak=0.45)
    0.375
    """
    rank = q * count
    place = bisect_left(cumulative, rank)
    if place == 0 and rank == 0:
        return 0.0
    below = cumulative[place - 1] if place else 0
    lower = DURATION_BOUNDS[place - 1] if place else 0.0
    upper = DURATION_BOUNDS[place] if place < len(DURATION_BOUNDS) else max(peak, lower)
    within = (cumulative[place] if place < len(cumulative) else count) - below
    return min(lower + (upper - lower) * (rank - below) / within, peak)
