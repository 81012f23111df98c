"""What time a producer may promise: nothing of it that comes after a heartbeat is older than the heartbeat says."""

from __future__ import annotations

from collections.abc import Sequence

from logverse.instant import Millis
from producers.sources.log_file import LogFile

INTERVAL_MS = 1_000


def stamp(lagging: Sequence[LogFile], now: Millis) -> Millis | None:
    """The heartbeat's time. `now` once everything was read; while files lag, the oldest of their newest event times.

    None, no heartbeat at all, while a file with unread lines has not begun. Lines within a file may still be older than the
    newest one before them: that is the disorder which the job's watermark delay covers.
    """
    if any(file.high is None for file in lagging):
        return None
    return min([now, *(file.high for file in lagging if file.high is not None)])
