"""`import:` of ElastAlert2's rule files: what several rules share stands in a file that each of them names.

Merged as its loader does (elastalert2 loaders.py, load_yaml): the rule's own settings win, of several files the last one; filters are all
asked for. Every name is relative to the rule's folder, also one that stands in an imported file. Variables of the environment, which
ElastAlert2 expands before it reads a file, stay as they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from flink_jobs.rules.marked import Marked, Place, marked
from logverse.errors import Malformed

Key = tuple[str, str]  # of a place in Marked

_MOST = 100  # files: one that names itself would never end


def read_file(path: Path) -> str:
    """The text of a file; Malformed when there is none to be had."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Malformed(f"{path}: {error.strerror}{' (variables are not expanded here)' if '$' in str(path) else ''}") from error
    except UnicodeDecodeError as error:
        raise Malformed(f"{path}: is not UTF-8 text") from error
    except ValueError as error:  # a zero byte, half a surrogate pair
        raise Malformed(f"{str(path)!a} is no name of a file") from error


def mapping(path: Path, text: str) -> Marked:
    """The one mapping that a file of ElastAlert2 is. Malformed when it is none."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise Malformed(f"not YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise Malformed("no rule of ElastAlert2: a file of it is one mapping")
    return marked(path, root)


def whole(rule: Marked, read: Callable[[Path], str] = read_file) -> Marked:
    """The rule with what its imports say, each setting with the file and line it comes from. Malformed names the file that is none."""
    values, places = dict(rule.values), dict(rule.places)
    waiting = _named(values.pop("import", None), rule.begins[0].parent)
    read_so_far = 0
    while waiting:
        if (read_so_far := read_so_far + 1) > _MOST:
            raise Malformed(f"more than {_MOST} files are imported: does one of them name itself?")
        path = waiting.pop()
        there = _loaded(path, read)
        waiting += _named(there.values.get("import"), rule.begins[0].parent)
        for name, value in there.values.items():
            if name == "filter" and "filter" in values:
                values["filter"] = [*(clauses := _listed(value)), *_listed(values["filter"])]
                places = _before(there.places, places, len(clauses))
            elif name != "import" and name not in values:
                values[name] = value
                places |= {place: at for place, at in there.places.items() if place[0] == name}
    return Marked(values, places, rule.begins, rule.doubles)


def _before(theirs: Mapping[Key, Place], ours: Mapping[Key, Place], count: int) -> dict[Key, Place]:
    """Where everything stands once `count` clauses of their filter stand before those of ours."""
    moved = {(name, _later(key, count) if name == "filter" else key): place for (name, key), place in ours.items()}
    return moved | {(name, key): place for (name, key), place in theirs.items() if name == "filter" and key}


def _later(key: str, count: int) -> str:
    number, slash, rest = key.partition("/")
    return f"{int(number) + count}{slash}{rest}" if number.isdecimal() else key


def _loaded(path: Path, read: Callable[[Path], str]) -> Marked:
    text = read(path)
    try:
        return mapping(path, text)
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from error


def _named(value: Any, folder: Path) -> list[Path]:
    if value is None:
        return []
    if not all(isinstance(one, str) for one in _listed(value)):
        raise Malformed("is neither a file nor a list of files")
    return [folder / one for one in _listed(value)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def said(place: Place, rule: Path) -> str:
    """Which file this place is in, where that is not the rule's own; to stand before what is said of it."""
    return "" if place[0] == rule else f"{place[0].name}, line {place[1]}: "
