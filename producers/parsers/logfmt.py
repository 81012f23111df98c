"""logfmt: `time=2026-11-21T10:00:00Z level=error msg="it failed" user=ann` (slog, logrus, Heroku, Grafana)."""

from __future__ import annotations

import re
from typing import Any

from logverse.errors import Malformed
from producers.parsers.json_log import JsonLog
from producers.parsers.parsed import Parsed
from producers.routes import Routes

_PAIR = re.compile(r'([^\s="]{1,128})(?:=(?:"((?:[^"\\]|\\.)*+)"|([^\s"]*+)))?(?:\s++|$)', re.ASCII | re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_FEWEST = 2  # pairs: one `a=b` stands in any text


class Logfmt:
    """Pairs of one line, read as if they were members of a JSON object: the same names mean the same."""

    def __init__(self, routes: Routes) -> None:
        self._json = JsonLog(routes)

    def parse(self, line: str) -> Parsed:
        """The event in this line; Malformed when it is not made of pairs."""
        content, at, pairs, text = dict[str, Any](), 0, 0, line.strip()
        while at < len(text):
            match = _PAIR.match(text, at)
            if match is None:
                raise Malformed("not logfmt")
            name, quoted, bare = match.groups()
            given = quoted is not None or bare is not None
            pairs += given
            content[name] = _unescaped(quoted) if quoted is not None else bare if bare is not None else True
            at = match.end()
        if pairs < _FEWEST or pairs < len(content) - 1:
            raise Malformed("not logfmt")
        return self._json.of(content, line)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text) if "\\" in text else text
