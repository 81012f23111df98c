"""A form of line that the user writes down in YAML: a regular expression with named groups, and what they are.

The engine is the package `regex`: it reads what people know from Python and PCRE, and gives up after a time, which the standard
library cannot. (RE2 needs no time limit, but lacks look-around, and has no wheels for some machines.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import regex
import yaml

from logverse.errors import Malformed, WrongSettings
from logverse.event import LOG_TYPES
from logverse.instant import Millis
from producers.parsers import names, stamps, times
from producers.parsers.json_log import JsonLog
from producers.parsers.local_time import Local
from producers.parsers.parsed import Parsed
from producers.routes import Routes

LONGEST = 64 * 1024  # characters of a record that a pattern is tried on
PATIENCE_S = 0.05  # for one record: a pattern that backtracks without end must not stop the producer
_KEYS = ("pattern", "log_type", "fields", "time", "time_format", "begins", "examples")
_PROBE = datetime(2004, 11, 21, 22, 33, tzinfo=UTC)  # an afternoon: `%I` alone does not bring it back


def is_file(log_type: str) -> bool:
    """Whether a form is named by a file."""
    return log_type.endswith((".yaml", ".yml"))


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the file says, checked. `begins` None: a record is a line."""

    expression: Any
    log_type: str | None
    names: Mapping[str, str]  # group → name of the field, as a JSON log would have it
    time: str
    time_format: str
    begins: Any


class PatternLog:
    """Records that the pattern fits, read as if their groups were members of a JSON object: the same names mean the same."""

    def __init__(self, pattern: Pattern, routes: Routes) -> None:
        self._pattern, self._json = pattern, JsonLog(routes)
        self.expressions = (pattern.expression.pattern,)

    def parse(self, line: str) -> Parsed:
        """The event in this record; Malformed when the pattern does not fit, or has not fitted in time."""
        if len(line) > LONGEST:
            raise Malformed("too long for a pattern")
        match = _tried(self._pattern.expression.fullmatch, line)
        if match is None:
            raise Malformed("the pattern does not fit")
        groups = {name: value for name, value in match.groupdict().items() if value is not None}
        at = _time(groups.pop(self._pattern.time, ""), self._pattern.time_format)
        parsed = self._json.of({self._pattern.names.get(name, name): value for name, value in groups.items()}, line)
        parsed.local = at if isinstance(at, Local) else None
        parsed.timestamp = None if isinstance(at, Local) else at
        parsed.log_type = self._pattern.log_type or parsed.log_type
        return parsed


class JoiningPatternLog(PatternLog):
    """The same for records of several lines."""

    def begins(self, line: str) -> bool:
        try:
            return _tried(self._pattern.begins.match, line[:LONGEST]) is not None
        except Malformed:
            return True


def load(path: str, routes: Routes) -> PatternLog:
    """The parser that this file describes. WrongSettings names the file, the field and the remedy, also when an example fails."""
    content = _content(path)
    for key in content:
        if key not in _KEYS:
            near = get_close_matches(str(key), _KEYS, 1)
            raise WrongSettings(f"{key}: no such field", where=path, remedy=f"{near[0]}?" if near else f"one of {', '.join(_KEYS)}")
    pattern = _pattern(path, content)
    parser = JoiningPatternLog(pattern, routes) if pattern.begins else PatternLog(pattern, routes)
    for place, example in enumerate(_examples(path, content), 1):
        try:
            parser.parse(example)
        except Malformed as error:
            raise WrongSettings(f"examples, {place}: {error}", where=path, remedy="change the pattern or the example") from error
    return parser


def _content(path: str) -> dict[Any, Any]:
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongSettings(f"cannot be read: {error.strerror}", where=path, remedy="name a file that describes a form of line") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else path
        raise WrongSettings(
            f"no YAML: {getattr(error, 'problem', 'not text')}", where=place, remedy="put patterns in single quotes"
        ) from error
    if not isinstance(content, dict):
        raise WrongSettings("no fields", where=path, remedy=r"""at least: pattern: '(?<time>\S+) (?<message>.*)'""")
    return content


