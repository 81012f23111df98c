"""Archived records as files that any tool reads: the records' own lines, by type and hour."""

from __future__ import annotations

import os
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import orjson

from logverse import instant
from logverse.errors import Refused
from storage.backup.restore_reading import Archived, Part


class IntoFiles:
    """A Sink. Each archived file becomes one `….jsonl` below `folder`, one record a line as it was; what is no line of its own (no value,
    a newline in it, not UTF-8) goes into `….odd.jsonl` beside it, with its place, its key and headers in base64. A row group is a
    stretch of both.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, part: Part) -> Counter[str]:
        counts: Counter[str] = Counter()
        if part.rows is None and part.number:
            return counts
        path = self._folder / Path(part.file.name).relative_to("data").with_suffix(".jsonl")
        lines, odd = _at_once(part), b""
        if lines is None:
            records = list(part.records())
            lines = _together(record.value or b"" for record in records if _is_line(record.value))
            odd = _together(_told(record) for record in records if not _is_line(record.value))
        counts.update(lines=lines.count(b"\n"), odd=odd.count(b"\n"))
        try:
            for one, found in ((path, lines), (path.with_suffix(".odd.jsonl"), odd)):
                _append(one, part.number, found)
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from error
        return +counts

    def close(self) -> None:
        """Nothing is held."""


def _at_once(part: Part) -> bytes | None:
    """The lines of a row group all of whose values are lines, without a look at each one; None when there is an odd one."""
    if part.rows is None or not part.rows.num_rows:
        return b""
    values = part.rows.column("value")
    if values.null_count:
        return None
    joined = b"\n".join(values.to_pylist())
    return joined + b"\n" if joined.count(b"\n") == len(values) - 1 and b"\r" not in joined and _is_text(joined) else None


def _together(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _is_line(value: bytes | None) -> bool:
    return value is not None and b"\n" not in value and b"\r" not in value and _is_text(value)


def _is_text(data: bytes) -> bool:
    """UTF-8: of several values with newlines between them it is so when it is so of each."""
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _told(record: Archived) -> bytes:
    place = {"topic": record.topic, "topic_id": record.topic_id, "partition": record.partition, "offset": record.offset}
    told = place | {"appended": instant.written(record.appended), "key": _in_base64(record.key), "value": _in_base64(record.value)}
    headers = [[name, _in_base64(value)] for name, value in record.headers]
    return orjson.dumps(told | ({"headers": headers} if headers else {}))


def _in_base64(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode()


def _append(path: Path, number: int, lines: bytes) -> None:
    """What an earlier attempt wrote of this row group is cut off first: `….at` says how long the file was before each of them."""
    marks = path.with_name(f".{path.name}.at")
    if not lines and not path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = orjson.loads(marks.read_bytes()) if marks.exists() else {}
    with _opened(path) as file:
        end = before.get(str(number), file.seek(0, os.SEEK_END)) if number else 0
        aside = marks.with_suffix(".new")
        aside.write_bytes(orjson.dumps({str(number): end}))
        aside.replace(marks)
        file.truncate(end)
        file.seek(end)
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
