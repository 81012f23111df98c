"""Telephone numbers that can be told from other numbers: with a country code, or as North America writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from producers.masking.pattern import Found, Signs

_BETWEEN = r"(?:%20|[ ./()\u00a0\u2009\u202f\u2010-\u2013-]{0,3})"
# Each begins with the character that it cannot be without, and only then looks back.
_INTERNATIONAL = re.compile(
    rf"(?:[+＋](?<![A-Za-z0-9_+].)|%2[bB](?<![A-Za-z0-9_+]%2.)){_BETWEEN}(?!0)\d(?:{_BETWEEN}\d){{7,14}}(?!\d)"  # E.164: at most 15 digits
)
_AMERICAN = re.compile(r"[(2-9](?<![\w.-].)(?:(?<=\()[2-9]\d\d\) ?|(?<!\()\d\d-)[2-9]\d\d[ -]\d{4}(?![\w-])")
_NAME = re.compile(r"(?:tele)?phone(?:_?(?:number|no))?|mobile(?:_?(?:number|no))?|msisdn|fax|tel", re.IGNORECASE)


class Phone:
    """National numbers of other countries look like any number: name the field that holds them. A field that is called `phone` is one.

    >>> [found.value for found in Phone().found("call +49 (0)30 123-4567 or (555) 234-5678")]
    ['+490301234567', '5552345678']
    """

    def suspected(self, signs: Signs) -> bool:
        if b"+00000000" in signs.numbers or ("%" in signs.text and "%2b" in signs.lower):
            return True
        return b"000-0000" in signs.shape or (b"(" in signs.shape and b"(000)" in signs.shape)

    def found(self, text: str) -> Iterator[Found]:
        places = list[Found]()
        if "+" in text or "%2" in text or "＋" in text:
            places = [_place(match) for match in _INTERNATIONAL.finditer(text)]
        if "-" in text:
            end = 0
            places = sorted(places + [_place(match) for match in _AMERICAN.finditer(text)])
            places = [found for found in places if found.start >= end and (end := found.end)]
        return iter(places)

    def named(self, name: str) -> bool:
        return bool(_NAME.fullmatch(name.rpartition(".")[2]))


def _place(match: re.Match[str]) -> Found:
    written = match[0].replace("%20", "")
    if written[0] == "%":
        written = "+" + written[3:]
    plus = "+" if written[0] in "+＋" else ""
    return Found(match.start(), match.end(), plus + "".join(str(int(one)) for one in written if one.isdecimal()))
