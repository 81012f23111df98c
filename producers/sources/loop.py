"""The thread of a listener: an asyncio loop beside the producer's own thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
_PATIENCE_S = 30.0


class LoopThread:
    """Runs until `stop`. A daemon: a client that hangs keeps no process alive."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it there and wait for what comes of it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_PATIENCE_S)

    def begin(self, work: Coroutine[Any, Any, None], done: Callable[[], None]) -> None:
        """Have it done there; `done` is called, there, when it is over."""
        asyncio.run_coroutine_threadsafe(work, self.loop).add_done_callback(lambda _: done())

    def call(self, what: Callable[..., Any], *given: Any) -> None:
        """Have it done there, soon."""
        with suppress(RuntimeError):  # it has ended, and nobody waits for it
            self.loop.call_soon_threadsafe(what, *given)

    def stop(self) -> None:
        self.call(self.loop.stop)
        self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()
