"""From an order to an input that runs: its lock, its memory, its translator, its source."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from logverse.instant import Millis
from logverse.settings import Settings
from producers.account import Account
from producers.checkpoint import Checkpoint, only_one
from producers.inputs import Input
from producers.masking.mask import Mask
from producers.metrics import Measured
from producers.order import InputOrder, Limits
from producers.parsers.local_time import Calendar, zone_named
from producers.sources import addresses
from producers.sources.given import Given
from producers.sources.patterns import check
from producers.sources.registry import SOURCES
from producers.translation import Translator


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all inputs of a producer share."""

    settings: Settings
    cluster: str
    limits: Limits
    follow: bool
    clock: Callable[[], Millis]
    ring: Callable[[], None]


@dataclass(slots=True, eq=False)
class Running:
    """An input, and what must be let go of with it."""

    order: InputOrder
    input: Input
    translator: Translator
    calendar: Calendar
    started: Millis
    _held: ExitStack = field(default_factory=ExitStack)
    _said: set[str] = field(default_factory=set)

    def close(self) -> None:
        """Free the checkpoint for another producer."""
        self.input.source.release()
        self.input.save()
        self._held.close()

    def measured(self) -> Measured:
        gauges = {
            "lag_bytes": self.input.source.lag(),
            "in_flight_records": self.input.in_flight,
            "disorder_seconds": self.translator.disorder.worst / 1000,
        }
        return Measured(self.order.name, self.order.service, self.input.account, gauges)

    def warn(self, allowed_s: float) -> None:
        """Say it, once, when event times run backwards by more than the job allows, or when a zone had to be taken for granted."""
        disorder = self.translator.disorder
        if disorder.worst > allowed_s * 1000:
            self._once(
                "disorder",
                f"times in {disorder.file} run backwards by up to {disorder.worst / 1000:g} s, more than the watermark delay of "
                f"{allowed_s:g} s: such lines count late. Set it: "
                f"logverse job submit detect --watermark-delay {-(-disorder.worst // 1000) + 1}s",
            )
        if self.calendar.assumed and not self.order.zone:
            self._once(
                "zone",
                "times that name no zone count as UTC. Are they of another: --timezone Europe/Berlin (timezone in a producers.yaml); "
                "are they not: --timezone UTC",
            )

    def _once(self, what: str, text: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self.input.say(text)


def possible(order: InputOrder, follow: bool) -> addresses.Address:
    """What the order's addresses are; WrongSettings for what can be seen to be wrong before the start."""
    address = addresses.understood(order.addresses)
    if address.kind == addresses.FILES:
        check(order.addresses, follow)
    return address


def reserve(order: InputOrder) -> ExitStack:
    """Its checkpoint is ours until what this answers is closed. WrongSettings when another producer has it, or when none can be there."""
    held = ExitStack()
    held.enter_context(only_one(order.checkpoint))
    return held


def begin(order: InputOrder, place: Workplace, say: Callable[[str], None], reserved: ExitStack) -> Running:
    """An input that has begun. WrongSettings when it cannot, such as when its port is taken."""
    address = possible(order, place.follow)
    with reserved as held:
        checkpoint = Checkpoint.load(order.checkpoint, place.cluster)
        if checkpoint.foreign:
            say(f"{order.checkpoint} is of another Kafka cluster: sending everything to this one, with the same ids")
        checkpoint.host = host_of(order.host, checkpoint, socket.gethostname(), say)
        account = Account()
        calendar = Calendar(zone_named(order.zone or "UTC"), order.year)
        translator = Translator(
            order.service, checkpoint.host, _form(order, address), account, say, calendar,
            Mask(order.masking) if order.masking else None,
        )  # fmt: skip
        given = Given(
            order, address, place.settings, place.limits, checkpoint, translator, account, place.clock, say, place.ring,
            secrets.token_hex(10), place.follow,
        )  # fmt: skip
        source = SOURCES[address.kind](given)
        started = Input(order.name, order.service, source, checkpoint, account, say)
        return Running(order, started, translator, calendar, place.clock(), held.pop_all())


def _form(order: InputOrder, address: addresses.Address) -> str:
    """What a syslog listener gets is syslog, unless the user says otherwise."""
    return "syslog" if address.kind == "syslog" and order.log_type == "auto" else order.log_type


def host_of(given: str | None, checkpoint: Checkpoint, here: str, say: Callable[[str], None]) -> str:
    """The host whose lines these are. Its name is in their ids: another one would make other events of the same lines."""
    host = given or checkpoint.host or here
    if checkpoint.host and host != checkpoint.host:
        say(f"{checkpoint.path} is of host {checkpoint.host}: as lines of {host} all of them are sent again, with other ids")
    elif host != here and not given:
        say(f"{checkpoint.path} is of host {host}, this one is {here}: going on as {host}, so that ids stay (--host {here} for new ones)")
    return host


def memory(home: Path, name: str) -> Path:
    """Where the checkpoint of an input is kept when nobody says where."""
    return home / "producers" / f"{name}.json"
