"""Hot reload: what changed in producers.yaml takes effect on the inputs it is about, and on no other."""

from __future__ import annotations

from collections.abc import Callable

from logverse.errors import WrongSettings
from logverse.instant import Millis
from producers import configuration
from producers.assembly import Running, Workplace, begin, possible, reserve
from producers.inputs import Input
from producers.order import InputOrder, Order
from producers.sources.log_file import version

LOOK_MS = 1_000  # between two looks at the file
AGAIN_MS = 10_000  # it is read again though it is the same: what it names, such as a masking policy, may be another
RETRY_MS = 10_000  # for an input that could not begin: its port may be free by then


class Reload:
    """Keeps `running` and `inputs` (the producer's) as the file says. A file with a mistake changes nothing."""

    def __init__(
        self, order: Order, place: Workplace, running: list[Running], inputs: list[Input], sayer: Callable[[str], Callable[[str], None]]
    ) -> None:
        self._order, self._place, self._running, self._inputs, self._sayer = order, place, running, inputs, sayer
        self._wanted = {one.name: one for one in order.inputs}
        self._version = version(order.config) if order.config else None
        self._looked: Millis = 0
        self._read_at: Millis = place.clock()
        self._wrong = ""  # what is wrong with the file, and was said
        self._failed: dict[str, tuple[Millis, str]] = {}  # input → when it could not begin, and why

    def turn(self) -> None:
        """See to it, at most once a second, save for inputs that are ready to go."""
        for one in [one for one in self._running if one.input.gone]:
            self._let_go(one)
        now = self._place.clock()
        if self._order.config is None or now - self._looked < LOOK_MS:
            return
        self._looked = now
        current = version(self._order.config)
        if current != self._version or now - self._read_at >= AGAIN_MS:
            self._version, self._read_at = current, now
            self._read()
        self._begin_missing(now)

    def _read(self) -> None:
        say = self._sayer(self._order.name)
        try:
            fresh = configuration.again(self._order)
            for one in fresh.inputs:
                possible(one, follow=True)
        except WrongSettings as error:
            if str(error) != self._wrong:
                self._wrong = str(error)
                say(f"{error}\nnothing was changed")
            return
        self._wrong = ""
        if fresh.inputs == tuple(self._wanted.values()):
            return
        if (fresh.limits, fresh.metrics_port) != (self._order.limits, self._order.metrics_port):
            say("limits and metrics_port take effect at the next start")
        self._wanted = {one.name: one for one in fresh.inputs}
        self._failed.clear()
        for running in self._running:
            if self._wanted.get(running.order.name) != running.order and not running.input.leaving:
                running.input.say("changed: it begins anew" if running.order.name in self._wanted else "is taken out")
                running.input.leave()

    def _begin_missing(self, now: Millis) -> None:
        present = {one.order.name for one in self._running}
        for name, order in self._wanted.items():
            if name not in present and now - self._failed.get(name, (0, ""))[0] >= RETRY_MS:
                self._begin(order, now)

    def _begin(self, order: InputOrder, now: Millis) -> None:
        say = self._sayer(order.name)
        try:
            started = begin(order, self._place, say, reserve(order))
        except WrongSettings as error:
            if self._failed.get(order.name, (0, ""))[1] != str(error):
                say(f"{error}\ntrying again")
            self._failed[order.name] = (now, str(error))
            return
        self._failed.pop(order.name, None)
        self._running.append(started)
        self._inputs.append(started.input)
        say(f"reads {', '.join(order.addresses)}")

    def _let_go(self, one: Running) -> None:
        one.close()
        self._running.remove(one)
        self._inputs.remove(one.input)
