"""Addresses of the Internet protocol, both versions."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

from producers.masking.pattern import Found, Signs

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|0?\d?\d)"
# Digits first, so that the search leaps from digit to digit; what stands before is looked at afterwards.
_V4 = re.compile(r"\d{1,3}+(?:\.\d{1,3}+){3}(?!\w|\.\d)", re.ASCII)
# A name, or a longer row of numbers.
_PART_OF_MORE = re.compile(r"(?:\w|\d\.)\Z", re.ASCII)
_COLON = r"(?::|%3[aA])"
_V6 = re.compile(rf"(?<![\w:.])(?:[0-9A-Fa-f]{{0,4}}{_COLON}){{2,7}}(?:{_BYTE}(?:\.{_BYTE}){{3}}|[0-9A-Fa-f]{{0,4}})(?![\w:])", re.ASCII)
# Browsers write their version so: Chrome/142.0.0.0.
_VERSION = re.compile(r"\d+\.0\.0\.0")


class Ip:
    """
    >>> [found.value for found in Ip().found("[2001:DB8::7]:443 to namenode/10.0.3.7:8020 by Chrome/142.0.0.0 at 12:00:00")]
    ['2001:db8::7', '10.0.3.7']
    """

    def suspected(self, signs: Signs) -> bool:
        return signs.text.count(".") >= 3 or signs.text.count(":") >= 2 or ("%" in signs.text and "%3a" in signs.lower)

    def found(self, text: str) -> Iterator[Found]:
        places = [found for match in _V4.finditer(text) if (found := _v4(match))] if text.count(".") >= 3 else []
        if "::" in text or text.count(":") >= 6 or "%3" in text:
            sixes = [found for match in _V6.finditer(text) if (found := _v6(match))]
            places = sorted([*sixes, *(four for four in places if not _within(four, sixes))])
        return iter(places)

    def named(self, name: str) -> bool:
        return False


def _v4(match: re.Match[str]) -> Found | None:
    start, text, parts = match.start(), match.string, match[0].split(".")
    before = text[max(0, start - 2) : start]
    if max(map(int, parts)) > 255 or _PART_OF_MORE.search(before):
        return None
    if before[-1:] == "/" and before[0].isalpha() and _VERSION.fullmatch(match[0]):
        return None
    return Found(start, match.end(), ".".join(str(int(part)) for part in parts))


def _v6(match: re.Match[str]) -> Found | None:
    written = re.sub("%3[aA]", ":", match[0])
    if ("::" not in written and written.count(":") < 6) or written == "::":
        return None  # a time
    try:
        return Found(match.start(), match.end(), str(IPv6Address(written)))
    except AddressValueError:
        return None


def _within(inner: Found, outer: list[Found]) -> bool:
    place = bisect_right(outer, inner.start, key=lambda one: one.start) - 1
    return place >= 0 and inner.start < outer[place].end
