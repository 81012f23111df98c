"""An anomaly: what a detector found strange in a series, with what it takes to explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from logverse import instant
from logverse.errors import Malformed
from logverse.identity import digest
from logverse.instant import Millis


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One series in one window, on topic `anomalies`. The window is event time in milliseconds, `starts_at` <= time < `ends_at`.

    High scores mean strange. `expected` is the band (least, most) that the detector would have found usual, in the unit of `actual`.
    """

    rule: str
    detector: str
    group: Mapping[str, str]  # what tells the series apart, OpenTelemetry names; `service.name` where it is one service's
    starts_at: Millis
    ends_at: Millis
    score: float
    actual: float
    expected: tuple[float, float]
    reasons: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        """Same cause, same id: found again in a replay, it is the same one."""
        group = (part for pair in sorted(self.group.items()) for part in pair)
        return digest(self.rule, self.detector, self.starts_at, self.ends_at, *group)

    def to_json(self) -> bytes:
        return orjson.dumps({"id": self.id, **asdict(self)})

    @classmethod
    def from_json(cls, data: bytes | str) -> Anomaly:
        """The anomaly in these bytes; Malformed when they are none."""
        try:
            flat: dict[str, Any] = orjson.loads(data)
            least, most = flat["expected"]
            known = {name: flat[name] for name in cls.__dataclass_fields__ if name in flat}
            return _checked(cls(**{**known, "expected": (least, most), "reasons": tuple(flat.get("reasons", ()))}))
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(f"not an anomaly: {error}") from error


def _checked(anomaly: Anomaly) -> Anomaly:
    """The anomaly, if those who keep and compare its values will not stumble over one of another type or beyond all calendars."""
    if not isinstance(anomaly.group, dict):
        raise TypeError(f"{anomaly.group!r:.100} is no group")
    if not all(instant.BEGINNING <= at <= instant.END for at in (anomaly.starts_at, anomaly.ends_at) if isinstance(at, int)):
        raise ValueError("its times are none")
    kinds: tuple[tuple[type | tuple[type, ...], tuple[Any, ...]], ...] = (
        (str, (anomaly.rule, anomaly.detector, *anomaly.reasons, *anomaly.group.keys(), *anomaly.group.values())),
        (int, (anomaly.starts_at, anomaly.ends_at)),
        ((int, float), (anomaly.score, anomaly.actual, *anomaly.expected)),
    )
    for kind, values in kinds:
        for value in values:
            if not isinstance(value, kind):
                raise TypeError(f"{value!r} has the wrong type")
    return anomaly
