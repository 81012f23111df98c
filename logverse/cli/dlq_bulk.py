"""Many dead letters' second chance: `logverse dlq replay --reason TEXT`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from logverse.cli import dlq_replay
from logverse.errors import Malformed, Refused, WrongSettings
from logverse.printable import printable
from logverse.topics import named

if TYPE_CHECKING:
    from logverse.dead_letter import DeadLetter
    from logverse.dead_letters import Held
    from logverse.instant import Millis
    from logverse.settings import Settings

# Letters that are sent together, then marked together: so many, or so many bytes.
CHUNK, CHUNK_BYTES = 200, 8_000_000
MOST_REASONS, _SHOWN = 1000, 20


class Bulk:
    """Sends letters in chunks; each is marked when it has arrived. A crash between the two sends a chunk again, which leaves one row
    each: a record keeps its identity. Without `send` it only counts."""

    def __init__(self, settings: Settings, form: str | None, service: str | None, send: bool) -> None:
        self._settings, self._form, self._service, self._send = settings, form, service, send
        self._sent: Counter[str] = Counter()  # by topic
        self._left: Counter[str] = Counter()  # by why it is not sent
        self._records: list[tuple[str, bytes]] = []
        self._letters: list[DeadLetter] = []

    def replay(self, letters: Iterable[Held], clock: Callable[[], Millis]) -> None:
        """All of these. TryAgain when Kafka is away: what it had taken by then is marked."""
        for held in letters:
            if not held.whole:
                self._left["the letter holds not all bytes of the original, as they were"] += 1
                continue
            try:
                record = dlq_replay.record_of(held, dlq_replay.bytes_of(held, None), self._settings, self._form, self._service)
            except (Malformed, Refused, WrongSettings) as error:
                why = str(error).split("\n")[0]
                self._left[why if why in self._left or len(self._left) < MOST_REASONS else "other reasons"] += 1
                continue
            self._records.append(record)
            self._letters.append(held.letter)
            if len(self._records) == CHUNK or sum(len(value) for _, value in self._records) >= CHUNK_BYTES:
                self._flush(clock)
        self._flush(clock)
        _progress("")

    def summary(self) -> list[str]:
        """What was sent where, and what was not and why."""
        done = "sent to" if self._send else "would be sent to"
        lines = [f"{count:,} {done} {printable(topic)}" for topic, count in sorted(self._sent.items())]
        lines += [f"{count:,} not: {printable(why)}" for why, count in self._left.most_common(_SHOWN)]
        if not lines:
            return ["no such dead letter that was not sent again yet"]
        if self._sent and not self._send:
            lines.append("--send does it")
        if self._left:
            lines.append("each of the others: logverse dlq list, then logverse dlq replay ID")
        return lines

    def _flush(self, clock: Callable[[], Millis]) -> None:
        from logverse.dead_letters import mark

        if self._send and self._records:
            dlq_replay.produce(self._settings, self._records)
            topic, now = named("logs.dlq", self._settings.topic_prefix), clock()
            dlq_replay.produce(self._settings, [(topic, mark(letter, now)) for letter in self._letters])
        self._sent.update(topic for topic, _ in self._records)
        _progress(f"{self._sent.total():,} {'sent' if self._send else 'looked at'}")
        self._records, self._letters = [], []


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
