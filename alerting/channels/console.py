"""Channel `console`: the message on a terminal or in a log file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

import click

from alerting import message
from alerting.channels.channel import Kind
from alerting.message import Notification
from logverse.errors import Refused

_COLOURS = {"critical": "red", "warning": "yellow", "info": "blue"}


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """An item of `console_configs`."""

    send_resolved: bool = True


@dataclass(frozen=True)
class Console:
    """Prints; in colour only on a terminal. Refused when nobody reads our output any more."""

    config: ConsoleConfig
    out: Callable[[], TextIO] = field(default=lambda: sys.stdout)
    name: str = "console"

    @property
    def send_resolved(self) -> bool:
        return self.config.send_resolved

    def send(self, notification: Notification) -> None:
        alert, out = notification.alert, self.out()
        first, below = message.lines(notification)
        try:
            if out.isatty():
                colour = "green" if alert.status == "resolved" else _COLOURS.get(alert.severity, "magenta")
                first = click.style(first, fg=colour, bold=True)
            out.write("\n".join([first, *(f" {line}" for line in below)]) + "\n")
            out.flush()
        except (OSError, ValueError) as error:
            raise Refused(f"standard output cannot be written: {error}") from error


CONSOLE = Kind(ConsoleConfig, lambda config: [Console(config)])
