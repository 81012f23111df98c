"""Archived records as files that any tool reads: the records' own lines, by type and hour."""

from __future__ import annotations

import os
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import orjson

from logverse.errors import Refused
from storage.backup.restore_reading import Archived, Part


class IntoFiles:
    """A Sink. Each archived file becomes one `….jsonl` below `folder`, one record a line as it was; what is no line of its own (no value,
    a newline in it, not UTF-8) goes with its place and in base64 into `….odd.jsonl` beside it. A row group is a stretch of both.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, part: Part) -> Counter[str]:
        counts: Counter[str] = Counter()
        if part.rows is None and part.number:
            return counts
        path = self._folder / Path(part.file.name).relative_to("data").with_suffix(".jsonl")
        lines: list[bytes] = []
        odd: list[bytes] = []
        for record in part.records():
            if _is_line(record.value):
                lines.append(record.value or b"")
            else:
                odd.append(_told(record))
        counts.update(lines=len(lines), odd=len(odd))
        try:
            for one, found in ((path, lines), (path.with_suffix(".odd.jsonl"), odd)):
                _append(one, part.number, found)
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from error
        return +counts

    def close(self) -> None:
        """Nothing is held."""


def _is_line(value: bytes | None) -> bool:
    if value is None or b"\n" in value or b"\r" in value:
        return False
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _told(record: Archived) -> bytes:
    place = {"topic": record.topic, "topic_id": record.topic_id, "partition": record.partition, "offset": record.offset}
    data = {"key": record.key, "value": record.value}
    return orjson.dumps(place | {name: None if one is None else b64encode(one).decode() for name, one in data.items()})


def _append(path: Path, number: int, lines: list[bytes]) -> None:
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
        file.writelines(line + b"\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
