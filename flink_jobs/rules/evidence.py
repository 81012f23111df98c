"""The command that shows the lines behind an alert: `logverse query events …`, with as much of the rule as its flags can say."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from flink_jobs.rules.conditions import ALIASES
from flink_jobs.rules.plan import Plan
from logverse import instant
from logverse.instant import Millis

_FLAGS = {
    "service.name": "--service", "log.type": "--type", "http.response.status_code": "--status", "http.route": "--route",
    "client.address": "--client", "user.id": "--user", "severity_number": "--severity",
}  # fmt: skip


def query(plan: Plan, group: Mapping[str, str], since: Millis, until: Millis) -> str:
    """The command, or "" when no service is known: history is kept by service. Values are quoted for a shell: log lines bring them.

    `since` and `until` are event time in milliseconds; whole seconds around them.
    """
    wanted = {
        **_plain(plan.rule.options.get("match", {})),
        **_plain(plan.rule.where),
        **{name: value for name, value in group.items() if value},
    }
    if not wanted.get("service.name"):
        return ""
    flags = [part for name, flag in _FLAGS.items() if (value := wanted.get(name)) for part in (flag, value)]
    times = ["--since", _clock(since), "--until", _clock(until + 999)]
    return " ".join(["logverse", "query", "events", *map(_word, [*flags, *times])])


def _plain(where: Mapping[str, Any]) -> dict[str, str]:
    """The conditions that a flag takes as they are written."""
    found = {}
    for written, condition in where.items():
        name, values = ALIASES.get(written, written), condition if isinstance(condition, list | tuple) else [condition]
        if not all(isinstance(value, str | int) for value in values):
            continue
        text = ",".join(map(str, values))
        if name in ("http.response.status_code", "severity_number"):
            found[name] = f"{text[2:].strip()}+" if text.startswith(">=") and "," not in text else text
        elif len(values) == 1 and not text.startswith(("!=", "/")) and "*" not in text:
            found[name] = text.removeprefix("=")
    return {name: text for name, text in found.items() if not any(sign in text for sign in "!<>")}


def _word(text: str) -> str:
    return shlex.quote("".join(char for char in text if char.isprintable()))


def _clock(at: Millis) -> str:
    return instant.written(at // 1000 * 1000)[:19] + "Z"
