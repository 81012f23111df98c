"""The demo's last word: the history, and in it the lines behind the alert."""

from __future__ import annotations

import click

from deploy.local.demo.screen import Screen
from deploy.local.demo.stage import Stage, Started
from deploy.local.demo.watching import Watching
from logverse import instant
from logverse.alert import Alert
from logverse.errors import Refused
from logverse.instant import Millis

PATIENCE_S = 180.0
_BEFORE: Millis = 30_000  # the window whose lines made the alert
_LINES = "3"


class Lines:
    """`begin` once somebody was told, so that no alert waits for the second job; `show` when there is time to look back."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self._stage, self._screen = stage, screen
        self._submission: Started | None = None

    def begin(self) -> None:
        self._submission = self._stage.start("demo-history", "job", "submit", "history", "--parallelism", "1")

    def show(self, alert: Alert, loop: Watching) -> None:
        """Failed requests of the alert's first window, newest first, and that every record has its place. TryAgain when none comes."""
        span = ("--since", instant.written(alert.active_at - _BEFORE), "--until", instant.written(alert.at))
        query = ("query", "events", "--service", alert.group["service.name"], "--status", "5xx", *span, "--limit", _LINES)
        loop.until(lambda: self._submitted() and bool(self._stage.answer(*query)), "the history at work", PATIENCE_S)
        self._screen.say("", click.style("The lines behind it, out of the history:", bold=True), *self._said(query))
        self._screen.say("", click.style("And what became of every record:", bold=True), *self._said(("account", "--since", "1h")))

    def _submitted(self) -> bool:
        return self._submission is not None and self._stage.done(self._submission)

    def _said(self, verb: tuple[str, ...]) -> list[str]:
        found = self._stage.answer(*verb)
        if not found:  # an account that finds something missing must not pass for an empty one
            raise Refused(
                f"logverse {' '.join(verb)} did not end well\n  → see it: {self._stage.pasted('up')}, then {self._stage.pasted(*verb)}"
            )
        return [click.style(f"$ logverse {' '.join(verb)}", dim=True), *found.splitlines()]
