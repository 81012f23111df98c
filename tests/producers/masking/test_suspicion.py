"""The quick look by which most lines are left as they are: it costs nothing that the long look would have found."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.masking import PATTERNS
from producers.masking.mask import Mask
from producers.masking.policy import Policy
from producers.masking.suspicion import DEEPEST, Suspicion
from producers.parsers import PARSERS
from producers.parsers.parsed import Parsed
from producers.routes import Routes

ALL = Policy(dict.fromkeys(PATTERNS, "mask"))
PLAIN = b'GET /item/4595?page=2 HTTP 200 5 "-" "curl/8" 12:00:00'
SIGNS = (b"jo@example.com", b"password=x", b"4111111111111111", b"+49 30 1234567", b"jo\xc3\xa4")

PIECES = st.sampled_from([
    "jo@example.com", "password", "=hunter2", "4111 1111", " 1111 1111", "+49 30", " 1234567", "10.0.0.7", "eyJhbGciOiJIUzI1NiJ9.e30.abcd",
    "phone", "token", "a", "ä", " ", '"', "\\", "ok: 12:00:00", "x.y", "\x00", "is ignored", "http://jo:x@db/", "%40example.com",
])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=4).map("".join)
NUMBERS = st.one_of(st.integers(-(10**17), 10**17), st.just(4111111111111111), st.just(41111111111111.0e2), st.none(), st.booleans())
VALUES = st.recursive(
    st.one_of(TEXTS, NUMBERS), lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3))
)


@pytest.mark.parametrize("place", [0, 1, 15, 16, 62])
@pytest.mark.parametrize("sign", SIGNS)
def test_only_the_line_with_a_sign_is_looked_at_longer(place: int, sign: bytes) -> None:
    """Among many lines that are asked about at once, each one with a sign is found, and only these."""
    lines = [PLAIN] * 63
    lines[place] += b" " + sign

    cleared = Suspicion(kind for kind in PATTERNS if kind != "ip").cleared(lines)  # a time has a sign of an address

    assert [number for number, clear in enumerate(cleared) if not clear] == [place]


class Thorough(Suspicion):
    """Clears nothing."""

    def of_event(self, *_: Any) -> list[str]:
        return self.kinds

    def of_text(self, *_: Any) -> list[str]:
        return self.kinds


def thorough() -> Mask:
    mask = Mask(ALL)
    mask._suspicion = Thorough(PATTERNS)
    return mask


@settings(deadline=None)
@given(st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=5), st.booleans(), st.sampled_from(["json", "plain"]))
def test_quick_look_changes_nothing(objects: list[dict[str, Any]], escaped: bool, form: str) -> None:
    """Lines of whatever nesting and spelling become the same events with and without it."""
    lines = [orjson.dumps(one) if not escaped else orjson.dumps(one).replace(b"@", b"\\u0040") for one in objects]
    parser, quick = PARSERS[form](Routes()), Mask(ALL)

    done = [
        quick.mask_parsed(parser.parse(line.decode()), line.decode(), clear)
        for line, clear in zip(lines, quick.cleared(lines), strict=True)
    ]

    assert [said(one) for one in done] == [said(thorough().mask_parsed(parser.parse(line.decode()))) for line in lines]


def said(parsed: Parsed) -> tuple[Any, ...]:
    return parsed.body, dict(parsed.fields), parsed.attributes or None, parsed.service


def test_nested_values_without_signs_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object within an object is no reason to look longer, until it is deeper than anybody looks."""
    suspicion, deep = Suspicion(PATTERNS), dict[str, Any]()
    for _ in range(DEEPEST):
        deep = {"a": deep}

    assert suspicion.of_event("paid", {}, {"cart": {"items": [1, "x"]}}) == []
    assert suspicion.of_event("paid", {}, {"cart": {"items": [{"phone": "030"}]}}) == list(PATTERNS)
    assert suspicion.of_event("paid", {}, deep) == list(PATTERNS)
