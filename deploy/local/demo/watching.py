"""The loop of a demo: hear what the topics say, show it, until something has come or the user has seen enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deploy.local.demo.listener import Listener
from deploy.local.demo.screen import Screen
from deploy.local.demo.stage import Stage
from deploy.local.demo.traffic import Traffic
from logverse.alert import Alert
from logverse.errors import TryAgain

HEAR_S = 0.3


class Watching:
    """Alerts go to `told`, summaries into `traffic`; `line` is what the live line says. `monotonic` in seconds."""

    def __init__(
        self, stage: Stage, screen: Screen, listener: Listener, told: Callable[[Alert], None], line: Callable[[Traffic], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.traffic = Traffic()
        self._stage, self._screen, self._listener, self._told, self._line = stage, screen, listener, told, line
        self._monotonic = monotonic

    def until(self, come: Callable[[], bool], what: str, patience_s: float, stirs: Callable[[], object] = lambda: None) -> None:
        """TryAgain with where to look when it has not come for so long; what `stirs` begins the patience anew when it changes.

        Refused when somebody else has stopped the stack.
        """
        last, since = stirs(), self._monotonic()
        while not come():
            if stirs() != last:
                last, since = stirs(), self._monotonic()
            if self._monotonic() - since > patience_s:
                raise TryAgain(f"no sign of {what} within {patience_s:.0f} s\n  → {self._way_out()}")
            self.turn()

    def turn(self) -> None:
        self._stage.must_stand()
        for said in self._listener.hear(HEAR_S):
            if isinstance(said, Alert):
                self._told(said)
            else:
                self.traffic.take(said)
        self._screen.live(self._line(self.traffic))

    def _way_out(self) -> str:
        logs, up, doctor = self._stage.home / "logs", self._stage.pasted("up"), self._stage.pasted("doctor")
        return f"is the machine busy? What the processes said is in {logs}; look closer: {up}, then {doctor}"


@contextmanager
def watching(stage: Stage, screen: Screen, told: Callable[[Alert], None], line: Callable[[Traffic], str]) -> Iterator[Watching]:
    """A loop on the topics of this stage's stack, which must be up."""
    listener = Listener(stage.settings)
    try:
        yield Watching(stage, screen, listener, told, line)
    finally:
        listener.close()
