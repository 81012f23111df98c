"""A file far away as a reader wants it: seekable, fetched in pieces."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO, cast

AHEAD = 256 * 1024  # what is read at once when little is asked for; more than that is fetched as it was asked


class _Ranged(io.RawIOBase):
    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self._size, self._fetch, self._at = size, fetch, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readall(self) -> bytes:
        """The rest in one go; the default asks for 8 KiB at a time."""
        rest = self._size - self._at
        found = self._fetch(self._at, rest) if rest > 0 else b""
        self._at += len(found)
        return found

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        found = self._fetch(self._at, wanted)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def ranged(size: int, fetch: Callable[[int, int], bytes]) -> BinaryIO:
    """A file of this size whose bytes are fetched by (offset, length); `fetch` is never asked for what lies outside of it."""
    return cast(BinaryIO, io.BufferedReader(_Ranged(size, fetch), AHEAD))
