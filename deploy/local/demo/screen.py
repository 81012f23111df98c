"""What a person sees: lines that stay, and on a terminal one live line below them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TextIO

import click

LOG_EACH_S = 15.0  # without a terminal the live line becomes a line of a log, this often


class Screen:
    """Writes to `out`; colours reach terminals only. What comes from logs must have been through `printable`."""

    def __init__(self, out: TextIO, monotonic: Callable[[], float]) -> None:
        self._out, self._monotonic = out, monotonic
        self._terminal, self._live, self._logged = out.isatty(), False, monotonic()

    def say(self, *lines: str) -> None:
        self._clear()
        for line in lines:
            click.echo(line, file=self._out)

    def live(self, text: str) -> None:
        """How it stands now."""
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r\x1b[K{text[:width]}", nl=False, file=self._out)
            self._live = True
        elif self._monotonic() - self._logged >= LOG_EACH_S:
            self._logged = self._monotonic()
            click.echo(text, file=self._out)

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\x1b[K", nl=False, file=self._out)
            self._live = False
