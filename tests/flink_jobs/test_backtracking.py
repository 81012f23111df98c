"""A pattern of a user's that a long line would stop the job with is refused, and one that only looks like it is not."""

from __future__ import annotations

import re
import time

import pytest

from flink_jobs.rules.backtracking import explodes

EXPONENTIAL = [
    "(a+)+b", "(a*)*b", "x(?:[a-z]+)*$", r"(\s*\w+\s*)+:", "^(a{1,2})+b", "((a+))+b", "(a|b+)*c", "(?:(?:a+)?)+b", "(?=(a+)+b)", "(.*,)+x",
    "a|(b+)+c", r"^(\w+\d+)*$", "^(a*a)*$", "^(a?a?)*b", "^(a?){30}b", "((a+){9}){9}b", "(?i)([a-z]+A)+!",
    "(a+){2,50}b", r"(a+\B)*c", "((ab)*)*c", r"^(([a-z])+.)+[A-Z]([a-z])+$",
]  # fmt: skip
HARMLESS = [
    "a+b+", "(a+)?b", r"(\w+\.)+com", "(ab)+c", "(a{3})+b", "(foo|bar)*baz", "(a+,)+b", "(a?b)+c", "(a+){2}b",
    r"(?i)time.?out\s+after \d+ ?ms",
    r"^(\d{1,3}\.){3}\d{1,3}$", "[(a+)+]b", r"^(?:\d+(?:,|$))+$", r"^(\b\w+\b\s*)+$", r"user=(\w+ ?)+", "(a+)+", r"^(?:[^,]*(?:,|$)){12}",
    "([a-z]+[A-Z])+!", r"^([0-9a-f]{32},?)+$", r'"(?:[^"\\]|\\.)*"', r"(?<=a)b+c", r"(a)\1+b", "",
    r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\] (?:WARN|ERROR|FATAL) .*(?:timed out|refused)",
]  # fmt: skip


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_what_reads_a_text_in_exponentially_many_ways_is_found(pattern):
    """Repeats of repeats, of what overlaps, of what may be nothing; in groups, alternatives and look-aheads."""
    assert explodes(pattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_a_pattern_that_can_be_read_in_few_ways_is_taken(pattern):
    """What must stand between keeps repeats apart; and what cannot fail tries one way only."""
    assert not explodes(pattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_what_is_taken_is_quick(pattern):
    """On lines of a few letters, none of which matches to the end."""
    found = re.compile(pattern, re.ASCII)
    began = time.process_time()
    for line in ("a" * 300 + "!", "1" * 300 + "!", "a," * 150 + "!", "ab" * 150 + "!", "aA" * 150):
        found.search(line)
    assert time.process_time() - began < 5


def test_a_large_pattern_is_looked_through_in_no_time():
    """A list of a thousand words has no loop; a loop of hundreds of letters is not gone through pair by pair."""
    began = time.process_time()
    explodes("|".join(f"word{number}" for number in range(1000)))
    explodes("(?:" + "a?" * 400 + "b?)*c")
    assert time.process_time() - began < 10
