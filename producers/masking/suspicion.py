"""What an event may hold of what must not leave: most lines hold nothing, and that has to be found out quickly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from producers.masking import PATTERNS
from producers.masking.pattern import Signs
from producers.masking.policy import FIXED

CACHED = 8192
DEEPEST = 32  # objects nested deeper become one text: hostile nesting must not exhaust the stack
SMALL = 10**9  # a number below it is nobody's card or phone
SAID = ("host.name", "event.outcome", "log.file.path", "log.record.original.sha256")  # of FIXED, what a line may say of itself

_LONGEST = 256  # characters of what is remembered
_HEX = frozenset("0123456789abcdefABCDEF")
_IDS = {"trace_id": 32, "span_id": 16}
_OURS = FIXED - set(SAID)


class Suspicion:
    """Answers with kinds of PATTERNS that may be there. One too many costs time; one that is missing would be a leak, so there is none.

    It rests on this: when a text has no sign of a kind, no part of the text has one.
    """

    def __init__(self, kinds: Iterable[str]) -> None:
        self.kinds = list(kinds)
        self._names = dict[str, str]()
        self._clean = set[str]()  # values in which there is nothing
        self._plain = set[str]()  # names in which there is nothing, and which say nothing of their values

    def cleared(self, lines: Sequence[bytes], kinds: Iterable[str] = ()) -> list[bool]:
        """For each line, in order, whether it has no sign of anything (or of these kinds), as it stands. One question does for most."""
        data = b"\n".join(lines)
        found = self.of_text(data.decode(), kinds) if data.isascii() else self.kinds
        if not found or len(lines) < 2:
            return [not found] * len(lines)
        half = len(lines) // 2
        return [*self.cleared(lines[:half], found), *self.cleared(lines[half:], found)]

    def of_text(self, text: str, kinds: Iterable[str] = ()) -> list[str]:
        """The kinds, among these or among all, that may be in one text."""
        if not text.isascii():
            return self.kinds
        signs = Signs(text)
        return [kind for kind in kinds or self.kinds if PATTERNS[kind].suspected(signs)]

    def of_event(self, body: str, fields: Mapping[str, Any], attributes: Mapping[str, Any] | None, cleared: str = "") -> list[str]:
        """The kinds that may be in an event. `cleared`: a text without signs, so that what is part of it need not be looked at.

        Nor is what is part of the body, as it is in most lines, looked at a second time; nor values that come again and again.
        """
        base, known = cleared or body, self._clean
        fresh = [value for value in fields.values() if type(value) is str and value not in base and value not in known]
        if fresh:  # seldom, so that names are looked at only here
            fresh = [value for name, value in fields.items() if type(value) is str and value in fresh and not opaque(name, value)]
        texts = fresh if cleared and body in cleared else [body, *fresh]
        if attributes:
            texts = texts.copy()
            if not self._gathered(attributes, base, texts, 1):
                return self.kinds
        if not texts:
            return []
        kinds = self.of_text("\n".join(texts))
        if not kinds:
            self._remember(fresh)
        return kinds

    def kind_of(self, name: str) -> str:
        """The kind of what a field of this name holds, "" when that is not told by the name."""
        kind = self._names.get(name)
        if kind is None:
            kind = next((kind for kind in self.kinds if PATTERNS[kind].named(name)), "")
            if len(self._names) >= CACHED:
                self._names.clear()
            if len(name) <= _LONGEST:
                self._names[name] = kind
        return kind

    def _gathered(self, members: Mapping[str, Any], base: str, texts: list[str], depth: int) -> bool:
        """Put to `texts` what is not part of `base`; False when a name says what its value is, or below the deepest."""
        for name, value in members.items():
            if name not in self._plain:
                if self.kind_of(name):
                    return False
                self._look_at_name(name, texts)
            if type(value) is str:
                if value not in base:
                    texts.append(value)
            elif isinstance(value, dict | list):
                if depth >= DEEPEST or not all(self._gathered(inner, base, texts, depth + 1) for inner in _members(value)):
                    return False
            elif value is not None and (value >= SMALL or value <= -SMALL):
                texts.append(str(value))
        return True

    def _look_at_name(self, name: str, texts: list[str]) -> None:
        if self.of_text(name):
            texts.append(name)
        elif len(name) <= _LONGEST:
            if len(self._plain) >= CACHED:
                self._plain.clear()
            self._plain.add(name)

    def _remember(self, values: Iterable[str]) -> None:
        if len(self._clean) >= CACHED:
            self._clean.clear()
        self._clean.update(value for value in values if len(value) <= _LONGEST)


def _members(value: Mapping[str, Any] | list[Any]) -> Iterable[Mapping[str, Any]]:
    """What stands in an object or in a list, whose elements have no name of their own."""
    return [{"": one} for one in value] if isinstance(value, list) else [value]


def opaque(name: str, value: str) -> bool:
    """Whether nobody looks into it: what the event is found by, and ids of traces as they should be."""
    return name in _OURS or (name in _IDS and len(value) == _IDS[name] and _HEX.issuperset(value))
