"""What a rule file may say, as JSON Schema (draft 7, which editors read): names complete themselves, mistakes are seen as they are typed.

Made of the same tables that check a file: COMMON and RULE_TYPES. It says less than the check, never something else.
"""

from __future__ import annotations

import sys
from typing import Any

from flink_jobs.rules.check import visible_to
from flink_jobs.rules.conditions import ALIASES
from flink_jobs.rules.matched import EVENT_FIELDS
from flink_jobs.rules.types import RULE_TYPES
from flink_jobs.rules.vocabulary import COMMON, OTHER_WORDS
from logverse.summary import VIEWS

_CONDITION = {
    "description": 'a value, a list of values, ">=500", 5xx, "!=x", /regex/, *.example.*, "=exactly this"',
    "anyOf": [
        {"type": ["string", "integer"]},
        {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}},
    ],
}
_SEVERAL = {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/conditions"}}


def schema() -> dict[str, Any]:
    """The schema of a rule file."""
    common = {name: option.schema for name, option in COMMON.items()} | {"type": _types()}
    others = {other: common[name] for other, name in OTHER_WORDS.items() if name in common}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Rules of LogVerse",
        "anyOf": [
            {"$ref": "#/definitions/rules"},
            {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "properties": {"defaults": {"$ref": "#/definitions/defaults"}, "rules": {"$ref": "#/definitions/rules"}},
            },
        ],
        "definitions": {
            "rules": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/rule"}},
            "defaults": {
                "type": "object",
                "description": "holds for the rules of this file that do not say otherwise",
                "additionalProperties": False,
                "properties": {name: what for name, what in {**_anybodys(), **others, **common}.items() if name != "name"},
            },
            "rule": {
                "type": "object",
                "required": ["name"],
                "properties": common,
                "allOf": [
                    {
                        "if": {"required": ["type"], "properties": {"type": {"const": name}}},
                        "then": {"$ref": f"#/definitions/{name}"},
                    }
                    for name in RULE_TYPES
                ],
            },
            "conditions": _conditions(),
            **{name: _of_type(name, {**common, **others}) for name in RULE_TYPES},
        },
    }


def _types() -> dict[str, Any]:
    return {"description": COMMON["type"].about, "enum": list(RULE_TYPES)}


def _anybodys() -> dict[str, Any]:
    """The options of all types; one that two understand differently is left open."""
    found: dict[str, Any] = {}
    for kind in RULE_TYPES.values():
        for name, option in kind.options.items():
            found[name] = option.schema if found.get(name, option.schema) == option.schema else {}
    return found


def _of_type(name: str, common: dict[str, Any]) -> dict[str, Any]:
    """A rule of one type: nothing but what is everybody's and what is its own. Defaults may give what it must have."""
    kind = RULE_TYPES[name]
    fields = {"examples": [list(visible_to(kind)[:2])]}
    own = {option: what.schema for option, what in kind.options.items()}
    return {
        "description": about(name),
        "additionalProperties": False,
        "properties": {**common, "group_by": {**common["group_by"], **fields}, **own},
    }


def about(name: str) -> str:
    """What a type is, in a line: the first of its module's documentation, without its name."""
    text = sys.modules[type(RULE_TYPES[name]).__module__].__doc__ or ""
    return " ".join(text.strip().split("\n\n")[0].split()).removeprefix(f"`{name}`: ")


def _conditions() -> dict[str, Any]:
    fields = dict.fromkeys([*(name for has in VIEWS.values() for name in has), *EVENT_FIELDS, *ALIASES])
    return {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            "and": {**_SEVERAL, "description": "all of these are met"},
            "or": {**_SEVERAL, "description": "one of these is met"},
            "not": {"$ref": "#/definitions/conditions"},
            **dict.fromkeys(fields, _CONDITION),
        },
    }
