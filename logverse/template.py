"""A template: a pattern of log lines of one service, on topic `templates`; and what people said of one, on the same topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from logverse import instant
from logverse.errors import Malformed
from logverse.identity import digest
from logverse.instant import Millis

LABEL = "label:"  # how the Kafka key of a Label begins; a Template's is its id


def template_id(service: str, text: str) -> str:
    """The id that a template keeps for life: of its service and of the text that it was born with, so that the same log gives the same."""
    return digest(service, text)[:16]


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern as far as the detect job has told of it. The Kafka key is the id. Times are event time in milliseconds.

    `text` has `<*>` where lines differ; `former` are the texts it had before it became more general, oldest first (of many the first and
    the latest). `counts`: its events by severity number, exact as of when this was told (the job tells at most once a minute).
    `merged_into`: the id of the older template that it has become the same as; the counts went there. `gone`: forgotten, to make room.
    """

    id: str
    service: str
    text: str
    first_seen: Millis
    last_seen: Millis
    counts: Mapping[int, int] = field(default_factory=dict)
    sample: str = ""  # a line of it as written: attackers' text
    former: tuple[str, ...] = ()
    name: str = ""
    ignored: bool = False
    merged_into: str = ""
    gone: bool = False

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_NON_STR_KEYS)

    @classmethod
    def from_json(cls, data: bytes | str) -> Template:
        """The template in these bytes; Malformed when they are none."""
        try:
            flat: dict[str, Any] = orjson.loads(data)
            known = {name: flat[name] for name in cls.__dataclass_fields__ if name in flat}
            counts = {int(severity): count for severity, count in known.get("counts", {}).items()}
            return _checked(cls(**{**known, "counts": counts, "former": tuple(known.get("former", ()))}))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Malformed(f"not a template: {error}") from error


@dataclass(frozen=True, slots=True)
class Label:
    """What people call a template (`name`), and whether rules look at it (`ignored`: they do not). The last one of a template counts.

    The Kafka key is `LABEL` and the template's id. `at` is processing time in milliseconds, `who` said it.
    """

    template: str
    service: str
    name: str = ""
    ignored: bool = False
    who: str = ""
    at: Millis = 0

    @property
    def key(self) -> str:
        return LABEL + self.template

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes | str) -> Label:
        """The label in these bytes; Malformed when they are none."""
        try:
            flat: dict[str, Any] = orjson.loads(data)
            label = cls(**{name: flat[name] for name in cls.__dataclass_fields__ if name in flat})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Malformed(f"not a label: {error}") from error
        if not all(isinstance(text, str) for text in (label.template, label.service, label.name, label.who)):
            raise Malformed("not a label: a field is no text")
        if not isinstance(label.ignored, bool) or type(label.at) is not int:
            raise Malformed("not a label: a field has the wrong type")
        return label


def _checked(template: Template) -> Template:
    """The template, if those who show and compare its values will not stumble over one of another type or beyond all calendars."""
    texts = (template.id, template.service, template.text, template.sample, template.name, template.merged_into, *template.former)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a field is no text")
    if not all(type(number) is int for pair in template.counts.items() for number in pair):
        raise TypeError("a count is no number")
    if not all(type(at) is int and instant.BEGINNING <= at <= instant.END for at in (template.first_seen, template.last_seen)):
        raise ValueError("its times are none")
    if not isinstance(template.ignored, bool) or not isinstance(template.gone, bool):
        raise TypeError("a field is neither true nor false")
    return template
