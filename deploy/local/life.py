"""When to start a process again, and when to stop trying: the supervisor's thinking about one process, without the process."""

from __future__ import annotations

from logverse.instant import Millis

STARTING, READY, RESTARTING, FAILED, STOPPED = "starting", "ready", "restarting", "failed", "stopped"

DELAYS_MS: tuple[Millis, ...] = (1_000, 2_000, 4_000, 8_000, 16_000)  # before each new start, while it keeps dying
SLOW_MS: Millis = 60_000  # between the attempts of what never gives up
STEADY_MS: Millis = 60_000  # ready for so long: what happened before is forgotten
START_MS: Millis = 120_000  # alive and still not ready after so long: it hangs, unless it is known to be slow
MISSES = 3  # unanswered in a row: what was ready no longer is


class Life:
    """The states of one process over its deaths. `now` is processing time, from a clock that nobody sets (monotonic).

    Alive and still not ready after `start_ms`, it hangs.

    >>> life = Life(gives_up=True)
    >>> life.died(now=0, why="exit code 1")
    >>> life.state, life.due(now=999), life.due(now=1_000)
    ('restarting', False, True)
    """

    def __init__(self, gives_up: bool, start_ms: Millis = START_MS) -> None:
        self.gives_up, self._start_ms = gives_up, start_ms
        self.state, self.why, self.restarts = STARTING, "", 0
        self._since: Millis = 0
        self._misses = 0  # of answers in a row
        self._deaths = 0  # in a row, without a steady time between them
        self._again: Millis | None = 0  # when to start it; the first time at once

    def due(self, now: Millis) -> bool:
        """Is it time to start it?"""
        return self._again is not None and now >= self._again

    def started(self, now: Millis) -> None:
        self.state, self._since, self._again = STARTING, now, None

    def ready(self, now: Millis) -> None:
        """It answered."""
        self._misses = 0
        if self.state != READY:
            self.state, self.why, self._since = READY, "", now

    def unready(self, now: Millis, why: str) -> None:
        """It is alive and did not answer. Once ready, a single slow answer on a busy machine does not count."""
        self._misses += 1
        if self.state != READY or self._misses >= MISSES:
            self.doubted(now, why)

    def doubted(self, now: Millis, why: str) -> None:
        """Whether it is ready has to be asked again."""
        if self.state == READY:
            self.state, self._since = STARTING, now
        self.why = why

    def excused(self, now: Millis) -> None:
        """What it needs is away itself: this time does not count as its own slowness."""
        if self.state == STARTING:
            self._since = now

    def hangs(self, now: Millis) -> bool:
        """Alive for too long without being ready: whoever keeps it should kill it."""
        return self.state == STARTING and now - self._since > self._start_ms

    def died(self, now: Millis, why: str) -> None:
        """It ended without being asked to: wait a while, longer each time; after the last delay it has failed."""
        if self.state == READY and now - self._since >= STEADY_MS:
            self._deaths = 0
        self._deaths += 1
        self.restarts += 1
        self.why, self._since = why, now
        worn_out = self._deaths > len(DELAYS_MS)
        self.state = FAILED if worn_out else RESTARTING
        delay = SLOW_MS if worn_out else DELAYS_MS[self._deaths - 1]
        self._again = None if worn_out and self.gives_up else now + delay

    def forgive(self, now: Millis) -> None:
        """Somebody has mended the cause: try again at once."""
        if self.state in (FAILED, RESTARTING):
            self.state, self._deaths, self._again = RESTARTING, 0, now
