"""Feedback: what a person said of an alert, on topic `feedback`; detectors learn from it, `alerts show` tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import orjson

from logverse import instant
from logverse.errors import Malformed
from logverse.instant import Millis

# normal: this is how it is now, learn it. known: right, and we know of it; do not learn it. important: right, and never usual.
Mark = Literal["normal", "known", "important"]
MARKS: tuple[str, ...] = get_args(Mark)


@dataclass(frozen=True, slots=True)
class Feedback:
    """One word of one person about one alert. The Kafka key is the fingerprint.

    `at` is processing time in milliseconds. `undo` takes the last mark of this verdict back. `rule` and `group` are the alert's:
    the fingerprint is made of them.
    """

    fingerprint: str
    verdict: Mark
    who: str
    at: Millis
    note: str = ""
    undo: bool = False
    rule: str = ""
    group: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes | str) -> Feedback:
        """The feedback in these bytes; Malformed when it is none."""
        try:
            flat: dict[str, Any] = orjson.loads(data)
            return _checked(cls(**{name: flat[name] for name in cls.__dataclass_fields__ if name in flat}))
        except (AttributeError, TypeError, ValueError) as error:
            raise Malformed(f"not feedback: {error}") from error


def standing(said: Iterable[Feedback]) -> dict[str, list[Feedback]]:
    """The marks of each fingerprint that nobody took back, oldest first; `said` in the topic's order.

    >>> marks = [Feedback("f", "normal", "ann", 1), Feedback("f", "known", "bob", 2), Feedback("f", "normal", "ann", 3, undo=True)]
    >>> [mark.verdict for mark in standing(marks)["f"]]
    ['known']
    """
    marks: dict[str, list[Feedback]] = {}
    for word in said:
        of_alert = marks.setdefault(word.fingerprint, [])
        if not word.undo:
            of_alert.append(word)
        elif (last := next((mark for mark in reversed(of_alert) if mark.verdict == word.verdict), None)) is not None:
            of_alert.remove(last)
    return {fingerprint: of_alert for fingerprint, of_alert in marks.items() if of_alert}


def _checked(word: Feedback) -> Feedback:
    texts = (word.fingerprint, word.who, word.note, word.rule, *word.group.keys(), *word.group.values())
    if not all(isinstance(text, str) for text in texts) or type(word.undo) is not bool:
        raise TypeError("a field has the wrong type")
    if word.verdict not in MARKS:
        raise ValueError(f"no such verdict: {word.verdict!r:.40}")
    if type(word.at) is not int or not instant.BEGINNING <= word.at <= instant.END:
        raise ValueError("its time is none")
    return word
