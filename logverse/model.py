"""A model: what a detector has learnt of one series before the job heard of it, on the compacted topic `models`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from logverse import instant
from logverse.errors import Malformed
from logverse.identity import digest
from logverse.instant import Millis


@dataclass(frozen=True, slots=True)
class Model:
    """The state of the detector of one series of a rule, warmed up from history (`logverse train`).

    `revision` is the rule's (`Rule.revision`) that it was trained for; `state` what `Detector.state()` gave; it has learnt what
    happened before `trained_until` (event time, milliseconds). `budget` is how strange the history was, which sets the threshold of a
    rule with an `alert_budget` (`AlertBudget.state()`; empty without one). The Kafka key is `fingerprint`.
    """

    rule: str
    group: Mapping[str, str]
    detector: str
    revision: str
    state: bytes
    trained_until: Millis
    budget: bytes = b""

    @property
    def fingerprint(self) -> str:
        """That of the alert about the same series (Alert.fingerprint)."""
        return digest(self.rule, *(part for pair in sorted(self.group.items()) for part in pair))

    def to_json(self) -> bytes:
        texts = {"state": self.state.decode(), "budget": self.budget.decode()}
        return orjson.dumps({"fingerprint": self.fingerprint, **asdict(self), **texts})

    @classmethod
    def from_json(cls, data: bytes | str) -> Model:
        """The model in these bytes; Malformed when it is none."""
        try:
            flat: dict[str, Any] = orjson.loads(data)
            known = {name: flat[name] for name in cls.__dataclass_fields__ if name in flat}
            return _checked(cls(**{**known, "state": known["state"].encode(), "budget": known.get("budget", "").encode()}))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Malformed(f"not a model: {error}") from error


def _checked(model: Model) -> Model:
    texts = (model.rule, model.detector, model.revision, *model.group.keys(), *model.group.values())
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a field has the wrong type")
    if type(model.trained_until) is not int or not instant.BEGINNING <= model.trained_until <= instant.END:
        raise ValueError("its time is none")
    return model
