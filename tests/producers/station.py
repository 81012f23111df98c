"""A producer of one live input on real sockets, in a thread, with a publisher in memory."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from logverse import settings
from logverse.instant import now
from producers.assembly import Running, Workplace, begin, reserve
from producers.memory import MemoryPublisher
from producers.order import InputOrder, Limits
from producers.producer import Pace, Producer
from producers.run import Bell


class Station:
    """Starts inputs one after the other, as runs of one producer: over the same checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said, self.publisher = folder, list[str](), MemoryPublisher()
        self.running: Running | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.drained: bool | None = None

    def start(self, address: str, limits: Limits | None = None, patience_s: float = 8.0, **more: Any) -> Running:
        order = InputOrder("net", "net", (address,), self.folder / "net.json", **more)
        bell = Bell()
        place = Workplace(settings.load({"home": str(self.folder)}, {}), "memory", limits or Limits(), True, now, bell.ring)
        self.running = running = begin(order, place, self.said.append, reserve(order))
        self._stopping.clear()
        pace = Pace(now, bell.sleep, 0.05, patience_s)
        self.producer = Producer("net", [running.input], self.publisher, pace, self._stopping.is_set)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return running

    def _follow(self) -> None:
        self.producer.follow()
        self.drained = self.producer.drain()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread and self.running:
            self._thread.join(30)
            self.running.close()

    def kill(self) -> None:
        """End without a goodbye: nothing more is saved."""
        assert self.running
        self.running.input.source.close = self.running.input.source.release = lambda: None  # type: ignore[method-assign]
        self.stop()

    @property
    def port(self) -> int:
        assert self.running
        port: int = self.running.input.source.port  # type: ignore[attr-defined]
        return port

    @property
    def account(self) -> Any:
        assert self.running
        return self.running.input.account

    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value) for record in list(self.publisher.records) if record.topic != "logs.dlq"]

    def dead(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value) for record in list(self.publisher.records) if record.topic == "logs.dlq"]

    def bodies(self) -> list[str]:
        return [event["body"] for event in self.events()]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def wait_until(condition: Callable[[], bool], what: str, patience_s: float = 20.0) -> None:
    until = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.01)
