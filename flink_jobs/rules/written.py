"""A rule as a file would have it: the way back from `check`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from logverse import durations
from logverse.rule import Rule

_USUAL = Rule("", "")
_SPANS = {"window_ms": "window", "for_ms": "for", "keep_firing_for_ms": "keep_firing_for"}


def entry_of(rule: Rule) -> dict[str, Any]:
    """The entry that says this rule, what goes without saying left out; `check` of it gives the rule again."""
    entry: dict[str, Any] = {"name": rule.name, "type": rule.type}
    for item in fields(rule):
        value = getattr(rule, item.name)
        if item.name in ("name", "type", "options", "deleted") or value == getattr(_USUAL, item.name):
            continue
        name = _SPANS.get(item.name, item.name)
        entry[name] = durations.written(value) if item.name in _SPANS else _plain(value)
    return {**entry, **{name: _plain(value) for name, value in rule.options.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
