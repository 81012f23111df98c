"""How far the producer of the user's log is: its own figures, from its metrics."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import requests
from prometheus_client.parser import text_string_to_metric_families

from logverse.errors import TryAgain

_PREFIX = "logverse_producer_"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the producer has made of the file so far. `disorder_s`: how far times ran backwards in it, at most."""

    lines: int = 0
    events: int = 0
    bytes: int = 0
    lag_bytes: int = 0
    disorder_s: float = 0.0
    dead_letters: Counter[str] = field(default_factory=Counter)  # by reason

    @classmethod
    def from_metrics(cls, text: str) -> Reading:
        """The producer's answer to Prometheus.

        >>> Reading.from_metrics('logverse_producer_lines_total{service="a"} 3.0').lines
        3
        """
        values: dict[str, float] = {}
        dead: Counter[str] = Counter()
        for sample in (sample for family in text_string_to_metric_families(text) for sample in family.samples):
            name = sample.name.removeprefix(_PREFIX).removesuffix("_total")
            if name == "dead_letters":
                dead[sample.labels["reason"]] += int(sample.value)
            else:
                values[name] = sample.value
        whole = {name: int(values.get(name, 0)) for name in ("lines", "events", "bytes", "lag_bytes")}
        return cls(**whole, disorder_s=values.get("disorder_seconds", 0.0), dead_letters=dead)

    @property
    def watermark_delay_s(self) -> int:
        """What the detect job must allow for these lines to be on time; more than ten minutes of disorder is no mere disorder."""
        return min(600, max(1, math.ceil(self.disorder_s) + 1)) if self.disorder_s > 1 else 1


def read(port: int, timeout_s: float = 3.0) -> Reading:
    """Ask the producer whose metrics are on this port of loopback; TryAgain while it is not there."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy between us
            return Reading.from_metrics(session.get(f"http://127.0.0.1:{port}/metrics", timeout=timeout_s).text)
    except requests.RequestException as error:
        raise TryAgain(f"the producer does not answer at port {port}: {type(error).__name__}") from error
