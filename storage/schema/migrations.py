"""Migrations as plain values: the files read and cut into statements, and what is to be done about what a store has recorded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import yaml

from logverse.errors import Malformed

FOLDER, MONGODB = Path(__file__).with_name("cassandra"), Path(__file__).with_name("mongodb")
APPLIED, PENDING, CHANGED, UNKNOWN = "applied", "pending", "changed", "unknown"  # unknown: a later version of LogVerse made it

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.(?:cql|yaml)")
_COMMANDS = ("createIndexes", "dropIndexes", "update", "delete")  # of MongoDB, that change nothing when they are done again
_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|//[^\n]*|/\*.*?\*/)|(?P<end>;)|(?P<space>\s+)|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$\$.*?\$\$|.", re.DOTALL
)
# How a statement begins → how it begins so that doing it again changes nothing. What writes a row does so as it is.
_AGAIN = (
    (re.compile(r"CREATE (TABLE|TYPE|(?:CUSTOM )?INDEX)(?! IF NOT EXISTS) ", re.I), r"CREATE \1 IF NOT EXISTS "),
    (re.compile(r"DROP (TABLE|TYPE|INDEX)(?! IF EXISTS) ", re.I), r"DROP \1 IF EXISTS "),
    (re.compile(r"ALTER TABLE (\S+) ADD(?! IF NOT EXISTS) ", re.I), r"ALTER TABLE \1 ADD IF NOT EXISTS "),
    (re.compile(r"ALTER TABLE (\S+) DROP(?! IF EXISTS) ", re.I), r"ALTER TABLE \1 DROP IF EXISTS "),
)
_REPEATABLE = re.compile(
    r"(?:CREATE|DROP) [A-Z ]*EXISTS |ALTER TABLE \S+ (?:ADD IF NOT EXISTS|DROP IF EXISTS|WITH) |INSERT INTO |UPDATE |DELETE ", re.I
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. Each of its statements may be done again without harm, so that a file done by half is mended by doing it whole.

    `sha256` is of the statements: a comment or a line break may still be mended after it was applied.
    """

    number: int
    name: str
    statements: tuple[str, ...]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(";\n".join(self.statements).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A migration that a store has had. `applied_at`: milliseconds UTC."""

    number: int
    name: str
    sha256: str
    applied_at: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one migration stands in one store: applied, pending, changed since, or unknown to this version."""

    number: int
    name: str
    state: str
    applied_at: int | None = None


def shipped(folder: Path = FOLDER) -> list[Migration]:
    """The migrations of this version in their order. Malformed when a number is there twice or missing."""
    paths = sorted((*folder.glob("*.cql"), *folder.glob("*.yaml")))
    found = [_read(path) for path in paths]
    for place, (path, one) in enumerate(zip(paths, found, strict=True), 1):
        if one.number != place:
            raise Malformed(f"{folder.name}/{path.name}: {place:04d} is due; each number once, none left out")
    return found


def standings(wanted: Sequence[Migration], recorded: Mapping[int, Recorded]) -> list[Standing]:
    """Each migration's standing, by number."""
    known = [_standing(one, recorded.get(one.number)) for one in wanted]
    numbers = {one.number for one in wanted}
    return known + [Standing(one.number, one.name, UNKNOWN, one.applied_at) for one in recorded.values() if one.number not in numbers]


def statements_of(text: str) -> list[str]:
    """The statements of a CQL text, each on one line, without comments.

    >>> statements_of("-- a; b\\nINSERT INTO t (a)  VALUES (';--');\\n")
    ["INSERT INTO t (a) VALUES (';--')"]
    """
    parts = [""]
    for token in _TOKEN.finditer(text):
        if token["end"]:
            parts.append("")
        elif token["comment"] or token["space"]:
            parts[-1] = f"{parts[-1].rstrip(' ')} "
        else:
            parts[-1] += token[0]
    return [statement for part in parts if (statement := part.strip())]


def repeatable(statement: str) -> str:
    """The statement so that doing it twice is doing it once. Malformed for a kind of which that cannot be said.

    >>> repeatable("CREATE INDEX a ON t (b) USING 'sai'")
    "CREATE INDEX IF NOT EXISTS a ON t (b) USING 'sai'"
    """
    for begins, again in _AGAIN:
        statement = begins.sub(again, statement, count=1) if begins.match(statement) else statement
    if not _REPEATABLE.match(statement):
        raise Malformed(f"cannot be done twice without harm, so it is no migration: {statement[:80]}")
    return statement


def commands_of(text: str) -> list[str]:
    """The database commands of a YAML text, for MongoDB, each as JSON on one line. Malformed for one that cannot be done twice.

    >>> commands_of("- dropIndexes: events_http  # no more\\n  index: trace_id")
    ['{"dropIndexes":"events_http","index":"trace_id"}']
    """
    commands = yaml.safe_load(text)
    for kind in (next(iter(command)) for command in commands):
        if kind not in _COMMANDS:
            raise Malformed(f"cannot be done twice without harm, so it is no migration: {kind}; one of {', '.join(_COMMANDS)}")
    return [orjson.dumps(command).decode() for command in commands]


def _read(path: Path) -> Migration:
    named = _NAME.fullmatch(path.name)
    if not named:
        raise Malformed(f"{path.name}: a migration is named NNNN_what_it_does{path.suffix}")
    text = path.read_text(encoding="utf-8")
    statements = tuple(commands_of(text) if path.suffix == ".yaml" else map(repeatable, statements_of(text)))
    return Migration(int(named[1]), named[2], statements)


def _standing(one: Migration, recorded: Recorded | None) -> Standing:
    if recorded is None:
        return Standing(one.number, one.name, PENDING)
    return Standing(one.number, one.name, APPLIED if recorded.sha256 == one.sha256 else CHANGED, recorded.applied_at)
