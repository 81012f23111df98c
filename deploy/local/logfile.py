"""The log files of a stack: kept small, read from their end, and asked for the line that says what went wrong."""

from __future__ import annotations

import re
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

CAP_BYTES = 32 * 1024 * 1024  # of the current file; as much again of the one before it
POLL_S = 0.3

_TELLING = re.compile(r"\b(FATAL|ERROR|CRITICAL)\b|\b[Ee]rror: |Exception\b|Could not|Unrecognized|OutOfMemory|^error\b")
_FRAME = re.compile(r"^\s+(at |File |\.\.\. )")


def cap(path: Path, limit: int = CAP_BYTES) -> bool:
    """Move what is in a grown file to PATH.1 and empty it in place: its writer appends, and goes on at the new end."""
    if not path.exists() or path.stat().st_size <= limit:
        return False
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as file:
        file.truncate(0)
    return True


def telling_line(path: Path, since: int = 0) -> str:
    """The last line from byte `since` on that names an error, else the last one at all; empty when there is none."""
    last = found = ""
    for line in tail(path, 400, since):
        if line.strip() and not _FRAME.match(line):
            last = line
            found = line if _TELLING.search(line) else found
    return (found or last).strip()[:300]


def tail(path: Path, lines: int, since: int = 0) -> list[str]:
    """The last lines of a file, none when it cannot be read; bytes that are no UTF-8 show as replacement characters."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(since if since <= end else 0, end - 1000 * lines))  # lines of ours are shorter than that
            return [line.decode("utf-8", "replace").rstrip("\n") for line in deque(file, maxlen=lines)]
    except OSError:
        return []


def follow(path: Path, sleep: Callable[[float], None]) -> Iterator[str]:
    """Lines as they are written from now on, for ever; goes on at the start of a file that was emptied."""
    at, rest = (path.stat().st_size if path.exists() else 0), b""
    while True:
        size = path.stat().st_size if path.exists() else 0
        if size < at:
            at, rest = 0, b""
        if size == at:
            sleep(POLL_S)
            continue
        with path.open("rb") as file:
            file.seek(at)
            data = file.read(size - at)
        at += len(data)
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
