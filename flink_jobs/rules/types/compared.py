"""What types that compare one field with a list, or with its last value, have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flink_jobs.rules.conditions import ALIASES, NUMBERS
from flink_jobs.rules.options import Described, Option

MOST_VALUES = 1_000


def _no_texts(value: Any) -> str:
    if not isinstance(value, list) or not value or not all(isinstance(one, str | int) and not isinstance(one, bool) for one in value):
        return "not a list of values"
    return "" if len(value) <= MOST_VALUES else f"{len(value)} values are more than {MOST_VALUES}"


texts = Described(_no_texts, {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1, "maxItems": MOST_VALUES})


def _no_field(value: Any) -> str:
    return "" if isinstance(value, str) and value else f"{value!r} is not a field"


field = Described(_no_field, {"type": "string"})

COMPARE_KEY = Option("the field whose value is compared", field, "user.id", required=True)


def both(where: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    """A `where` that wants the one and the other.

    >>> both({"log.type": "http"}, {"log.type": "!=error"})
    {'and': [{'log.type': 'http'}, {'log.type': '!=error'}]}
    """
    return {"and": [where, more]} if where else more


def exactly(field: str, values: Sequence[Any]) -> list[Any]:
    """These values as conditions, whatever they look like: a list has values, not globs.

    >>> exactly("user.name", ["root", "*"])
    ['=root', '=*']
    """
    return list(values) if ALIASES.get(field, field) in NUMBERS else [f"={value}" for value in values]
