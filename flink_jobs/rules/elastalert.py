"""Rules of ElastAlert2 as rules of ours: what means the same is taken over, what does not is named with its line and a remedy.

See elastalert2.readthedocs.io (ruletypes). A rule whose filter cannot be translated whole is not made: half a filter finds other things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flink_jobs.rules.check import check, near
from flink_jobs.rules.elastalert_filters import field_of, where_of
from flink_jobs.rules.marked import Marked, marked
from flink_jobs.rules.types import RULE_TYPES
from logverse import durations
from logverse.errors import Malformed

_UNITS = {"weeks": 604_800_000, "days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1000, "milliseconds": 1}
# Their options that hold a span of time, and those of them that are our window.
_WINDOWS = ("timeframe", "buffer_time", "terms_window_size")
_FIELDS = ("compare_key", "cardinality_field", "metric_agg_key", "fields", "query_key")
# Said by their file, and of no use here: where the log is kept, and how often it is asked.
_NOT_NEEDED = (
    "index", "doc_type", "es_host", "es_port", "timestamp_field", "timestamp_type", "timestamp_format", "use_strftime_index", "run_every",
    "query_delay", "max_query_size", "scroll_keepalive", "use_count_query", "use_terms_query", "terms_size", "import", "include",
    "allow_buffer_time_overlap", "use_run_every_query_size", "bucket_interval", "sync_bucket_interval", "generate_kibana_discover_url",
    "kibana_discover_app_url", "kibana_discover_version", "kibana_discover_index_pattern_id", "attach_related", "top_count_keys",
    "top_count_number", "raw_count_keys", "num_matches", "match_enhancements", "use_keyword_postfix", "run_enhancements_first",
)  # fmt: skip
_ALERTS = (
    "alert",
    "alerter",
    "realert",
    "exponential_realert",
    "aggregation",
    "aggregation_key",
    "aggregate_by_match_time",
    "summary_table_fields",
    "priority",
)
_RENAMED = {"min_denominator": "min_count", "percentile_range": "percentile"}
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


def translated(path: Path, text: str) -> Imported:
    """The rule of this file. Malformed when it holds none."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise Malformed(f"not YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise Malformed("no rule of ElastAlert2: a file of it is one mapping")
    there = marked(path, root)
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
        if kind not in RULE_TYPES:
            self._note("type", f"type {kind} is not known here", near(str(kind), RULE_TYPES))
            return self._made
        for name in self._values:
            self._take(name, kind)
        self._entry.setdefault("group_by", [])  # there, without a query_key, everything counts together
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
            self._note(name, f"{name}: {error}", "write the condition by hand, docs/rules.md has all forms")

    def _set(self, name: str, value: Any, kind: str) -> None:
        entry, known = self._entry, RULE_TYPES[kind].options
        if name in ("name", "type"):
            return
        if name == "filter":
            if where := where_of(value):
                entry["where"] = where
        elif name == "match_bucket_filter":
            entry["match"] = where_of(value)
        elif name == "query_key":
            entry["group_by"] = [field_of(one) for one in _listed(value)]
        elif name in _WINDOWS and not (name == "buffer_time" and "timeframe" in self._values):
            ours = "forget_after" if kind == "change" else name
            entry[ours if ours in known else "window"] = durations.written(_span(value))
        elif name in ("description", "owner"):
            entry[name] = " ".join(str(value).split())
        elif name == "is_enabled":
            entry["enabled"] = value
        elif (ours := _RENAMED.get(name, name)) in known:
            entry[ours] = self._option(ours, value, kind)
        else:
            self._left_out(name)

    def _option(self, name: str, value: Any, kind: str) -> Any:
        if name in _FIELDS and name in RULE_TYPES[kind].field_options:
            return _fields(value)
        if name == "metric_agg_key":
            return {"bytes": "http.response.body.size", "http.response.body.bytes": "http.response.body.size"}.get(str(value), value)
        return _TYPES.get(kind, {}).get(value, value) if name == "metric_agg_type" and isinstance(value, str) else value

    def _left_out(self, name: str) -> None:
        if name in _NOT_NEEDED:
            self._note(name, f"{name} is not needed here", "", needed=False)
        elif name in _ALERTS or name.startswith(("alert_", "kibana_")) or _channel(name, self._values):
            self._note(name, f"{name} is dropped", "who is told, and how, stands in alerting.yaml", needed=False)
        else:
            self._note(
                name,
                f"{name} has no like here",
                f"leave it out, or see what a rule may say: {near(name, RULE_TYPES[self._values['type']].options)}",
            )

    def _note(self, name: str, what: str, remedy: str, needed: bool = True) -> None:
        theirs = {"window": _WINDOWS, "where": ("filter",), "match": ("match_bucket_filter",), "group_by": ("query_key",)}.get(
            name, (name,)
        )
        place = next((self._there.place(one) for one in theirs if one in self._values), self._there.begins)
        self._made.notes.append(Note(place[1], what, remedy, needed))


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


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _fields(value: Any) -> Any:
    """Fields as they stand there: one, a list, or lists within a list."""
    return [_fields(one) for one in value] if isinstance(value, list) else field_of(str(value))


def _span(value: Any) -> int:
    if not isinstance(value, Mapping) or not value or any(unit not in _UNITS for unit in value):
        raise Malformed(f"{value!r:.60} is no span of time")
    return int(sum(_UNITS[unit] * float(number) for unit, number in value.items()))


def _channel(name: str, values: Mapping[str, Any]) -> bool:
    """Whether it is a setting of one of the alerters that the rule names: slack_webhook_url, email, smtp_host, …"""
    named = {str(one if not isinstance(one, Mapping) else next(iter(one), "")) for one in _alerters(values.get("alert"))}
    beside = ("smtp_", "email", "from_addr", "cc", "bcc", "http_post", "pipe_match_json", "command", "notify_email")
    return name.startswith((*named, *(alerter.split("_")[0] for alerter in named), *beside))


def _alerters(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else ["email"]
