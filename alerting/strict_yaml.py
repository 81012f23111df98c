"""YAML into frozen dataclasses, strictly: every complaint names its line, its field and the remedy, and all come at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import MISSING, Field, fields
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import yaml

from logverse.errors import WrongSettings
from logverse.printable import printable

_TAGS = {str: "tag:yaml.org,2002:str", bool: "tag:yaml.org,2002:bool"}
_WANTED = {str: ("text", "put it in quotes"), bool: ("true or false", "write true or false")}


class Document:
    """A YAML file being read; `problems` gathers what is wrong with it."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.problems = path, list[tuple[int, WrongSettings]]()
        try:
            self.root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{path}:{mark.line + 1}" if mark else str(path)
            raise WrongSettings(f"not YAML: {getattr(error, 'problem', None) or error}", where=where) from error

    def complain(self, node: yaml.Node, at: str, problem: str, remedy: str = "") -> None:
        line = node.start_mark.line + 1
        where = f"{self.path}:{line}" + (f" {at}" if at else "")
        self.problems.append((line, WrongSettings(problem, where=where, remedy=remedy)))

    def finish(self) -> None:
        """Raise what was gathered, in the order of the lines."""
        if self.problems:
            raise WrongSettings("\n".join(str(problem) for _, problem in sorted(self.problems, key=lambda found: found[0])))

    def mapping(self, node: yaml.Node, known: Collection[str], at: str) -> dict[str, yaml.Node]:
        """The values of a mapping by field; unknown and doubled fields are complained of."""
        found: dict[str, yaml.Node] = {}
        if not isinstance(node, yaml.MappingNode):
            self.complain(node, at, "must be a mapping of fields", f"one of {', '.join(known)}, each as NAME: VALUE")
            return found
        for key, value in node.value:
            name = printable(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name not in known:
                close = get_close_matches(name, known, 1)
                self.complain(key, below(at, name), "unknown field", f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}")
            elif name in found:
                self.complain(key, below(at, name), "given twice", "keep one")
            else:
                found[name] = value
        return found

    def listing(self, node: yaml.Node, at: str) -> Sequence[tuple[yaml.Node, str]]:
        """The items of a list, each with its place."""
        if not isinstance(node, yaml.SequenceNode):
            self.complain(node, at, "must be a list", "start each item with a dash")
            return []
        return [(item, f"{at}[{place}]") for place, item in enumerate(node.value)]

    def build(self, node: yaml.Node, kind: type[Any], at: str) -> Any:
        """A `kind` (str, bool or a dataclass of such) from the node; None when it was complained of."""
        if kind in _TAGS:
            return self._scalar(node, kind, at)
        items = {item.name.rstrip("_"): item for item in fields(kind)}
        types = get_type_hints(kind)
        before = len(self.problems)
        nodes = self.mapping(node, items, at)
        values = {items[name].name: self._field(value, items[name], types, below(at, name)) for name, value in nodes.items()}
        for name, item in items.items():
            if name not in nodes and item.default is item.default_factory is MISSING and isinstance(node, yaml.MappingNode):
                self.complain(node, below(at, name), "missing", f"add {name}: …")
        if len(self.problems) > before:
            return None
        try:
            return kind(**values)
        except WrongSettings as error:
            self.complain(nodes.get(error.where, node), below(at, error.where), error.problem, error.remedy)

    def _field(self, node: yaml.Node, item: Field[Any], types: dict[str, Any], at: str) -> Any:
        kind = next((one for one in get_args(types[item.name]) if one is not NoneType), types[item.name])
        value = self.build(node, kind, at)
        if value is not None and item.metadata.get("file"):
            return self._file(node, value, at)
        return value

    def _file(self, node: yaml.Node, name: str, at: str) -> str:
        """The file's path; a relative one starts at the folder of this document, as Alertmanager has it."""
        path = self.path.parent / Path(name).expanduser()
        try:
            if not path.read_text().strip():
                self.complain(node, at, f"{path} is empty", "put the secret into it")
        except (OSError, UnicodeDecodeError) as error:
            self.complain(node, at, f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not text'}", "name a readable file")
        return str(path)

    def _scalar(self, node: yaml.Node, kind: type[Any], at: str) -> Any:
        if node.tag == _TAGS[kind] and isinstance(node, yaml.ScalarNode):
            return node.value if kind is str else node.value.lower() in ("true", "yes", "on")
        self.complain(node, at, f"must be {_WANTED[kind][0]}", _WANTED[kind][1])


def below(at: str, name: str) -> str:
    return f"{at}.{name}" if at and name else at or name
