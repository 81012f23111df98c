"""The masking policy: a YAML file that says what happens to which kind of text and to which field. All that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import yaml

from logverse.errors import WrongSettings
from logverse.event import FIELDS
from logverse.printable import printable
from producers.masking import PATTERNS
from producers.parsers import names

ACTIONS = ("mask", "hash", "drop", "keep")
DEFAULT = Path(__file__).with_name("default_masking.yaml")
# What the event is found, ordered and counted by: it is never touched.
FIXED = frozenset(
    {
        "timestamp", "observed_timestamp", "log.type", "service.name", "severity_text", "severity_number", "log.record.uid",
        "schema_version", "log.record.original.sha256", "log.file.path", "host.name", "http.request.method", "event.outcome",
    }
)  # fmt: skip
_KEYS = frozenset({"session.id", "trace_id"})  # Kafka's key is one of them: the same text for all would fill one partition
_SHORTEST_KEY = 32
_OURS = {name.lower(): ours for name, ours in names.ALIASES.items()} | dict.fromkeys(names.SERVICES, "service.name")
_MOST_STARS = 4
_KNOWN = ("patterns", "fields", "key_file", "dead_letters")


@dataclass(frozen=True, slots=True)
class Policy:
    """`patterns`: kind → action. `fields`: lower-case name or glob → action. `dead`: what of a line that is no event is kept."""

    patterns: Mapping[str, str] = field(default_factory=dict, hash=False)
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    key: bytes = field(default=b"", repr=False)
    dead: str = "mask"
    path: str = ""


def read_policy(path: Path) -> Policy:
    """The policy in this file; WrongSettings with every problem, each with line, field and remedy."""
    reading = _Reading(path)
    root = reading.root()
    nodes = reading.entries(root, "", _KNOWN)
    patterns = reading.actions(nodes.get("patterns"), "patterns", tuple(PATTERNS))
    fields = {name.lower().removeprefix("attributes."): action for name, action in reading.fields(nodes.get("fields")).items()}
    dead = reading.one_of(nodes["dead_letters"], "dead_letters", ("mask", "drop")) if "dead_letters" in nodes else ""
    key = reading.key(nodes.get("key_file"))
    hashed = [name for name, action in {**patterns, **fields}.items() if action == "hash"]
    if hashed and not key and "key_file" not in nodes:
        make = "(umask 077; head -c 32 /dev/urandom | base64 > masking.key)"
        reading.complain(root, "key_file", f"missing, and {hashed[0]} is to be hashed", f"key_file: masking.key, made by {make}")
    reading.finish()
    dead = dead or ("drop" if any(action != "keep" for action in fields.values()) else "mask")
    return Policy(patterns, fields, key, dead, "default" if path == DEFAULT else str(path.absolute()))


def named_policy(name: str, folder: Path) -> Policy:
    """The policy that a setting names: `default`, the shipped one, or a file, relative to `folder`. WrongSettings as for `read_policy`."""
    return read_policy(DEFAULT if name == "default" else folder / Path(name).expanduser())


class _Reading:
    """A file being read, and what is wrong with it so far."""

    def __init__(self, path: Path) -> None:
        self._path, self._problems = path, list[tuple[int, str]]()

    def root(self) -> yaml.Node:
        remedy = "name a policy file, or `default`; to write one: logverse masking init"
        try:
            root = yaml.compose(self._path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except OSError as error:
            raise WrongSettings(f"cannot be read: {error.strerror}", where=str(self._path), remedy=remedy) from error
        except UnicodeDecodeError as error:
            raise WrongSettings(f"not UTF-8: {error.reason}", where=str(self._path), remedy="save it as UTF-8") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{self._path}:{mark.line + 1}" if mark else str(self._path)
            raise WrongSettings(f"not YAML: {getattr(error, 'problem', None) or 'control characters'}", where=where) from error
        if root is None:
            raise WrongSettings("is empty: it would mask nothing", where=str(self._path), remedy=remedy)
        return root

    def complain(self, node: yaml.Node, at: str, problem: str, remedy: str) -> None:
        line = node.start_mark.line + 1
        self._problems.append((line, str(WrongSettings(problem, where=f"{self._path}:{line} {at}".rstrip(), remedy=remedy))))

    def finish(self) -> None:
        if self._problems:
            raise WrongSettings("\n".join(text for _, text in sorted(self._problems)))

    def entries(self, node: yaml.Node | None, at: str, known: Collection[str] = ()) -> dict[str, yaml.Node]:
        """The values of a mapping by name; with `known`, other names are complained of."""
        found: dict[str, yaml.Node] = {}
        if node is None:
            return found
        if not isinstance(node, yaml.MappingNode):
            self.complain(
                node, at, "must be a mapping", f"lines of NAME: VALUE; NAME is one of {', '.join(known)}" if known else "user.id: drop"
            )
            return found
        for key, value in node.value:
            name = printable(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if known and name not in known:
                near = get_close_matches(name, known, 1)
                self.complain(key, _below(at, name), "unknown", f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}")
            elif name in found:
                self.complain(key, _below(at, name), "given twice", "keep one")
            else:
                found[name] = value
        return found

    def one_of(self, node: yaml.Node, at: str, known: tuple[str, ...]) -> str:
        value = str(node.value) if isinstance(node, yaml.ScalarNode) else "no word"
        if value in known:
            return value
        near = get_close_matches(value, known, 1)
        self.complain(node, at, f"is {printable(value[:40])!r}", f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}")
        return ""

    def actions(self, node: yaml.Node | None, at: str, known: tuple[str, ...] = ()) -> dict[str, str]:
        return {name: self.one_of(value, _below(at, name), ACTIONS) for name, value in self.entries(node, at, known).items()}

    def fields(self, node: yaml.Node | None) -> dict[str, str]:
        """As `actions`, but for what cannot be: the event must stay one, and its Kafka key must still tell sessions apart."""
        entries = self.entries(node, "fields")
        for name, value in entries.items():
            action, at = getattr(value, "value", None), f"fields.{name}"
            name = _OURS.get(name.lower(), name)
            if name in FIXED:
                self.complain(value, at, "cannot go: the event is found or counted by it", "leave it out; patterns apply to bodies")
            elif name == "attributes":
                self.complain(value, at, "cannot go as a whole", '"*" names every field, "customer.*" those of one object')
            elif FIELDS.get(name, str) is not str and action in ("mask", "hash"):
                self.complain(value, at, "is a number, which has no masked form", "drop or keep")
            elif name in _KEYS and action == "mask":
                self.complain(
                    value, at, "keeps the records of one session or trace in order", "hash, which still tells them apart, or drop"
                )
            elif name.count("*") > _MOST_STARS:
                self.complain(value, at, f"more than {_MOST_STARS} stars", "name it more closely")
        return self.actions(node, "fields")

    def key(self, node: yaml.Node | None) -> bytes:
        """The bytes in the key file, without white space around; its path is relative to the policy's folder."""
        if node is None:
            return b""
        if not isinstance(node, yaml.ScalarNode):
            self.complain(node, "key_file", "must be the name of a file", "key_file: masking.key")
            return b""
        path = self._path.parent / Path(node.value).expanduser()
        try:
            key = path.read_bytes().strip()
        except OSError as error:
            self.complain(node, "key_file", f"{path} cannot be read: {error.strerror}", "name a readable file that holds the key")
            return b""
        if len(key) < _SHORTEST_KEY:
            remedy = "head -c 32 /dev/urandom | base64"
            self.complain(
                node, "key_file", f"{path} holds {len(key)} characters, at least {_SHORTEST_KEY} are a key", f"make one: {remedy}"
            )
        return key


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
