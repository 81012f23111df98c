"""What time a producer may promise: nothing of it that comes after a heartbeat is older than the heartbeat says."""

from __future__ import annotations

from collections.abc import Sequence

from logverse.instant import Millis

INTERVAL_MS = 1_000
FUTURE_MS = 300_000  # event times further ahead are somebody's wrong clock: they move no heartbeat, as they move no watermark


def stamp(lagging: Sequence[Millis], now: Millis) -> Millis | None:
    """The heartbeat's time. `now` once everything was read; else the least of the event times that lagging files stand at.

    None, no heartbeat at all, while it is not known where one of them stands (0). Lines within a file may still be older
    than the newest one before them: that is the disorder which the job's watermark delay covers.

    >>> stamp([], 2000), stamp([500, 900], 2000), stamp([500, 0], 2000)
    (2000, 500, None)
    """
    if any(at == 0 or at > now + FUTURE_MS for at in lagging):
        return None
    return min([now, *lagging])
