"""Rules of ElastAlert2 as rules of ours: what means the same is taken over, what does not is named with its line and a remedy.

See elastalert2.readthedocs.io (ruletypes). A rule whose filter cannot be translated whole is not made: half a filter finds other things.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flink_jobs.rules.check import check, near
from flink_jobs.rules.elastalert_filters import field_of, where_of
from flink_jobs.rules.elastalert_imports import mapping, read_file, said, whole
from flink_jobs.rules.elastalert_options import LIMITED, NOT_NEEDED, fate_of
from flink_jobs.rules.elastalert_schedule import schedule_of
from flink_jobs.rules.marked import Marked
from flink_jobs.rules.types import RULE_TYPES
from flink_jobs.rules.vocabulary import COMMON
from logverse import durations
from logverse.errors import Malformed

_UNITS = {"weeks": 604_800_000, "days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1000, "milliseconds": 1}
# Their options that hold a span of time, and those of them that are our window.
_WINDOWS = ("timeframe", "buffer_time", "terms_window_size")
_BUFFERED = ("metric_aggregation", "percentage_match")  # types whose window is the buffer_time
_FIELDS = ("compare_key", "cardinality_field", "metric_agg_key", "fields", "query_key")
_RENAMED = {"min_denominator": "min_count", "min_doc_count": "min_count", "percentile_range": "percentile"}
_TYPES = {"metric_aggregation": {"percentiles": "percentile", "value_count": "count"}}


@dataclass(frozen=True, slots=True)
class Note:
    """Something of a rule that is not as it was there: `needed` when somebody must look at it before the rule does its work."""

    line: int
    what: str
    remedy: str
    needed: bool = True


@dataclass(slots=True)
class Imported:
    """A rule of ElastAlert2's: the entry that it becomes (None: it cannot), and what became of the rest."""

    file: Path
    name: str
    entry: dict[str, Any] | None = None
    notes: list[Note] = field(default_factory=list)


def translated(path: Path, text: str, read: Callable[[Path], str] = read_file) -> Imported:
    """The rule of this file, with what it imports. Malformed when it holds none."""
    there = mapping(path, text)
    try:
        there = whole(there, read)
    except Malformed as error:
        note = Note(there.place("import")[1], f"import: {error}", "put the file there, or copy into this one what it says")
        return Imported(path, str(there.values.get("name", path.stem)), None, [note])
    if "type" not in there.values:
        raise Malformed("no rule of ElastAlert2: it has no `type:`")
    return _Translation(there, path).whole()


