"""Lucene's query language, as `query_string` filters write it: a text becomes a tree of field queries, or an error that says what is not
understood. Precedence as people mean it: NOT before AND before OR; two clauses side by side are an OR, Elasticsearch's default.

See lucene.apache.org/core (classic query parser syntax). Boosts, fuzziness and proximity change only scores or are inexact: refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from logverse.errors import Malformed


@dataclass(frozen=True, slots=True)
class Asked:
    """One field is asked for: `kind` is term, phrase, regex, range or exists; `low` and `high` (operator, value) are of a range."""

    field: str  # "": any field
    kind: str
    text: str = ""
    low: tuple[str, str] | None = None
    high: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Neither:
    part: Query


Query: TypeAlias = "Asked | Both | Either | Neither"

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<phrase>"(?:[^"\\]|\\.)*")
    | (?P<regex>/(?:[^/\\]|\\.)+/)
    | (?P<range>[\[{]\s*(?P<from>\S+)\s+TO\s+(?P<to>[^\s\]}]+)\s*[\]}])
    | (?P<mark>&&|\|\||[()!+]|-(?=\S))
    | (?P<field>(?:[^\s:()"\[\]{}\\+!^~/-]|\\.)(?:[^\s:()"\[\]{}\\^~]|\\.)*):
    | (?P<compared>[<>]=?\s*[^\s()]+)
    | (?P<word>(?:[^\s:()"\[\]{}\\^~]|\\.)+)
    )""",
    re.VERBOSE,
)
_WORDS = {"AND": "and", "&&": "and", "OR": "or", "||": "or", "NOT": "not", "!": "not"}
_DEEPEST = 20


def parsed(text: str) -> Query:
    """The query in this text; Malformed says what in it is not understood."""
    parser = _Parser(list(_tokens(text)))
    query = parser.either("", 0)
    if parser.next is not None:
        raise Malformed(f"{parser.next[1]!r} is not understood here")
    return query


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise Malformed(f"{text[place : place + 20].strip()!r} is not understood")
        place = match.end()
        kind, found = match.lastgroup or "", match[match.lastgroup or 0]
        if match["range"]:
            kind, found = "range", match["range"]
        elif kind in ("word", "mark") and found in _WORDS:
            kind, found = _WORDS[found], found
        elif kind == "mark":
            kind = found
        yield kind, found
        if kind in ("phrase", "word", "regex", ")") and text[place : place + 1] in ("^", "~") and text[place : place + 1]:
            raise Malformed(f"{text[place : place + 4].strip()!r}: boosts and fuzziness are not understood")


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens, self._place = tokens, 0

    @property
    def next(self) -> tuple[str, str] | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _take(self, *kinds: str) -> str | None:
        if self.next is None or self.next[0] not in kinds:
            return None
        self._place += 1
        return self._tokens[self._place - 1][1]

    def either(self, field: str, depth: int) -> Query:
        if depth > _DEEPEST:
            raise Malformed(f"nested deeper than {_DEEPEST}")
        parts = [self._both(field, depth)]
        while self.next is not None and self.next[0] != ")":
            self._take("or")
            parts.append(self._both(field, depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self, field: str, depth: int) -> Query:
        parts = [self._one(field, depth)]
        while self._take("and") or (self.next is not None and self.next[0] in ("+", "-", "not")):
            parts.append(self._one(field, depth))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self, field: str, depth: int) -> Query:
        if self._take("not", "-"):
            return Neither(self._one(field, depth))
        self._take("+")
        if self._take("("):
            inner = self.either(field, depth + 1)
            if not self._take(")"):
                raise Malformed("a bracket does not close")
            return inner
        if (named := self._take("field")) is not None:
            return self._one(_bare(named), depth + 1)
        return self._asked(field)

    def _asked(self, field: str) -> Query:
        if self.next is None:
            raise Malformed("it ends where a value should stand")
        kind, found = self.next
        self._place += 1
        if kind == "word":
            return Asked(_bare(found), "exists") if field == "_exists_" else Asked(field, "term", found)
        if kind == "phrase":
            return Asked(field, "phrase", _bare(found[1:-1]))
        if kind == "regex":
            return Asked(field, "regex", found[1:-1])
        if kind == "compared":
            operator = found[: 2 if found[1:2] == "=" else 1]
            end = (operator, found[len(operator) :].strip())
            return Asked(field, "range", low=end) if operator[0] == ">" else Asked(field, "range", high=end)
        if kind == "range":
            return _range(field, found)
        raise Malformed(f"{found!r} is not understood here")


def _range(field: str, text: str) -> Query:
    low, high = text[1:-1].split(" TO ")
    ends = (">=" if text[0] == "[" else ">", low.strip()), ("<=" if text[-1] == "]" else "<", high.strip())
    known = [None if value == "*" else (operator, value) for operator, value in ends]
    return Asked(field, "range", low=known[0], high=known[1])


def _bare(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
