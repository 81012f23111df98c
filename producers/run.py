"""One run of a producer, put together: what `logverse produce` starts."""

from __future__ import annotations

import resource
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from logverse.instant import Millis
from logverse.settings import Settings
from producers import metrics
from producers.account import Account
from producers.checkpoint import Checkpoint, only_one
from producers.producer import Pace, Producer
from producers.progress import Progress
from producers.publisher import KafkaPublisher, Publisher
from producers.sources.adoption import Adoption
from producers.sources.files import Files
from producers.sources.patterns import check
from producers.translation import Translator

_PATIENCE_S = 8.0  # for acknowledgements after SIGTERM; what has not arrived then is sent again at the next start


@dataclass(frozen=True, slots=True)
class Order:
    """What to read, as whose, and how. `host` None: the one that the checkpoint is of, this one when there is none."""

    files: tuple[str, ...]
    service: str
    host: str | None
    log_type: str
    follow: bool
    poll_s: float
    watermark_delay_s: float
    metrics_port: int | None
    checkpoint: Path


class Stop:
    """Set by SIGTERM and Ctrl-C."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True

    def __call__(self) -> bool:
        return self.asked


def produce(settings: Settings, order: Order, out: TextIO) -> tuple[Account, bool]:
    """Run until stopped, or to the end of the files; what was done, and whether everything has arrived. Progress goes to `out`."""
    check(order.files, order.follow)
    _many_files()
    account, stop = Account(), Stop()
    progress = Progress(order.service, account, out, _now)
    with only_one(order.checkpoint):
        publisher = KafkaPublisher(settings, progress.say)
        cluster = publisher.connect(lambda: not stop())
        if cluster is None:
            return account, False
        checkpoint = Checkpoint.load(order.checkpoint, cluster)
        if checkpoint.foreign:
            progress.say(f"{order.checkpoint} is of another Kafka cluster: sending everything to this one, with the same ids")
        checkpoint.host = host_of(order.host, checkpoint, socket.gethostname(), progress.say)
        run = _Run(order, publisher, checkpoint, account, progress, stop)
        try:
            return account, run.follow() if order.follow else run.read_to_end()
        finally:
            progress.close()


def host_of(given: str | None, checkpoint: Checkpoint, here: str, say: Callable[[str], None]) -> str:
    """The host whose lines these are. Its name is in their ids: another one would make other events of the same lines."""
    host = given or checkpoint.host or here
    if checkpoint.host and host != checkpoint.host:
        say(f"{checkpoint.path} is of host {checkpoint.host}: as lines of {host} all of them are sent again, with other ids")
    elif host != here and not given:
        say(f"{checkpoint.path} is of host {host}, this one is {here}: going on as {host}, so that ids stay (--host {here} for new ones)")
    return host


def _many_files() -> None:
    """As many open files as this user may have: the usual soft limit is less than a glob finds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # some systems name a hard limit that they do not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Run:
    def __init__(
        self, order: Order, publisher: Publisher, checkpoint: Checkpoint, account: Account, progress: Progress, stop: Stop
    ) -> None:
        self._order, self._publisher, self._progress, self._stop = order, publisher, progress, stop
        adoption = Adoption(order.service, checkpoint.host, checkpoint.texts, _now)
        self._files = Files(order.files, adoption, checkpoint, order.follow, _now, account, progress.say)
        self._translator = Translator(order.service, checkpoint.host, order.log_type, account, progress.say)
        self._producer = Producer(
            order.service, self._files, self._translator, publisher, checkpoint, account,
            Pace(_now, time.sleep, order.poll_s), stop, self._tick, progress.say,
        )  # fmt: skip
        self._warned = False
        self._gauges = self._measured()
        if order.metrics_port is not None:
            port = metrics.serve(metrics.ProducerMetrics(order.service, account, lambda: self._gauges), order.metrics_port)
            progress.say(f"metrics at http://127.0.0.1:{port}/metrics")

    def follow(self) -> bool:
        for pattern in self._files.missing():
            self._progress.say(f"{pattern} does not exist yet: waiting for it")
        self._producer.follow()
        arrived = self._producer.flush(_PATIENCE_S)
        self._tick()
        if not arrived:
            self._progress.say(
                f"stopped with {self._publisher.in_flight():,} records unconfirmed: sent again, with the same ids, next time"
            )
        return arrived

    def read_to_end(self) -> bool:
        arrived = self._producer.read_to_end() or (self._producer.flush(_PATIENCE_S) and not self._stop())
        self._tick()
        return arrived

    def _tick(self) -> None:
        self._gauges = self._measured()  # here, since another thread that asks would meet files being closed
        self._progress.show(self._gauges)
        worst = self._translator.disorder.worst
        if worst > self._order.watermark_delay_s * 1000 and not self._warned:
            self._warned = True
            self._progress.say(
                f"times in {self._translator.disorder.file} run backwards by up to {worst / 1000:g} s, more than the watermark delay of "
                f"{self._order.watermark_delay_s:g} s: such lines count late. Set it: "
                f"logverse job submit detect --watermark-delay {-(-worst // 1000) + 1}s"
            )

    def _measured(self) -> dict[str, float]:
        return {
            "lag_bytes": sum(file.lag() for file in list(self._files.reading)),
            "in_flight_records": self._publisher.in_flight(),
            "kafka_up": 0 if self._publisher.away() else 1,
            "disorder_seconds": self._translator.disorder.worst / 1000,
        }


def _now() -> Millis:
    return time.time_ns() // 1_000_000
