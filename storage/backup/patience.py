"""Patience with a far side that hiccups: a standby takes over, a DataNode is replaced, a broker is chosen anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from logverse.errors import TryAgain

DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # between attempts; who is away longer ends the work, and it goes on when begun again

Done = TypeVar("Done")


def patiently(done: Callable[[], Done], sleep: Callable[[float], object] = time.sleep, delays: Sequence[float] = DELAYS_S) -> Done:
    """What it gives, tried again after each delay (seconds) while it raises TryAgain. The last one of them is raised."""
    for delay in delays:
        try:
            return done()
        except TryAgain as trouble:
            sleep(max(delay, trouble.after_s or 0.0))
    return done()
