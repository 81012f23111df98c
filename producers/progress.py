"""What a person sees of a running producer: one line that changes on a terminal, a line a minute in a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from logverse.instant import Millis
from logverse.printable import printable
from producers.account import Totals

_LOG_EACH_MS = 60_000


class Progress:
    """Writes to `out`. `gauges` are those of the metrics; `clock` is processing time."""

    def __init__(self, name: str, totals: Totals, out: TextIO, clock: Callable[[], Millis]) -> None:
        self._name, self._totals, self._out, self._clock = name, totals, out, clock
        self._terminal = out.isatty()
        self._last = (clock(), 0)
        self._logged = clock()

    def say(self, text: str) -> None:
        """A fact that stays. Names of files may hold what steers a terminal: it is shown instead."""
        self._out.write(("\r\x1b[K" if self._terminal else "") + f"{self._name}: {printable(text)}\n")
        self._out.flush()

    def show(self, gauges: dict[str, float]) -> None:
        """How it stands now."""
        now = self._clock()
        if not self._terminal and now - self._logged < _LOG_EACH_MS:
            return
        (then, before), self._last, self._logged = self._last, (now, self._totals.lines), now
        line = self.line(gauges, max(0, self._last[1] - before) * 1000 / max(1, now - then))
        if self._terminal:
            self._out.write(f"\r\x1b[K{line[:160]}")
            self._out.flush()
        else:
            self.say(line)

    def line(self, gauges: dict[str, float], per_second: float) -> str:
        dead, lost = self._totals.dead, self._totals.lost
        return " · ".join(
            [
                f"{self._totals.lines:,} lines",
                f"{per_second:,.0f}/s",
                f"{gauges['lag_bytes'] / 1e6:,.1f} MB to read" if gauges["lag_bytes"] else "caught up",
                f"{gauges['in_flight_records']:,.0f} in flight",
                f"{dead:,} dead letters" if dead else "no dead letters",
                *([f"{lost:,} lost"] if lost else []),
                *([] if gauges["kafka_up"] else ["Kafka is away: waiting"]),
            ]
        )

    def close(self) -> None:
        """Leave the terminal's line to what comes next."""
        if self._terminal:
            self._out.write("\r\x1b[K")
            self._out.flush()
