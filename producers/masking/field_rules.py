"""Rules of the policy that name fields: what they say goes, and what stood there goes from the rest of the event too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import orjson

from logverse.event import FIELDS
from producers.masking.policy import FIXED
from producers.parsers import names

Instead = Callable[[Any, str], str]
_CACHED = 4096
_DEEPEST = 32
_LONGEST_NAME = 512  # a longer one fits no rule but `*`
_FEW = 32  # values that are looked for in the rest of any event; more of them times its bytes:
_MOST_WORK = 16_000_000
_BODIES = frozenset(name.lower() for name in names.BODIES)
_CONTAINERS = tuple(name.lower() for name in names.CONTAINERS)


def _called() -> dict[str, tuple[str, ...]]:
    """For each name all names of the same field, in lower case; a whole URL is path, query and route."""
    alike: dict[str, set[str]] = {}
    for name, ours in names.ALIASES.items():
        alike.setdefault(ours, set()).update((ours, name.lower()))
    for part in ("url.path", "url.query", "http.route"):
        alike[part].update(name.lower() for name in names.TARGETS)
    return {name: tuple(group) for group in alike.values() for name in group if name not in names.TARGETS}


_CALLED = _called()


class FieldRules:
    """`rules`: lower-case field name → action; `*` in a name stands for anything. The first that fits counts.

    A rule fits a field by any of its names (ours, and those of `producers.parsers.names`), and all that is within it.
    """

    def __init__(self, rules: Mapping[str, str]) -> None:
        rules = {_bare(name): action for name, action in rules.items()}
        self._rules = [(re.compile(f"{translate(name)}|{translate(name + '.*')}"), action) for name, action in rules.items()]
        self._body = next((action for name, action in rules.items() if name in _BODIES), "")
        self._acting = any(action != "keep" for action in rules.values())
        self._known: dict[str, str] = {}

    def __bool__(self) -> bool:
        return self._acting

    def apply(self, flat: dict[str, Any], instead: Instead) -> None:
        """Replace the values of fields by what `instead` makes of value and action; what it makes nothing of is taken away."""
        for name in [name for name in flat if name not in FIXED and name != "attributes" and self._acts(name)]:
            value, typed = flat[name], FIELDS.get(name, str)
            action = self.action(name)
            replaced = instead(value, action if typed is str else "drop")
            if replaced or name == "body":
                flat[name] = replaced
            else:
                del flat[name]
        if "attributes" in flat:
            flat["attributes"] = self._members(flat["attributes"], "", instead, 1)

    def take_out(self, flat: dict[str, Any], gone: Mapping[str, str]) -> None:
        """Replace what is `gone` wherever else it stands as a word of its own, also as JSON or a URL writes it."""
        if not gone:
            return
        if len(gone) > _FEW and len(gone) * len(orjson.dumps(flat)) > _MOST_WORK:
            return _nothing_else(flat)
        words = [(form, by) for value, by in gone.items() for form in _forms(value)]
        for value, by in sorted(words, key=lambda word: -len(word[0])):
            for name, text in flat.items():
                if type(text) is str and name not in FIXED and value in text:
                    flat[name] = _replaced(text, value, by)
        if words and "attributes" in flat:
            flat["attributes"] = _nested(flat["attributes"], words, 1)

    def rewritten(self, body: str, instead: Instead) -> str:
        """The body again when it is a JSON object, as a whole line is: without what the rules take out, however it was written there."""
        if not body.startswith("{"):
            return body
        try:
            content = orjson.loads(body)
            masked = self._members(content, "", instead, 1)
            return body if masked == content else orjson.dumps(masked).decode()
        except (orjson.JSONDecodeError, TypeError):  # TypeError is what orjson raises for JSON nested deeper than it writes
            return body

    def action(self, name: str) -> str:
        """What happens to a field of this name."""
        found = self._known.get(name)
        if found is None:
            lower = _bare(name.lower()[:_LONGEST_NAME])
            called = _CALLED.get(lower, (lower,))
            found = next((action for rule, action in self._rules if any(rule.match(one) for one in called)), "keep")
            if lower == "body" and found == "keep":
                found = self._body or "keep"
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[name[:_LONGEST_NAME]] = found
        return found

    def _acts(self, name: str) -> bool:
        return self.action(name) != "keep"

    def _members(self, members: Mapping[str, Any], above: str, instead: Instead, depth: int) -> dict[str, Any]:
        whole: dict[str, Any] = {}
        for name, value in members.items():
            path = (above + name)[:_LONGEST_NAME]
            if self._acts(path):
                replaced = instead(value, self.action(path))
                if replaced:
                    whole[name] = replaced
            else:
                whole[name] = self._inner(value, path + ".", instead, depth)
        return whole

    def _inner(self, value: Any, above: str, instead: Instead, depth: int) -> Any:
        if depth >= _DEEPEST and isinstance(value, dict | list):
            return instead(value, "mask")  # deeper than anybody looks: whether a rule fits cannot be told
        if isinstance(value, dict):
            return self._members(value, above, instead, depth + 1)
        if isinstance(value, list):
            return [self._inner(one, above, instead, depth + 1) for one in value]
        return value


@lru_cache(maxsize=4096)
def _forms(value: str) -> frozenset[str]:
    """The ways in which a value stands in lines; none for nothing."""
    if len(value) > 256:
        return frozenset({value})
    forms = {value, json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(value)[1:-1]}
    if value.isprintable():
        forms |= {quote(value), quote(value, safe="")}
    return frozenset(forms - {""})


def _nothing_else(flat: dict[str, Any]) -> None:
    """More went out than can be looked for: no other text is kept, as it may hold some of it."""
    for name in [name for name, value in flat.items() if (type(value) is str and name not in FIXED) or name == "attributes"]:
        if name == "body":
            flat[name] = "[masked]"
        else:
            del flat[name]


def _bare(name: str) -> str:
    """Without the container that parsers take it out of."""
    return next((name[len(container) :] for container in _CONTAINERS if name.startswith(container)), name)


def _replaced(text: str, value: str, by: str) -> str:
    """Only whole words: `jo` in `join` is nobody's name.

    >>> _replaced("jo joined, jo=jo", "jo", "[masked]")
    '[masked] joined, [masked]=[masked]'
    """
    pieces, last, at = list[str](), 0, text.find(value)
    while at >= 0:
        end = at + len(value)
        if not (_goes_on(text, at - 1, value[0]) or _goes_on(text, end, value[-1])):
            pieces += (text[last:at], by)
            last = end
            at = text.find(value, end)
        else:
            at = text.find(value, at + 1)
    return "".join(pieces) + text[last:] if pieces else text


def _goes_on(text: str, place: int, edge: str) -> bool:
    return 0 <= place < len(text) and text[place].isalnum() and edge.isalnum()


def _nested(value: Any, words: list[tuple[str, str]], depth: int) -> Any:
    if isinstance(value, str):
        for word, by in words:
            value = _replaced(value, word, by) if word in value else value
    elif isinstance(value, dict) and depth < _DEEPEST:
        return {_nested(name, words, depth): _nested(one, words, depth + 1) for name, one in value.items()}
    elif isinstance(value, list) and depth < _DEEPEST:
        return [_nested(one, words, depth + 1) for one in value]
    return value
