"""Rule files: YAML with `rules:` and a list of entries (or only the list), one or a folder of them. Everything wrong is told at once.

`defaults:` beside `rules:` holds for the entries of the file; a file `_defaults.yaml` with nothing else holds for the files beside it,
also when one of them is read alone. What is nearer wins; labels, annotations and the fields of `where` add up. A default that only
some types know is for rules of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from flink_jobs.rules.check import check
from flink_jobs.rules.defaults import Defaults
from flink_jobs.rules.marked import Marked, marked
from flink_jobs.rules.options import Problem
from logverse.errors import WrongSettings
from logverse.rule import Rule

DEFAULTS = Path(__file__).with_name("default_rules.yaml")
BESIDE = "_defaults.yaml"
_ENDINGS = (".yaml", ".yml")


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
    beside: dict[Path, Defaults] = field(default_factory=dict)  # folder → what holds for its files

    def wrong(self, path: Path, node: yaml.Node | None, name: str, problem: str, remedy: str) -> None:
        self.problems.append(Placed(str(path), node.start_mark.line + 1 if node else 1, "", name, problem, remedy))


def read_rules(path: Path) -> list[Rule]:
    """The rules of a file or folder, in its order; BrokenRules when any of them is wrong."""
    return read_all([path])


def read_all(paths: Iterable[Path]) -> list[Rule]:
    """The rules of all these files and folders together; BrokenRules with every problem of all of them.

    WrongSettings for one that is not there, or a folder without a rule file.
    """
    reading = _Reading()
    for path in paths:
        for file in files_of(path):
            _read_file(file, reading)
    if reading.problems:
        raise BrokenRules(sorted(dict.fromkeys(reading.problems), key=lambda problem: (problem.file, problem.line)))
    return list(reading.rules.values())


def files_of(path: Path) -> list[Path]:
    """The rule files that this path stands for: itself, or all of a folder and of those in it, hidden ones left out."""
    if not path.is_dir():
        return [path]
    inside = sorted(file for file in path.rglob("*") if file.suffix in _ENDINGS and file.is_file())
    found = [file for file in inside if file.name != BESIDE and not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if not found:
        raise WrongSettings("has no rule file", where=str(path), remedy="rule files end with .yaml or .yml")
    return found


def _read_file(path: Path, reading: _Reading) -> None:
    if path.parent not in reading.beside:
        reading.beside[path.parent] = _defaults_beside(path.parent, reading)
    root = _composed(path, reading)
    if root is _BROKEN:
        return
    defaults, listed = reading.beside[path.parent], root
    if isinstance(root, yaml.MappingNode):
        parts = _parts(path, root, ("rules", "defaults"), reading)
        listed = parts.get("rules")
        if "defaults" in parts:
            defaults = _defaults(path, parts["defaults"], reading).over(defaults)
    for node in _entries(path, listed, root, reading):
        _read_entry(path, marked(path, node), defaults, reading)


_BROKEN = yaml.ScalarNode("broken", "")
_HALF = re.compile("[\ud800-\udfff]")  # of a pair of UTF-16: no JSON can carry it


def _composed(path: Path, reading: _Reading) -> yaml.Node | None:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise WrongSettings(f"cannot be read: {error.strerror}", where=str(path), remedy="name a file with rules") from error
    except UnicodeDecodeError as error:
        raise WrongSettings(f"not UTF-8: {error.reason}", where=str(path), remedy="save it as UTF-8") from error
    except yaml.YAMLError as error:
        reading.problems.append(_not_yaml(path, error))
        return _BROKEN
    for node in _scalars(root):
        if _HALF.search(node.value):
            reading.wrong(path, node, "", "holds half a character", "write the character itself, or \\U and eight digits for both halves")
            return _BROKEN
    return root


def _scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """All texts below this node. Aliases are visited once."""
    left, seen = [node], set[int]()
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, yaml.ScalarNode):
            yield one
        elif isinstance(one, yaml.SequenceNode):
            left += one.value
        elif isinstance(one, yaml.MappingNode):
            left += [part for pair in one.value for part in pair]


def _not_yaml(path: Path, error: yaml.YAMLError) -> Placed:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    remedy = 'quote values that begin with > ! * & % @ { [: ">=500", "!=x"' if mark else ""
    return Placed(str(path), mark.line + 1 if mark else 1, "", "", f"not YAML: {problem}", remedy)


def _parts(path: Path, root: yaml.MappingNode, known: tuple[str, ...], reading: _Reading) -> dict[str, yaml.Node]:
    """What a file has at its top, by name."""
    found: dict[str, yaml.Node] = {}
    for key, value in root.value:
        if key.value in known and key.value not in found:
            found[key.value] = value
        else:
            problem = "stands here twice" if key.value in found else "is unknown here"
            reading.wrong(path, key, str(key.value), problem, f"a file has {' and '.join(f'`{name}:`' for name in known)}, nothing else")
    return found


def _entries(path: Path, listed: yaml.Node | None, root: yaml.Node | None, reading: _Reading) -> list[yaml.MappingNode]:
    if not isinstance(listed, yaml.SequenceNode) or not listed.value:
        reading.wrong(path, listed or root, "rules", "there is no list of rules", "begin with `rules:` and a line `- name: …` for each")
        return []
    for node in listed.value:
        if not isinstance(node, yaml.MappingNode):
            reading.wrong(path, node, "", "is not a rule", "a rule is a mapping: `- name: …`, `type: …` below it")
    return [node for node in listed.value if isinstance(node, yaml.MappingNode)]


def _defaults_beside(folder: Path, reading: _Reading) -> Defaults:
    path = folder / BESIDE
    root = _composed(path, reading) if path.is_file() else None
    if root is _BROKEN or (root is None and not path.is_file()):
        return Defaults.none(path)
    parts = _parts(path, root, ("defaults",), reading) if isinstance(root, yaml.MappingNode) else {}
    if "defaults" not in parts:
        reading.wrong(path, root, "", "has no `defaults:`", "write `defaults:` and below it what holds for the files beside it")
        return Defaults.none(path)
    return _defaults(path, parts["defaults"], reading)


def _defaults(path: Path, node: yaml.Node, reading: _Reading) -> Defaults:
    if not isinstance(node, yaml.MappingNode):
        reading.wrong(path, node, "defaults", "is not a mapping", "defaults: {severity: warning, owner: team-shop}")
        return Defaults.none(path)
    defaults = Defaults(marked(path, node))
    for problem in defaults.problems():
        _place(problem, defaults.given, "", reading)
    return defaults


def _read_entry(path: Path, own: Marked, defaults: Defaults, reading: _Reading) -> None:
    entry = defaults.under(own)
    rule, problems = check(entry.values)
    name = own.values["name"] if isinstance(own.values.get("name"), str) else ""
    for problem in [*own.doubles, *problems]:
        of_default = entry.place(problem.field) != own.place(problem.field)
        _place(problem, entry, "" if of_default else name, reading)
    begins = f"{path}:{own.line}"
    if name in reading.places:
        taken = f"is taken: {reading.places[name]}"
        reading.problems.append(Placed(str(path), own.line, name, "name", taken, "give each rule its own"))
    elif name:
        reading.places[name] = begins
    if rule is not None:
        reading.rules[rule.name] = rule


def _place(problem: Problem, entry: Marked, name: str, reading: _Reading) -> None:
    file, line = entry.place(problem.field, problem.key)
    reading.problems.append(Placed(str(file), line, name, problem.field, problem.problem, problem.remedy))
