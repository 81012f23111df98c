"""CSV whose first line names its columns; comma, semicolon, tab or bar between them."""

from __future__ import annotations

import csv
import re

from logverse.errors import Malformed
from producers.parsers import names as known
from producers.parsers.json_log import JsonLog
from producers.parsers.parsed import Header, Parsed
from producers.routes import Routes

_NAME = re.compile(r"[A-Za-z_@][\w .@/()-]{0,127}", re.ASCII)
_SEPARATORS = ",;\t|"
_KNOWN = {*known.ALIASES, *known.TIMES, *known.BODIES, *known.SEVERITIES}  # of two columns one is known, or it may be a sentence
_MOST = 512  # columns


class Csv:
    """Rows read as if they were JSON objects with the header's names: the same names mean the same. Empty cells are left out."""

    def __init__(self, routes: Routes, header: str = "") -> None:
        self._routes, self._json, self._header = routes, JsonLog(routes), header
        self._separator, self._names = _columns(header)

    def headed(self, first_line: str) -> Csv:
        """The parser for a file that begins with this line."""
        return Csv(self._routes, first_line)

    def parse(self, line: str) -> Parsed:
        """The event in this row; Header for the header; Malformed when it has other columns than the header, or there is none."""
        if line == self._header and self._names:
            raise Header("header")
        if not self._names:
            raise Malformed("CSV without a header of names")
        cells = _cells(line, self._separator)
        if len(cells) != len(self._names):
            raise Malformed("other columns than the CSV's header")
        return self._json.of({name: cell for name, cell in zip(self._names, cells, strict=True) if cell}, line)


def _columns(header: str) -> tuple[str, list[str]]:
    separator = max(_SEPARATORS, key=header.count)
    try:
        names = [name.strip() for name in _cells(header.lstrip("\ufeff"), separator)]
    except Malformed:
        return separator, []
    fine = len(set(names)) == len(names) <= _MOST and all(map(_NAME.fullmatch, names))
    return separator, names if fine and (len(names) > 2 or _KNOWN & set(names)) else []


def _cells(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    try:
        (cells,) = csv.reader([line], delimiter=separator, strict=True)
    except (csv.Error, ValueError) as error:
        raise Malformed("quotes of CSV that do not match") from error
    return cells
