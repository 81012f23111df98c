"""A mapping of a YAML file as plain values, with the line of each key however deep it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from flink_jobs.rules.options import Problem

Place: TypeAlias = tuple[Path, int]


@dataclass(frozen=True, slots=True)
class Marked:
    """`values` as written; `places` by (field, keys below it joined with /, "" for the field itself); `doubles`: keys that stand twice."""

    values: Mapping[str, Any]
    places: Mapping[tuple[str, str], Place]
    begins: Place
    doubles: list[Problem] = field(default_factory=list)

    @property
    def line(self) -> int:
        return self.begins[1]

    def place(self, name: str, key: str = "") -> Place:
        """Where this key stands, or what is nearest above it."""
        while key:
            if (name, key) in self.places:
                return self.places[name, key]
            key = key.rpartition("/")[0]
        return self.places.get((name, ""), self.begins)


def marked(path: Path, node: yaml.MappingNode) -> Marked:
    """This mapping of this file."""
    values: dict[str, Any] = {}
    places: dict[tuple[str, str], Place] = {}
    doubles: list[Problem] = []
    for key, value in node.value:
        name = str(key.value)
        if (name, "") in places:
            doubles.append(Problem(name, f"stands here twice, first on line {places[name, ''][1]}", "keep one"))
        values[name], places[name, ""] = plain(value), (path, key.start_mark.line + 1)
        for below, line in _lines(value, (), set()):
            places[name, "/".join(below)] = (path, line)
    return Marked(values, places, (path, node.start_mark.line + 1), doubles)


def _lines(node: yaml.Node, above: tuple[str, ...], seen: set[int]) -> Iterator[tuple[tuple[str, ...], int]]:
    """The line of every key and every item below this node; what an alias repeats is not walked again."""
    if id(node) in seen:
        return
    seen.add(id(node))
    pairs = [(str(key.value), key, value) for key, value in node.value] if isinstance(node, yaml.MappingNode) else []
    items = [(str(place), item, item) for place, item in enumerate(node.value)] if isinstance(node, yaml.SequenceNode) else []
    for name, begins, below in [*pairs, *items]:
        yield (*above, name), begins.start_mark.line + 1
        yield from _lines(below, (*above, name), seen)


def plain(node: yaml.Node) -> Any:
    """The value of a node; of a tag or form of no use here what stands there: the check says so at the field."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, TypeError):
        return getattr(node, "value", None)
    finally:
        loader.dispose()
