"""A log that is written and rotated as `logrotate` does it, by rename and by copy-and-truncate; it knows every line that was written."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path


class RotatingLog:
    """Its newest rotated file is `.1`; of older ones `keep` stay. Nothing is written between copy and truncation: that loss is the tool's.

    `head`: what each file begins with, over and above its own lines.
    """

    def __init__(self, path: Path, keep: int, head: str = "") -> None:
        self.path, self._keep, self._head = path, keep, head
        self.written: Counter[str] = Counter()
        self.lines = self.rotations = 0
        self._file = path.open("ab", buffering=0)

    def write(self, count: int, at_ms: int | None = None) -> None:
        """Append so many lines, each in the world once. `at_ms`: when that is, if not now."""
        new = [f"2026-11-21T12:00:00Z INFO web: line {self.lines + n} of many" for n in range(count)]
        if self._head and not os.fstat(self._file.fileno()).st_size:
            new.insert(0, self._head)
        self.lines += count
        self.written.update(new)
        self._file.write("".join(line + "\n" for line in new).encode())
        if at_ms is not None:
            os.utime(self._file.fileno(), (at_ms / 1000, at_ms / 1000))

    def rename(self) -> None:
        """The file goes aside, and another one takes its name."""
        self._shift()
        self.path.rename(self._rotated(1))
        self._file.close()
        self._file = self.path.open("ab", buffering=0)

    def copy_and_truncate(self) -> None:
        """Its bytes go aside, and it is emptied."""
        self._shift()
        shutil.copy2(self.path, self._rotated(1))
        self._file.truncate(0)

    def _shift(self) -> None:
        self.rotations += 1
        for number in range(min(self.rotations, self._keep) - 1, 0, -1):
            self._rotated(number).rename(self._rotated(number + 1))

    def _rotated(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
