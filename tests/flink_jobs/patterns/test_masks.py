"""What is masked in a log line, and that Java reads the masks as Python does."""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.patterns.masks import KEPT, MASKS, READ, Mask, masked


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Failed password for root from 173.234.31.186 port 38926 ssh2", "Failed password for root from <*> port <*> ssh2"),
        ("src: /10.250.19.102:54106 dest: /10.250.19.102:50010", "src: /<*> dest: /<*>"),
        ("bound to [::1]:8080 and fe80::1ff:fe23:4567:890a", "bound to [<*>]:<*> and <*>"),
        ("eth0 is 00:1a:2b:3c:4d:5e", "eth0 is <*>"),
        ("PacketResponder 1 for block blk_-1608999687919862906 terminating", "PacketResponder <*> for block blk_<*> terminating"),
        ("ask 10.0.0.1:50010 to delete blk_1 blk_-2 blk_3", "ask <*> to delete blk_<*>"),
        ("session 0x14f05578bd80006 closed", "session <*> closed"),
        ("trace 7f3a9c2e01 of 123e4567-e89b-12d3-a456-426614174000", "trace <*> of <*>"),
        ("deadbeef is no number, facade neither", "deadbeef is no number, facade neither"),
        ("took 3.5s, 200ms, 1,234 times (45%) at -12.5", "took <*> times (<*>) at <*>"),
        ("GET /orders/123/items/9?page=2 HTTP/1.1", "GET /orders/<*>/items/<*>?page=<*> HTTP/<*>"),
        ("2026-11-21T12:00:00.123Z start", "<*> start"),
        ("2026-11-21 12:00:00,123 start", "<*> start"),
        ("[Mon Nov 21 12:00:00 2026] start", "[<*>] start"),
        ("21/Nov/2026:12:00:00 +0000 start", "<*> start"),
        ("mail to ann.b+c@example.co.uk bounced", "mail to <*> bounced"),
        ("KeyError: 'user_id'", "KeyError: <*>"),
        ('no file "/etc/x y.conf"', "no file <*>"),
        ("can't open, won't retry", "can't open, won't retry"),
        ('{"user":"bob","n":5,"ok" : "x"}', '{"user":<*>,"n":<*>,"ok" : <*>}'),
        ("token gh5Kd93kfLs92mX refused", "token <*> refused"),
        ("java8 log4j sha256 utf8 std::string a::b", "java8 log4j sha256 utf8 std::string a::b"),
        ("web-2 user_42 pod-7", "web-<*> user_<*> pod-<*>"),
        ("\n\n boom 5\n\tat a.b(C.java:7)\n\tat d", "boom <*>"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_varies_is_masked(body, expected):
    """Two lines of one statement of a program look the same; words that tell statements apart stay."""
    assert masked(body) == expected


@given(st.text(max_size=300) | st.text("0123456789abcdefABx:.-_/@'\"<*> \n,+T%", max_size=300))
def test_any_text_can_be_masked(body):
    """Whatever is in a line, it is masked, and masking what is masked already finds no digit more."""
    once = masked(body)

    assert len(once) <= KEPT
    assert len(re.findall("[0-9]", masked(once))) <= len(re.findall("[0-9]", once)) <= len(re.findall("[0-9]", body))


@given(st.text("0123456789abcdefABx:.-_/@'\"<*> \n,+T%JanMo", max_size=120))
def test_signs_only_save_time(body):
    """A mask whose signs are not in the text would have changed nothing."""
    for mask in MASKS:
        if not set(mask.signs) & set(body):
            assert re.sub(mask.pattern, mask.replacement, body) == body


@pytest.mark.parametrize(
    "line",
    ["1" * 1_000_000, "1." * 500_000, "a:" * 500_000, "'" * 1_000_001, '"x' * 500_000, "a@" * 500_000, "-" * 1_000_000, "<*> " * 250_000,
     "f" * 1_000_000 + "1", "\n" * 1_000_000, "\0\x1b[31m" * 100_000, "blk_1 " * 100_000, "1-" * 500_000, "a1" * 500_000],
    ids=lambda line: repr(line[:6]),
)  # fmt: skip
@pytest.mark.timeout(20)
def test_a_hostile_line_costs_little(line):
    """A line of a megabyte, made to be looked at again and again, is cut before and masked at once."""
    assert len(masked(line)) <= KEPT < READ < len(line)


# What Java's Pattern and Python's re read alike: these elements of a parsed expression, and nothing else.
ALIKE = {
    "LITERAL", "NOT_LITERAL", "IN", "RANGE", "NEGATE", "MAX_REPEAT", "POSSESSIVE_REPEAT", "MAXREPEAT", "SUBPATTERN", "BRANCH",
    "ASSERT", "ASSERT_NOT", "GROUPREF", "AT", "AT_BEGINNING", "CATEGORY", "CATEGORY_SPACE", "CATEGORY_NOT_SPACE",
}  # fmt: skip


def elements(parsed: Any) -> list[str]:
    """Every element's name, of all depths."""
    found = []
    if isinstance(parsed, parser.SubPattern):
        parsed = list(parsed)
    if isinstance(parsed, tuple | list):
        for part in parsed:
            found += elements(part)
    elif isinstance(parsed, type(sre.LITERAL)):
        found.append(parsed.name)
    return found


def difference(mask: Mask) -> str:
    """Why Java could read the mask otherwise; "" when it does not."""
    pattern = mask.pattern
    named = set(elements(parser.parse(pattern)))
    if named - ALIKE:
        return f"{named - ALIKE}"
    if {"CATEGORY_SPACE", "CATEGORY_NOT_SPACE"} & named and pattern.count("\\s") != pattern.count("[\\s\\S]"):
        return "space of Unicode is not Java's, unless it is half of everything"
    if re.search(r"\(\?P|\(\?#|\(\?[a-zA-Z]|\$|&&|\\[dDwWbBAZGQEpPNuUxz]", pattern):
        return "written otherwise, or read otherwise"
    if any("[" in inside[1:] for inside in re.findall(r"\[(?:\\.|[^\]\\])*\]", pattern)):
        return "a bracket within brackets is a union in Java"
    if re.search(r"\)[*+]|\)\{\d+,\}", pattern):
        return "a group repeated without a bound: Java's matcher calls itself for each"
    return "a replacement's $ and \\ are references" if re.search(r"[$\\]", mask.replacement) else ""


@pytest.mark.parametrize("mask", MASKS, ids=lambda mask: mask.name)
def test_java_reads_it_alike(mask):
    """Every mask keeps to the common subset: the job's SQL masks as the tests do."""
    assert difference(mask) == ""


@pytest.mark.filterwarnings("ignore:Possible set:FutureWarning")
@pytest.mark.parametrize("pattern", [r"\d+", r"(?P<a>b)", r"(?i)a", r"a\b", r"a$", r"[a[b]]", r"[ab&&]", r"(ab)+", r"\s", r"."])
def test_a_difference_is_found(pattern):
    """What the two read otherwise is not let in."""
    assert difference(Mask("bad", pattern, "<*>", "a"))


@pytest.mark.parametrize("mask", MASKS, ids=lambda mask: mask.name)
def test_what_is_masked_stays_within_its_bounds(mask):
    """A mask takes away or puts WILD; nothing else comes into a line."""
    assert mask.replacement in ("", "<*>")
    assert mask.signs
