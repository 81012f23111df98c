"""One run of a producer, put together: what `logverse produce` starts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TextIO

from logverse.instant import now
from logverse.settings import Settings
from producers import metrics
from producers.account import Account, Totals
from producers.assembly import Running, Workplace, begin, possible, reserve
from producers.order import Order
from producers.producer import Pace, Producer
from producers.progress import Progress
from producers.publisher import KafkaPublisher, Publisher
from producers.reload import Reload
from producers.sources.addresses import FILES, STDIN, understood
from producers.sources.streams import many_files
from producers.status import Status


class Stop:
    """Set by SIGTERM and Ctrl-C. It wakes nobody: a bell's lock may be held by the very thread that a signal interrupts."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True

    def __call__(self) -> bool:
        return self.asked


class Bell:
    """Rung by any thread; the one who sleeps wakes up."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.ring = self._event.set

    def sleep(self, seconds: float) -> None:
        """Until it rings, or so long."""
        self._event.wait(seconds)
        self._event.clear()


def produce(settings: Settings, order: Order, out: TextIO) -> tuple[dict[str, Account], bool]:
    """Run until stopped, or to the end; what each input has done, and whether everything has arrived. Progress goes to `out`."""
    for one in order.inputs:
        possible(one, order.follow)
    many_files(order.limits.files)
    bell, running = Bell(), list[Running]()
    stop = Stop()
    progress = Progress(order.name, Totals(lambda: [one.input.account for one in running]), out, now)
    with ExitStack() as closing:
        closing.callback(progress.close)
        reserved = [closing.enter_context(reserve(one)) for one in order.inputs]
        publisher = KafkaPublisher(settings, progress.say, order.limits.bytes_in_flight)
        cluster = publisher.connect(lambda: not stop())
        if cluster is None:
            return {}, False
        place = Workplace(settings, cluster, order.limits, order.follow, now, bell.ring)
        closing.callback(_close, running)
        for one, held in zip(order.inputs, reserved, strict=True):
            running.append(begin(one, place, _sayer(progress, one.name, order), held))
        return _Run(order, publisher, place, running, progress, stop, bell).run()


def _close(running: list[Running]) -> None:
    for one in running:
        one.close()


def _sayer(progress: Progress, name: str, order: Order) -> Callable[[str], None]:
    return progress.say if name == order.name else lambda text: progress.say(f"{name}: {text}")


class _Run:
    def __init__(
        self, order: Order, publisher: Publisher, place: Workplace, running: list[Running], progress: Progress, stop: Stop, bell: Bell
    ) -> None:
        self._order, self._publisher, self._progress, self._running, self._stop = order, publisher, progress, running, stop
        self._producer = Producer(
            order.name, [one.input for one in running], publisher, Pace(place.clock, bell.sleep, order.poll_s), stop, self._tick,
            self._between,
        )  # fmt: skip
        self._reload = Reload(order, place, running, self._producer.inputs, lambda name: _sayer(progress, name, order))
        self._status = Status(order, place.clock)
        self._measured = list[metrics.Measured]()
        self._tick()
        if order.metrics_port is not None:
            served = metrics.ProducerMetrics(order.name, lambda: self._measured, self._shared)
            progress.say(f"metrics at http://127.0.0.1:{metrics.serve(served, order.metrics_port)}/metrics")

    def run(self) -> tuple[dict[str, Account], bool]:
        arrived = self._follow() if self._order.follow or self._live() else self._read_to_end()
        self._tick()
        self._status.ended(self._running, self._measured, self._shared())
        return {one.order.name: one.input.account for one in self._running}, arrived

    def _follow(self) -> bool:
        if self._producer.follow() and self._producer.finish():
            return True  # all inputs were over by themselves
        arrived = self._producer.drain()
        if not arrived:
            count = self._publisher.in_flight()
            self._progress.say(
                f"stopped with {count:,} records unconfirmed: what can be read again is sent again, with the same ids, next time"
            )
        return arrived

    def _read_to_end(self) -> bool:
        return self._producer.read_to_end() or (self._producer.drain() and not self._stop())

    def _live(self) -> bool:
        return any(one.input.source.live for one in self._running)

    def _between(self) -> None:
        self._reload.turn()

    def _tick(self) -> None:
        self._measured = [one.measured() for one in self._running]  # here: another thread would meet files being closed
        shared = self._shared()
        self._progress.show(shared | {name: sum(one.gauges[name] for one in self._measured) for name in ("lag_bytes", "in_flight_records")})
        self._status.show(self._running, self._measured, shared)
        for one in self._running:
            one.warn(self._order.watermark_delay_s)

    def _shared(self) -> dict[str, float]:
        return {"kafka_up": 0 if self._publisher.away() else 1}


def listens(order: Order) -> bool:
    """Whether one of its inputs has no end of its own."""
    return any(understood(one.addresses).kind not in (FILES, STDIN) for one in order.inputs)
