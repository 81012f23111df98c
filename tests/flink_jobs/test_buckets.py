"""Buckets of event time and the sums that roll over them."""

from __future__ import annotations

from flink_jobs.rules.buckets import Bucket, Rolling


def test_sums_follow_the_window():
    """Three-second window over buckets at 0, 1, 2 and 5 s: what enters is added, what leaves is taken away."""
    buckets = {second * 1000: Bucket([10**second, 0]) for second in (0, 1, 2, 5)}
    rolling = Rolling(buckets, step=1000, span=3000, position=0, width=2)

    seen = []
    for second in (1, 2, 3, 4, 5, 6, 9):
        rolling.move(second * 1000)
        seen.append(rolling.sums[0])

    assert seen == [1, 11, 111, 110, 100, 100_000, 0]


def test_what_left_the_window_keeps_only_its_figures():
    """Names and lines of the past are dropped: fifteen minutes of them for every series would fill the memory."""
    bucket = Bucket([1, 1], 0.25)
    bucket.add((2, 2), 0.5)
    bucket.charge(3, "GET /pay", "a line")
    rolling = Rolling({0: bucket}, step=1000, span=2000, position=0, width=2)

    rolling.move(2000)
    inside = (dict(bucket.blame), bucket.sample)
    rolling.move(3000)

    assert inside == ({"GET /pay": 3}, "a line")
    assert (bucket.blame, bucket.sample, bucket.sums) == ({}, "", [3, 3])
