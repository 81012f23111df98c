"""`http.route` for sources that name none: what is variable in a path becomes a placeholder, and the number of routes stays bounded."""

from __future__ import annotations

import re

MAX_ROUTES = 500  # of one service
MAX_GROUPS = 100  # `/first/{rest}` beyond them
_MAX_SEGMENTS = 8
_MAX_SEGMENT = 40
_CACHED_PATHS = 8192

_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}", re.ASCII)
_HEX = re.compile(r"(?=.*\d)(?=.*[a-fA-F])(?:0x)?[0-9a-fA-F]{6,}", re.ASCII)
_DATE = re.compile(r"(?:19|20)\d\d-?[01]\d-?[0-3]\d", re.ASCII)
_VERSION = re.compile(r"v\d{1,2}", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_FILE = re.compile(r"[^.].*(\.[A-Za-z][A-Za-z0-9]{0,5})", re.ASCII)
_ASSETS = re.compile(r"\.(css|m?js|map|png|jpe?g|gif|svg|webp|ico|woff2?|ttf|eot|mp[34]|pdf|zip|gz|jar|exe|deb|rpm)", re.ASCII | re.I)

_WORDS = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII)


class Routes:
    """The routes of one service. The same paths in the same order give the same routes; memory is bounded.

    Beyond MAX_ROUTES a new route counts under its first segment, beyond MAX_GROUPS of those under `{other}`.

    >>> Routes().of("/user/42/orders/2f1c9a0e-5a3b-4c58-9d5e-0123456789ab")
    '/user/{id}/orders/{uuid}'
    """

    def __init__(self, max_routes: int = MAX_ROUTES, max_groups: int = MAX_GROUPS) -> None:
        self._max_routes, self._max_groups = max_routes, max_groups
        self._known: set[str] = set()
        self._groups: set[str] = set()
        self._cache: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The route of a path (which carries no query)."""
        found = self._cache.get(path)
        if found is None:
            found = self._bounded(template(path))
            if len(self._cache) >= _CACHED_PATHS:
                self._cache.clear()
            if len(path) <= 256:
                self._cache[path] = found
        return found

    def _bounded(self, route: str) -> str:
        if _learn(route, self._known, self._max_routes):
            return route
        group = f"/{route.split('/', 2)[1]}/{{rest}}" if route.startswith("/") else "{other}"
        return group if _learn(group, self._groups, self._max_groups) else "{other}"


def template(path: str) -> str:
    """The path with placeholders for what varies; what is no path (`*`, a host) is `{other}` but for the asterisk.

    >>> template("/static/app.3f9a2c.js"), template("/v2/product_7"), template("/report/2026-11-21")
    ('/static/{file}.js', '/v2/product_{n}', '/report/{date}')
    """
    if path == "*":
        return path
    if not path.startswith("/"):
        return "{other}"
    segments = path.partition(";")[0].split("/", _MAX_SEGMENTS + 1)[1:]
    written = [_segment(segment) for segment in segments[:_MAX_SEGMENTS]]
    return "/" + "/".join([*written, "{rest}"] if len(segments) > _MAX_SEGMENTS else written)


def _segment(text: str) -> str:
    if text.isascii() and text.isalpha() and len(text) <= _MAX_SEGMENT:
        return text
    if _UUID.fullmatch(text):
        return "{uuid}"
    if _DATE.fullmatch(text):
        return "{date}"
    if text.isdigit() or _VERSION.fullmatch(text):
        return "{id}" if text.isdigit() else text
    if _HEX.fullmatch(text):
        return "{hex}"
    if "@" in text:
        return "{email}"
    return _wordy(text)


def _wordy(text: str) -> str:
    file = _FILE.fullmatch(text)
    if len(text) > _MAX_SEGMENT or not _WORDS.fullmatch(text):
        return "{token}" + (file[1] if file else "")
    runs = len(_DIGITS.findall(text))
    if file and (_ASSETS.fullmatch(file[1]) or _DIGITS.search(text[: file.start(1)])):
        return "{file}" + file[1]
    if runs > 2 and not file:
        return "{id}"
    return _DIGITS.sub("{n}", text) if runs and not file else text


def _learn(name: str, known: set[str], most: int) -> bool:
    if name not in known and len(known) < most:
        known.add(name)
    return name in known
