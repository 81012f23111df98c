"""Log files into a spool, by the same road as a producer's lines: same parsers, same ids, same events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from logverse.errors import WrongSettings
from logverse.instant import Millis
from logverse.settings import Settings
from producers.account import Account
from producers.assembly import Workplace, begin, possible, reserve
from producers.order import InputOrder, Limits
from producers.producer import Pace, Producer
from producers.replay.gathering import Gathering
from producers.sources.addresses import FILES
from producers.sources.patterns import expanded
from producers.sources.streams import many_files


def check(order: InputOrder) -> list[Path]:
    """The files that are meant. WrongSettings for what is none, or cannot be read."""
    if possible(order, follow=False).kind != FILES:
        raise WrongSettings("only files can be replayed", where=", ".join(order.addresses), remedy="write it to a file first")
    return [path for pattern in order.addresses for path in expanded(pattern)]


def read(settings: Settings, order: InputOrder, gathering: Gathering, clock: Callable[[], Millis], say: Callable[[str], None]) -> Account:
    """Everything in these files; what they hold in the end is in the account."""
    many_files(Limits().files, no_fewer=True)
    place = Workplace(settings, "replay", Limits(), False, clock, lambda: None)
    running = begin(order, place, say, reserve(order))
    try:
        Producer(order.name, [running.input], gathering, Pace(clock, lambda _: None), lambda: False).read_to_end()
        running.warn(float("inf"))  # of disorder the report tells
    finally:
        running.close()
    return running.input.account


def standing_clock(files: list[Path], otherwise: Millis) -> Callable[[], Millis]:
    """A clock that stands at when the newest of the files was written: read today or tomorrow, their lines become the same events."""
    at = max((path.stat().st_mtime_ns // 1_000_000 for path in files), default=otherwise)
    return lambda: at
