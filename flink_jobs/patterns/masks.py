"""What varies in a log line and is masked before templates are made of it: in SQL for the job, in Python for tests and benchmarks.

The regular expressions keep to what Java's `Pattern` and Python's `re` read alike (a test holds it): ASCII classes spelled out instead
of \\d, \\w and \\b, no flags, no named groups, look-behinds of fixed width, no `$` or backslash in a replacement. None
repeats a group without a bound, so Java's matcher does not run out of stack. Where an expression must not begin within a word it takes
its first character and then looks back over it: so Python finds candidates by their first character, which is ten times faster.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WILD = "<*>"
READ = 4_000  # characters of a body that are masked, the first ones: the rest makes no pattern
KEPT = 1_000  # characters of what is left then


@dataclass(frozen=True, slots=True)
class Mask:
    """One form of what varies. `signs`: it cannot occur in a text that has none of these characters, so that one is not searched."""

    name: str
    pattern: str
    replacement: str
    signs: str


_DIGITS = "0123456789"
_ENDS = "(?![A-Za-z0-9])"

# In this order, each over what the former left.
MASKS: tuple[Mask, ...] = (
    Mask("space in front", r"^[ \t\r\n]+", "", " \t\r\n"),
    # A stack trace below the message is as long as the stack is deep.
    Mask("lines after the first", r"[\r\n][\s\S]*", "", "\r\n"),
    # Not a key of JSON, which ends in `":`; not the apostrophes of "can't … won't".
    Mask("quoted string", r'"(?<![A-Za-z0-9_]")[^"]{0,500}"(?![A-Za-z0-9_]| ?:)', WILD, '"'),
    Mask("text in apostrophes", r"'(?<![A-Za-z0-9_]')[^']{0,500}'(?![A-Za-z0-9_]| ?:)", WILD, "'"),
    Mask("mail address", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}", WILD, "@"),
    # At least two colons and a digit: IPv6 with or without port, MAC addresses, times of day.
    Mask(
        "address in hexadecimal",
        r"[0-9A-Fa-f:](?<![A-Za-z0-9:][0-9A-Fa-f:])(?:(?<=[0-9])|(?=[A-Fa-f:]{0,40}[0-9]))"
        r"(?:(?=[0-9A-Fa-f.]{0,40}:[0-9A-Fa-f.]{0,40}:)|(?<=:):)[0-9A-Fa-f:.]{0,44}[0-9A-Fa-f]" + _ENDS,
        WILD, ":",
    ),
    # 0x…, digests, UUIDs: six or more with a digit among them.
    Mask(
        "hexadecimal",
        r"[0-9A-Fa-f](?<![A-Za-z0-9][0-9A-Fa-f])"
        r"(?:(?<=0)x[0-9A-Fa-f]{1,64}|(?=[A-Fa-f-]{0,40}[0-9])[0-9A-Fa-f]{5,128}(?:-[0-9A-Fa-f]{4,12}){0,4})"
        + _ENDS,
        WILD, _DIGITS,
    ),
    # 12, 3.5, 1,234, 45%, 200ms, 10.0.3.7:8080, 2026-11-21T12:00:00.123Z, the 42 of blk_42, web-42 and /orders/42.
    Mask("number", r"[0-9](?<![A-Za-z0-9][0-9])[0-9]{0,64}+(?:[.:,T/-][0-9]{1,64}+){0,32}+(?:%|[A-Za-z]{1,3})?" + _ENDS, WILD, _DIGITS),
    Mask(
        "random id",
        r"[A-Za-z0-9](?<![A-Za-z0-9][A-Za-z0-9])(?=[A-Za-z]{0,40}[0-9][A-Za-z]{0,40}[0-9])[A-Za-z0-9]{11,128}" + _ENDS,
        WILD, _DIGITS,
    ),
    Mask(
        "name of month or day in a date",
        r"[JFMASONDTW](?<![A-Za-z0-9][A-Z])(?:an|eb|ar|pr|ay|un|ul|ug|ep|ct|ov|ec|on|ue|ed|hu|ri|at)"
        r"(?=,?[ /-]{1,2}(?:[A-Z][a-z]{2} {1,2})?<\*>)",
        WILD, "<",
    ),
    Mask("sign", r"[-+](?<![A-Za-z0-9][-+])(?=<\*>)", "", "-+"),
    # A list is as long as it happens to be: of `blk_<*> blk_<*> blk_<*>` one stays.
    Mask("repetition", r"(?<![A-Za-z_])([A-Za-z_]{0,30}<\*>)[ ,;:/]{0,3}(?=\1)", "", "<"),
)  # fmt: skip

_STEPS = tuple((re.compile(mask.pattern).sub, mask.replacement, mask.signs) for mask in MASKS)


def masked(body: str) -> str:
    """The body as the job's SQL hands it on.

    >>> masked('Failed password for "bob" from 10.0.3.7 port 51234 after 3.2s: session 7f3a9c2e')
    'Failed password for <*> from <*> port <*> after <*>: session <*>'
    """
    text = body[:READ]
    for replace, replacement, signs in _STEPS:
        for sign in signs:
            if sign in text:
                text = replace(replacement, text)
                break
    return text[:KEPT]
