"""Rule files: YAML with `rules:` and a list of entries (or only the list). Everything wrong is told at once, with its line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flink_jobs.rules.check import check
from flink_jobs.rules.options import Problem
from logverse.errors import WrongSettings
from logverse.rule import Rule

DEFAULTS = Path(__file__).with_name("default_rules.yaml")


@dataclass(frozen=True, slots=True)
class Placed:
    """A problem where it stands."""

    file: str
    line: int
    rule: str
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        about = f"{self.file}:{self.line}: " + (f"rule {self.rule}: " if self.rule else "")
        text = about + (f"{self.field}: " if self.field else "") + self.problem
        return f"{text}\n  → {self.remedy}" if self.remedy else text


class BrokenRules(WrongSettings):
    """Rule files that cannot be used, with all their problems."""

    def __init__(self, problems: Sequence[Placed]) -> None:
        super().__init__(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in the rules")
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([self.problem, *map(str, self.problems)])


@dataclass(slots=True)
class _Reading:
    """What was found so far, over all files."""

    rules: dict[str, Rule] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)  # rule → file:line
    problems: list[Placed] = field(default_factory=list)


def read_rules(path: Path) -> list[Rule]:
    """The rules of a file, in its order; BrokenRules when any of them is wrong."""
    return read_all([path])


def read_all(paths: Iterable[Path]) -> list[Rule]:
    """The rules of all these files together; BrokenRules with every problem of all of them."""
    reading = _Reading()
    for path in paths:
        _read_file(path, reading)
    if reading.problems:
        raise BrokenRules(sorted(reading.problems, key=lambda problem: (problem.file, problem.line)))
    return list(reading.rules.values())


def _read_file(path: Path, reading: _Reading) -> None:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise WrongSettings(f"cannot be read: {error.strerror}", where=str(path), remedy="name a file with rules") from error
    except UnicodeDecodeError as error:
        raise WrongSettings(f"not UTF-8: {error.reason}", where=str(path), remedy="save it as UTF-8") from error
    except yaml.YAMLError as error:
        reading.problems.append(_not_yaml(path, error))
        return
    for node in _entries(path, root, reading):
        _read_entry(path, node, reading)


def _not_yaml(path: Path, error: yaml.YAMLError) -> Placed:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    remedy = 'quote values that begin with > ! * & % @ { [: ">=500", "!=x"' if mark else ""
    return Placed(str(path), mark.line + 1 if mark else 1, "", "", f"not YAML: {problem}", remedy)


def _entries(path: Path, root: yaml.Node | None, reading: _Reading) -> list[yaml.MappingNode]:
    def wrong(node: yaml.Node | None, name: str, problem: str, remedy: str) -> None:
        reading.problems.append(Placed(str(path), node.start_mark.line + 1 if node else 1, "", name, problem, remedy))

    listed: yaml.Node | None = root
    if isinstance(root, yaml.MappingNode):
        listed = None
        for key, value in root.value:
            if key.value == "rules":
                listed = value
            else:
                wrong(key, str(key.value), "is unknown here", "a file has `rules:` with a list, nothing else")
    if not isinstance(listed, yaml.SequenceNode) or not listed.value:
        wrong(listed or root, "rules", "there is no list of rules", "begin with `rules:` and a line `- name: …` for each")
        return []
    for node in listed.value:
        if not isinstance(node, yaml.MappingNode):
            wrong(node, "", "is not a rule", "a rule is a mapping: `- name: …`, `type: …` below it")
    return [node for node in listed.value if isinstance(node, yaml.MappingNode)]


def _read_entry(path: Path, node: yaml.MappingNode, reading: _Reading) -> None:
    lines, doubles = _lines(node)
    entry: dict[str, Any] = {}
    for key, value in node.value:
        entry[str(key.value)] = _plain(value)
    rule, problems = check(entry)
    name = entry["name"] if isinstance(entry.get("name"), str) else ""
    begins = node.start_mark.line + 1
    for problem in [*doubles, *problems]:
        line = lines.get((problem.field, problem.key)) or lines.get((problem.field, "")) or begins
        reading.problems.append(Placed(str(path), line, name, problem.field, problem.problem, problem.remedy))
    if name in reading.places:
        reading.problems.append(Placed(str(path), begins, name, "name", f"is taken: {reading.places[name]}", "give each rule its own"))
    elif name:
        reading.places[name] = f"{path}:{begins}"
    if rule is not None:
        reading.rules[rule.name] = rule


def _plain(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, TypeError):
        return getattr(node, "value", None)  # a tag or form of no use here: the check says so at the field
    finally:
        loader.dispose()


def _lines(node: yaml.MappingNode) -> tuple[dict[tuple[str, str], int], list[Problem]]:
    """The line of each field and of each key below it; fields that stand there twice."""
    lines: dict[tuple[str, str], int] = {}
    doubles: list[Problem] = []
    for key, value in node.value:
        name = str(key.value)
        if (name, "") in lines:
            doubles.append(Problem(name, f"stands here twice, first on line {lines[name, '']}", "keep one"))
        lines[name, ""] = key.start_mark.line + 1
        below = value.value if isinstance(value, yaml.MappingNode) else []
        for inner, _ in below:
            lines[name, str(inner.value)] = inner.start_mark.line + 1
    return lines, doubles
