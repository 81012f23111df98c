"""What a person sees of a running producer: one line that changes on a terminal, a line a minute in a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from logverse.instant import Millis
from logverse.printable import printable
from producers.account import Account

_LOG_EACH_MS = 60_000


class Progress:
    """Writes to `out`. `gauges` are those of the metrics; `clock` is processing time."""

    def __init__(self, service: str, account: Account, out: TextIO, clock: Callable[[], Millis]) -> None:
        self._service, self._account, self._out, self._clock = service, account, out, clock
        self._terminal = out.isatty()
        self._last = (clock(), 0)
        self._logged = clock()

    def say(self, text: str) -> None:
        """A fact that stays. Names of files may hold what steers a terminal: it is shown instead."""
        self._out.write(("\r\x1b[K" if self._terminal else "") + f"{self._service}: {printable(text)}\n")
        self._out.flush()

    def show(self, gauges: dict[str, float]) -> None:
        """How it stands now."""
        now = self._clock()
        if not self._terminal and now - self._logged < _LOG_EACH_MS:
            return
        (then, before), self._last, self._logged = self._last, (now, self._account.lines), now
        line = self.line(gauges, (self._account.lines - before) * 1000 / max(1, now - then))
        if self._terminal:
            self._out.write(f"\r\x1b[K{line[:160]}")
            self._out.flush()
        else:
            self.say(line)

    def line(self, gauges: dict[str, float], per_second: float) -> str:
        dead = self._account.dead_letters.total()
        return " · ".join(
            [
                f"{self._account.lines:,} lines",
                f"{per_second:,.0f}/s",
                f"{gauges['lag_bytes'] / 1e6:,.1f} MB to read" if gauges["lag_bytes"] else "caught up",
                f"{gauges['in_flight_records']:,.0f} in flight",
                f"{dead:,} dead letters" if dead else "no dead letters",
                *([] if gauges["kafka_up"] else ["Kafka is away: waiting"]),
            ]
        )

    def close(self) -> None:
        """Leave the terminal's line to what comes next."""
        if self._terminal:
            self._out.write("\r\x1b[K")
            self._out.flush()
