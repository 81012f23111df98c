"""What a source is made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from logverse.instant import Millis
from logverse.settings import Settings
from producers.account import Account
from producers.checkpoint import Checkpoint
from producers.order import InputOrder, Limits
from producers.sources.addresses import Address
from producers.translation import Translator


@dataclass(frozen=True, slots=True)
class Given:
    """`ring` wakes the producer's thread; `run` is a name that no other run has; `clock` is processing time."""

    order: InputOrder
    address: Address
    settings: Settings
    limits: Limits
    checkpoint: Checkpoint
    translator: Translator
    account: Account
    clock: Callable[[], Millis]
    say: Callable[[str], None]
    ring: Callable[[], None]
    run: str
    follow: bool