class _Translation:
    def __init__(self, there: Marked, path: Path) -> None:
        self._there, self._values = there, there.values
        name = str(self._values.get("name", path.stem))
        self._made = Imported(path, name)
        self._entry: dict[str, Any] = {"name": _name(name), "type": self._values["type"]}

    def whole(self) -> Imported:
        kind = self._values["type"]
        if not isinstance(kind, str) or kind not in RULE_TYPES:
            self._note("type", f"type {kind} is not known here", near(str(kind), RULE_TYPES))
            return self._made
        for name in self._values:
            self._take(name, kind)
        self._note_not_needed()
        self._entry.setdefault("group_by", [])  # there, without a query_key, everything counts together
        if kind in _BUFFERED and "window" not in self._entry:
            self._note("type", "no buffer_time stands in this file: the window is 60s", "window: as its config.yaml has buffer_time", False)
        rule, problems = check(self._entry)
        for problem in problems:
            self._note(problem.field, f"{problem.field}: {problem.problem}", problem.remedy)
        if rule is not None and not any(note.needed for note in self._made.notes):
            self._made.entry = self._entry
        return self._made

    def _take(self, name: str, kind: str) -> None:
        try:
            self._set(name, self._values[name], kind)
        except Malformed as error:
            remedy = "write the condition by hand, docs/rules.md has all forms"
            self._note(name, f"{name}: {error}", remedy, key=_clause(self._values[name]) if name == "filter" else "")

    def _set(self, name: str, value: Any, kind: str) -> None:
        entry, known = self._entry, RULE_TYPES[kind].options
        if name in ("name", "type"):
            return
        if name == "filter":
            if where := where_of(value):
                entry["where"] = where
        elif name == "match_bucket_filter":
            entry["match"] = where_of(value)
        elif name == "query_key" and kind == "new_term":
            self._keys_of_terms(value)
        elif name == "query_key":
            entry["group_by"] = [field_of(one) for one in _listed(value)]
        elif name in _WINDOWS and not (name == "buffer_time" and "timeframe" in self._values):
            ours = "forget_after" if kind == "change" else name
            entry[ours if ours in known else "window"] = durations.written(_span(value))
        elif name in ("description", "owner"):
            entry[name] = " ".join(str(value).split())
        elif name == "is_enabled":
            entry["enabled"] = value
        elif name == "limit_execution" and (schedule := schedule_of(value)) is not None:
            entry |= {"schedule": schedule} if schedule else {}
            if schedule and not self._values.get("limit_execution_coverage"):
                self._note(name, *LIMITED)
        elif name == "limit_execution_coverage":
            return  # of limit_execution, which has said what is to be said
        elif (ours := _RENAMED.get(name, name)) in known:
            entry[ours] = self._option(ours, value, kind)
        else:
            self._left_out(name)

    def _keys_of_terms(self, value: Any) -> None:
        """A term is new over all there, whatever its query_key; that is the term itself where there are no `fields`."""
        if "fields" not in self._values:
            self._entry["fields"] = [_fields(value)]
        else:
            self._note("query_key", "query_key is dropped: here each new value has an alert of its own", "leave it out", needed=False)

    def _option(self, name: str, value: Any, kind: str) -> Any:
        if name in _FIELDS and name in RULE_TYPES[kind].field_options:
            return _fields(value[0] if name == "compare_key" and isinstance(value, list) and len(value) == 1 else value)
        if name in ("blacklist", "whitelist") and isinstance(value, list):
            for one in value:
                if str(one).startswith("!file"):
                    self._note(name, f"{name}: {str(one)[:100]}: the file is not read", "write its values into the list")
        if name == "metric_agg_key":
            return {"bytes": "http.response.body.size", "http.response.body.bytes": "http.response.body.size"}.get(str(value), value)
        return _TYPES.get(kind, {}).get(value, value) if name == "metric_agg_type" and isinstance(value, str) else value

    def _left_out(self, name: str) -> None:
        if name in NOT_NEEDED:
            return
        if fate := fate_of(name, self._values):
            self._note(name, *fate)
        else:
            known = [*RULE_TYPES[self._values["type"]].options, *COMMON]
            self._note(name, f"{name} has no like here", f"leave it out, or see what a rule may say: {near(name, known)}")

    def _note_not_needed(self) -> None:
        """One line for all of them: most rules have several."""
        if names := [name for name in self._values if name in NOT_NEEDED]:
            what = f"{', '.join(names)}: not needed here"
            self._note(names[0], what, "nothing to do: how logs are kept and asked is not the rules' business", needed=False)

    def _note(self, name: str, what: str, remedy: str, needed: bool = True, key: str = "") -> None:
        theirs = {"window": _WINDOWS, "where": ("filter",), "match": ("match_bucket_filter",), "group_by": ("query_key",)}.get(
            name, (name,)
        )
        place = next((self._there.place(one, key) for one in theirs if one in self._values), self._there.begins)
        line = place[1] if place[0] == self._made.file else self._there.place("import")[1]
        self._made.notes.append(Note(line, said(place, self._made.file) + what, remedy, needed))


def yaml_of(rules: list[Imported]) -> str:
    """A rule file of what could be translated; what became of the rest stands above each rule as a comment."""
    lines = ["# Translated from ElastAlert2 by `logverse rules import-elastalert`.", "rules:"]
    for rule in rules:
        lines += [f"  # {line}" for line in _comment(rule)]
        if rule.entry is not None:
            text = yaml.safe_dump([rule.entry], sort_keys=False, width=120)
            lines += [f"  {line}" for line in text.rstrip().split("\n")]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _comment(rule: Imported) -> Iterator[str]:
    yield _line(f"{rule.file.name}: {rule.name}" + ("" if rule.entry else ": NOT TRANSLATED"))
    for note in rule.notes:
        if note.needed or note.remedy:
            yield _line(f"line {note.line}: {note.what}" + (f" → {note.remedy}" if note.remedy else ""))


def _line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _name(name: str) -> str:
    """A name as ours are: letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-._")[:100] or "rule"


def _clause(filters: Any) -> str:
    """The place in the list of the first filter that has no like here."""
    for number, one in enumerate(filters if isinstance(filters, list) else []):
        try:
            where_of([one])
        except Malformed:
            return str(number)
    return ""


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _fields(value: Any) -> Any:
    """Fields as they stand there: one, a list, or lists within a list."""
    return [_fields(one) for one in value] if isinstance(value, list) else field_of(str(value))


def _span(value: Any) -> int:
    if not isinstance(value, Mapping) or not value or any(unit not in _UNITS for unit in value):
        raise Malformed(f"{value!r:.60} is no span of time")
    try:
        return int(sum(_UNITS[unit] * float(number) for unit, number in value.items()))
    except (TypeError, ValueError, OverflowError):
        raise Malformed(f"{value!r:.60} is no span of time") from None
