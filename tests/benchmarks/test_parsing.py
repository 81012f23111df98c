"""Grouping accuracy is what its paper says, and ours is at least what was published of Drain."""

from __future__ import annotations

import pytest

from benchmarks.detection.parsing import DATA, PUBLISHED, clusters, grouping_accuracy


@pytest.mark.parametrize(
    ("found", "true", "accuracy"),
    [
        ("aabb", "1122", 1.0),
        ("aaab", "1122", 0.0),
        ("aabc", "1122", 0.5),
        ("aaaa", "1122", 0.0),
        ("abcd", "1234", 1.0),
    ],
)
def test_a_line_counts_when_its_whole_cluster_is_right(found, true, accuracy):
    """Lines of a template that was torn apart or mixed with another count for nothing."""
    assert grouping_accuracy(found, true) == accuracy


@pytest.mark.parametrize("log", PUBLISHED)
def test_it_groups_as_well_as_was_published(log):
    """With one setting for all, no log is grouped worse than Drain did it with settings for each."""
    if not DATA.exists():
        pytest.skip("needs ../shared/data")

    found, true = zip(*clusters(log), strict=True)

    assert grouping_accuracy(found, true) >= PUBLISHED[log]
