"""Numbers of payment cards: a known network's first digits, a possible length, and the right check digit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from producers.masking.pattern import Found, Signs

_BETWEEN = r"(?:[ .+_\u00a0\u2009\u202f\u2010-\u2013-]|%20)"
# As one number, or in groups as cards print them: 4-4-4-4 (and up to 3 more), 4-6-5 and 4-6-4. Not what follows a decimal point.
# It begins with a digit, and only then looks back: so the search leaps from digit to digit.
_CANDIDATE = re.compile(
    rf"\d(?<!\d\d)(?<!\d\.\d)(?:\d{{12,18}}(?!\d)|(\d{{3}}{_BETWEEN}\d{{4}}{_BETWEEN}\d{{4}}{_BETWEEN}\d{{4}})({_BETWEEN}\d{{1,3}})?(?!\d)"
    rf"|\d{{3}}{_BETWEEN}\d{{6}}{_BETWEEN}\d{{4,5}}(?!\d))"
)
# First digits by network (ISO/IEC 7812 ranges as the networks publish them): Visa, Mastercard, American Express and JCB and
# Diners, Maestro, Discover and UnionPay, Mir. Times in milliseconds begin with 1 and are none of them.
_NETWORK = re.compile(r"4|5[0-9]|2(?:2[2-9]|[3-6]|7[01]|720|20[0-4])|3(?:[4678]|0[0-5]|5)|6")
_FIRST_GROUP = re.compile(r"\d+")
_FEWEST = b"0" * 13


class Card:
    """
    >>> [found.value for found in Card().found("paid with 4111 1111 1111 1111, order 4111111111111112")]
    ['4111111111111111']
    """

    def suspected(self, signs: Signs) -> bool:
        numbers = signs.numbers
        return _FEWEST in numbers or (b"+" in numbers and numbers.count(b"0+0") > 1 and _FEWEST in numbers.replace(b"+", b""))

    def found(self, text: str) -> Iterator[Found]:
        at = 0
        while match := _CANDIDATE.search(text, at):
            at = match.end()
            for end in _ends(match):
                number = _digits(text[match.start() : end])
                if _NETWORK.match(number) and right(number):
                    yield Found(match.start(), end, number)
                    at = end
                    break
            else:  # what failed in groups may be right from the next group on
                first = _FIRST_GROUP.match(text, match.start())
                at = first.end() if first else at

    def named(self, name: str) -> bool:
        return False


def _ends(match: re.Match[str]) -> list[int]:
    return [match.end(), match.end(1)] if match[2] else [match.end()]


def _digits(text: str) -> str:
    """ASCII digits, of whatever script they are."""
    return "".join(str(int(character)) for character in text.replace("%20", "") if character.isdecimal())


def right(number: str) -> bool:
    """Whether the last digit is the check digit of the others (Luhn, ISO/IEC 7812-1 annex B).

    >>> right("4111111111111111"), right("4111111111111112")
    (True, False)
    """
    odd, even = number[-1::-2], number[-2::-2]
    return (sum(map(int, odd)) + sum(int("0246813579"[int(digit)]) for digit in even)) % 10 == 0
