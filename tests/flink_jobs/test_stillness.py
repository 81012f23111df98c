"""Event time goes on by the clock when nothing comes any more, and only then."""

from __future__ import annotations

from flink_jobs.stillness import Stillness

BEGAN = 1_790_000_000_000


class Clock:
    now = BEGAN

    def __call__(self) -> int:
        return self.now


def still_after(clock: Clock) -> Stillness:
    return Stillness(patience=30_000, clock=clock)


def test_event_time_goes_on_where_it_stood():
    """A minute after the last event, it is a minute later, whatever the clock says of the day."""
    clock = Clock()
    still = still_after(clock)
    still.event_time(5_000_000)

    clock.now += 60_000

    assert still.event_time(5_000_000) == 5_060_000


def test_a_short_pause_is_no_silence():
    """Within the patience event time is what the events say."""
    clock = Clock()
    still = still_after(clock)
    still.event_time(5_000_000)

    clock.now += 29_999

    assert still.event_time(5_000_000) is None


def test_whatever_happens_ends_it():
    """Neither while events come, however old, nor while event time moves by itself does the clock decide."""
    clock = Clock()
    still = still_after(clock)
    for disturbed, watermark in ((True, 1_000), (True, 1_000), (False, 2_000), (False, 3_000)):
        clock.now += 40_000
        if disturbed:
            still.disturb()
        assert still.event_time(watermark) is None


def test_before_the_first_event_it_is_the_clock_that_counts():
    """When nobody has ever said anything, who was expected is silent all the same."""
    clock = Clock()
    still = still_after(clock)
    still.event_time(-(2**63))

    clock.now += 30_000

    assert still.event_time(-(2**63)) == BEGAN
