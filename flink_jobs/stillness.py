"""How event time goes on when nothing comes any more: silence is noticed by the clock, for no event will tell of it."""

from __future__ import annotations

from collections.abc import Callable

from logverse.instant import Millis


class Stillness:
    """Event time by the clock, once nothing has happened for `patience` milliseconds of processing time.

    Something happens when an event comes, or event time moves by itself (a heartbeat, another service): then it is silence of
    somebody, and event time tells it. While a backlog is read something always happens, however old it is.

    >>> still = Stillness(patience=30_000, clock=iter([0, 29_000, 40_000]).__next__)
    >>> still.event_time(watermark=500_000), still.event_time(watermark=500_000), still.event_time(watermark=500_000)
    (None, None, 540000)
    """

    def __init__(self, patience: Millis, clock: Callable[[], Millis]) -> None:
        self._patience, self._clock = patience, clock
        self._watermark: Millis | None = None
        self._since: Millis | None = None
        self._happened = True

    def disturb(self) -> None:
        """Something came."""
        self._happened = True

    def event_time(self, watermark: Millis) -> Millis | None:
        """The event time that it must be by now; None while events tell. `watermark`: 0 or less before the first."""
        now = self._clock()
        if self._happened or watermark != self._watermark or self._since is None:
            self._happened, self._watermark, self._since = False, watermark, now
        elapsed = now - self._since
        if elapsed < self._patience:
            return None
        return watermark + elapsed if watermark > 0 else now - self._patience
