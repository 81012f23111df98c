"""Mail addresses, also as URLs write them (`%40`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from producers.masking.pattern import Found, Signs

_AT = re.compile(r"[@＠]|%(?:25){0,3}40")
# Read backwards from the @, so that each character is looked at once. URLs write + as %2B.
_LOCAL_BACKWARDS = re.compile(r"(?:[bB]2(?:52){0,3}%|[\w.+!#$*^`{|}~'-])++")
_LONGEST_LOCAL = 320
# `logo@2x.png` is a picture for fine screens.
_DOMAIN = re.compile(r"(?!\dx\.(?:png|jpe?g|gif|webp|avif|svg)\b)(?:[\w-]{1,63}(?:[.。]|%2[eE])){1,8}[^\W\d_][\w-]{1,62}")
_PLUS = re.compile(r"%(?:25){0,3}2[bB]")


class Mail:
    """`jo.doe+x@mail.example.com`; the name part too when it is longer than the standard (RFC 5321) allows.

    >>> [found.value for found in Mail().found("to=Jo%40Example.com, jo@web-1")]
    ['jo@example.com']
    """

    def suspected(self, signs: Signs) -> bool:
        return "@" in signs.text or ("%" in signs.text and "40" in signs.text)

    def found(self, text: str) -> Iterator[Found]:
        last = 0
        for at in _AT.finditer(text):
            before = text[max(last, at.start() - _LONGEST_LOCAL) : at.start()]
            local = _LOCAL_BACKWARDS.match(before[::-1])
            domain = _DOMAIN.match(text, at.end())
            if local and domain:
                start = at.start() - local.end()
                name = _PLUS.sub("+", text[start : at.start()])
                yield Found(start, domain.end(), f"{name}@{domain[0]}".lower())
            last = domain.end() if local and domain else at.end()

    def named(self, name: str) -> bool:
        return False
