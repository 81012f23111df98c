"""Where what comes in from outside waits for the producer's thread: bounded in bytes, with a bell that wakes the one who takes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from logverse.instant import Millis

T = TypeVar("T")


class Inbox(Generic[T]):
    """Filled by one thread, emptied by another. `ring` is called when something comes in, `room` when there is room again."""

    def __init__(self, most: int, ring: Callable[[], None], room: Callable[[], None] = lambda: None) -> None:
        self._most, self._ring, self._room = most, ring, room
        self._items: deque[tuple[Millis, int, T]] = deque()
        self._lock = threading.Lock()
        self._was_full = False
        self.bytes = 0

    def put(self, item: T, size: int, now: Millis) -> bool:
        """Take it in; False, and nothing is kept, when that would be too much. An empty inbox takes anything."""
        with self._lock:
            if self._items and self.bytes + size > self._most:
                self._was_full = True
                return False
            self._items.append((now, size, item))
            self.bytes += size
        self._ring()
        return True

    def take(self, most: int) -> list[T]:
        """The oldest items, of about so many bytes together; at least one when there is one."""
        taken, size = list[T](), 0
        with self._lock:
            while self._items and (not taken or size + self._items[0][1] <= most):
                _, one, item = self._items.popleft()
                taken.append(item)
                size += one
            self.bytes -= size
            again = self._was_full and self.bytes <= self._most // 2
            self._was_full = self._was_full and not again
        if again:
            self._room()
        return taken

    def oldest(self) -> Millis | None:
        """When the oldest item came in (processing time)."""
        with self._lock:
            return self._items[0][0] if self._items else None