def _pattern(path: str, content: dict[Any, Any]) -> Pattern:
    text = {key: _text(path, content, key) for key in ("pattern", "log_type", "time", "time_format", "begins")}
    if not text["pattern"]:
        raise WrongSettings("pattern: is missing", where=path, remedy=r"""pattern: '(?<time>\S+) (?<level>\w+) (?<message>.*)'""")
    if text["log_type"] and text["log_type"] not in LOG_TYPES:
        raise WrongSettings(f"log_type: {text['log_type']!r}", where=path, remedy=f"one of {', '.join(LOG_TYPES)}")
    expression = _compiled(path, "pattern", text["pattern"])
    begins = _compiled(path, "begins", text["begins"]) if text["begins"] else None
    groups = list(expression.groupindex)
    if not groups:
        raise WrongSettings("pattern: names no group", where=path, remedy="name what it finds: (?<level>[A-Z]+)")
    time = text["time"] or next((name for name in groups if name in names.TIMES), "")
    if time and time not in groups:
        raise WrongSettings(f"time: {time!r} is no group of the pattern", where=path, remedy=f"one of {', '.join(groups)}")
    if text["time_format"]:
        _check_time_format(path, text["time_format"])
    return Pattern(
        expression, text["log_type"] or None, _names(path, content.get("fields") or {}, groups), time, text["time_format"], begins
    )


def _text(path: str, content: dict[Any, Any], key: str) -> str:
    value = content.get(key, "")
    if not isinstance(value, str):
        raise WrongSettings(f"{key}: is no text", where=path, remedy="put it in single quotes")
    return value


def _compiled(path: str, key: str, text: str) -> Any:
    try:
        return regex.compile(text, regex.DOTALL if key == "pattern" else 0)
    except regex.error as error:
        place = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise WrongSettings(f"{key}: {error.msg}{place}", where=path, remedy="mend the regular expression") from error


def _check_time_format(path: str, form: str) -> None:
    """A time of which month, day or hour is not known would be invented."""
    try:
        at = _read(_PROBE.strftime(form), form)
    except ValueError as error:
        raise WrongSettings(f"time_format: {error}", where=path, remedy="directives of Python's strptime: '%d.%m.%Y %H:%M:%S'") from error
    if (at.month, at.day, at.hour) != (_PROBE.month, _PROBE.day, _PROBE.hour):
        raise WrongSettings(
            f"time_format: {form!r} does not tell month, day and hour", where=path,
            remedy="a pattern whose time has all of them: '%d.%m. %H:%M'; or leave it out: lines take the time of the one before",
        )  # fmt: skip


def _names(path: str, fields: Any, groups: list[str]) -> dict[str, str]:
    if not isinstance(fields, dict) or not all(isinstance(name, str) and isinstance(value, str) for name, value in fields.items()):
        raise WrongSettings("fields: is no mapping of groups to names", where=path, remedy="fields: {ip: client.address}")
    for group in fields:
        if group not in groups:
            raise WrongSettings(f"fields, {group}: no such group in the pattern", where=path, remedy=f"one of {', '.join(groups)}")
    return dict(fields)


def _examples(path: str, content: dict[Any, Any]) -> list[str]:
    examples = content.get("examples") or []
    if not isinstance(examples, list) or not all(isinstance(example, str) for example in examples):
        raise WrongSettings("examples: is no list of lines", where=path, remedy="examples: ['a line', 'another']")
    return [example.rstrip("\n") for example in examples]


def _tried(method: Callable[..., Any], line: str) -> Any:
    try:
        return method(line, timeout=PATIENCE_S)
    except TimeoutError as error:
        raise Malformed("the pattern takes too long") from error


def _time(text: str, form: str) -> Millis | Local | None:
    if not text or not form:
        return stamps.read(text) if text else None
    dated = _dated(form)
    try:
        at = _read(text, form)
    except ValueError:
        return None
    if at.tzinfo is not None:
        return times.usable(int(at.timestamp() * 1000)) if dated else None
    return Local(at.year if dated else None, at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 1000)


def _dated(form: str) -> bool:
    return any(directive in form for directive in ("%Y", "%y", "%c", "%x", "%G"))


def _read(text: str, form: str) -> datetime:
    """ValueError when the text has another form."""
    return datetime.strptime(text, form) if _dated(form) else datetime.strptime(f"2000 {text}", f"%Y {form}")  # a year that has all days
