"""A pattern of a user's that a long line would stop the job with is refused, and one that only looks like it is not."""

from __future__ import annotations

import pytest

from flink_jobs.rules.backtracking import explodes


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+", "(a*)*b", "x(?:[a-z]+)*$", r"(\s*\w+\s*)+:", "(a{1,2})+", "((a+))+", "(a|b+)*", "(?:(?:a+)?)+", "(?=(a+)+b)", "(.*?,?)*",
        "a|(b+)+", "(a+){2,50}",
    ],
)  # fmt: skip
def test_a_repeat_of_a_repeat_is_found(pattern):
    """Wherever it stands: in groups, alternatives, look-aheads, among what may be missing."""
    assert explodes(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "a+b+", "(a+)?", r"(\w+\.)+com", "(ab)+", "(a{3})+", "(foo|bar)*", "(a+,)+", "(a?b)+", "(a+){2}", r"(?i)time.?out\s+after \d+ ?ms",
        r"^(\d{1,3}\.){3}\d{1,3}$", "[(a+)+]",
    ],
)  # fmt: skip
def test_a_pattern_that_can_be_read_one_way_is_taken(pattern):
    """What must stand between two repeats keeps them apart."""
    assert not explodes(pattern)
