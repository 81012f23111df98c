"""JSON as Flink's decoder reads it, for the few records on which a strict reader and Flink's may differ.

The detect job decodes with the `json` format: Jackson's UTF8StreamJsonParser under JsonParserRowDataDeserializationSchema (Flink 2.2,
`json.ignore-parse-errors`). Both are lenient in ways of their own: text after the object is not looked at, control characters may stand
in strings, bytes are UTF-8 by their first bits only, the last of two equal names wins, a bad value of a wanted column is null and reading
goes on right behind it. This file does the same, slowly. Known to differ: bad JSON inside an object or list that stands where a text is
wanted, numbers or nesting beyond Jackson's limits (1,000), and a byte 0xFF in a name: Jackson pads a name's last four bytes with ones
and may take it for a name that it has seen before (`attribut\\xffes` for `attributes`), which no reader of one record can know.
"""

from __future__ import annotations

import json
import re

from logverse.errors import Malformed

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_HEX = re.compile(r"[0-9a-fA-F]{0,3}")
_IN_STRING = re.compile(r'(?:[^"\\\udc80-\udcff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
# A lead byte and as many continuation bytes as its first bits promise: Jackson asks no more of a character.
_LOOSE_UTF8 = re.compile(rb"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}")


def columns(value: bytes, texts: frozenset[str], figures: frozenset[str]) -> dict[str, str | None]:
    """The wanted columns that Flink finds in these bytes: those of type STRING (`texts`) and those of others (`figures`), all as text.

    Malformed when Flink drops the record.
    """
    reader = _Reader(_text(value))
    if reader.next() != "{":
        raise Malformed("not a JSON object")
    found: dict[str, str | None] = {}
    seen = 0
    reader.next()
    while reader.kind != "}":
        if seen >= len(texts) + len(figures):  # Flink looks at no further name then
            reader.skip()
            continue
        name = reader.string()
        reader.next()
        if name not in texts and name not in figures:
            reader.skip()
            continue
        found[name] = _value(reader, whole=name in texts)
        seen += 1
        reader.next()
    return found


def _value(reader: _Reader, whole: bool) -> str | None:
    """The value at hand; null when it is bad. Of an object or list where a figure is wanted only the bracket is consumed."""
    if reader.kind == "null":
        return None
    if reader.kind in "[{":
        return reader.container() if whole else None
    try:
        return reader.string()
    except Malformed:
        return None


def _text(value: bytes) -> str:
    """Characters; a byte that can be none becomes one of U+DC80 to U+DCFF."""
    encoding = json.detect_encoding(value)
    if not encoding.startswith("utf-8"):
        return value.decode(encoding, "replace")
    return _LOOSE_UTF8.sub(_strict, value.removeprefix(b"\xef\xbb\xbf")).decode("utf-8", "surrogateescape")


def _strict(character: re.Match[bytes]) -> bytes:
    try:
        character[0].decode()
    except UnicodeDecodeError:
        return "\ufffd".encode()
    return character[0]


class _Reader:
    """Tokens one by one, as Jackson gives them. `kind` is the one at hand: `{ } [ ]`, `"…` for a string, else the scalar's own text."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._within: list[str] = []  # brackets to be closed
        self._unread = False  # the token is a string whose characters have not been looked at
        self._named = False  # the token is the name of a field
        self.kind = ""

    def next(self) -> str:
        if self._unread:
            self.string()
        begun, named, self._named = self.kind in ("{", "[") or not self.kind, self._named, False
        mark = self._mark()
        if mark in ("}", "]") and self._within and self._within[-1] == mark and not named:
            self._within.pop()
            return self._take(mark, 1)
        if named:
            self._want(mark, ":")
        elif not begun:
            self._want(mark, ",")
        mark = self._mark()
        if self._within and self._within[-1] == "}" and not named:
            if mark != '"':
                raise self._bad()
            self._named = True
        return self._begin(mark)

    def string(self) -> str:
        """The text of the token."""
        if not self._unread:
            return self.kind
        self._unread = False
        start, self._at = self._at, _end(_IN_STRING.match(self._text, self._at))
        if self._text[self._at : self._at + 1] != '"':
            self._at += _consumed(self._text[self._at : self._at + 6])
            raise Malformed("not JSON: a string that does not end, or holds what is no character")
        self._at += 1
        text: str = json.loads(self._text[start - 1 : self._at], strict=False)
        self.kind = '"' + text
        return text

    def skip(self) -> None:
        """Past the value at hand, to what follows it."""
        if self.kind in ("[", "{"):
            self.container()
        self.next()

    def container(self) -> str:
        """Past the rest of an object or list; its text as it stands."""
        start, depth = self._at - 1, len(self._within)
        while len(self._within) >= depth:
            self.next()
        return self._text[start : self._at]

    def _begin(self, mark: str) -> str:
        if mark == '"':
            self._unread = True
            return self._take('"', 1)
        if mark in ("{", "["):
            self._within.append({"{": "}", "[": "]"}[mark])
            return self._take(mark, 1)
        found = _SCALAR.match(self._text, self._at)
        if not found or self._text[found.end() : found.end() + 1].isalnum():
            raise self._bad()
        return self._take(found[0], len(found[0]))

    def _mark(self) -> str:
        self._at = _end(_SPACE.match(self._text, self._at))
        return self._text[self._at : self._at + 1]

    def _want(self, mark: str, wanted: str) -> None:
        if mark != wanted or not self._within:
            raise self._bad()
        self._at += 1

    def _take(self, token: str, length: int) -> str:
        self._at += length
        self.kind = token
        return token

    def _bad(self) -> Malformed:
        return Malformed("not JSON")


def _consumed(text: str) -> int:
    """How far Jackson has read when it gives up on what begins here: the byte that it could not take is gone too."""
    if text[:1] == "\\":
        return 2 if text[1:2] != "u" else _end(_HEX.match(text, 2)) + 1
    lead = ord(text[:1] or "\0") & 0xFF
    wanted = 2 if 0xC0 <= lead <= 0xDF else 3 if 0xE0 <= lead <= 0xEF else 4 if 0xF0 <= lead <= 0xF7 else 1
    taken = 1
    while taken < wanted and (following := text[taken : taken + 1]):
        if "\x80" <= following < "\udc80" or following > "\udcff":
            break  # its first byte is gone, what is left of it is no JSON either
        taken += 1
        if not "\udc80" <= following <= "\udcbf":
            break
    return taken


def _end(match: re.Match[str] | None) -> int:
    """Of a pattern that always matches, if only nothing."""
    return match.end() if match else 0
