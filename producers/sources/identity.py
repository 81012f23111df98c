"""Which text a file holds, whatever its name and folder: the ground on which a line's uid stands.

A text is its service, its host, the name it had before rotation, and its first complete line (with the `#` and blank
lines before it: all files of a format may share these). The copy that rotation made, its `.gz` twin and the same file in another folder are
the same text. Two live files with one name and one first line in two folders are told apart by a salt (see `adoption`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from logverse.identity import digest

HEAD = 4096  # bytes that tell a text apart, at most
COMPRESSED = (".gz", ".zst")

_ROTATED = re.compile(r"(?:[.\-_]\d{1,14}|\.old)+$", re.ASCII)  # access.log.1, access.log-20261121, access.log-2026-11-21
_NUMBERED = re.compile(r"[.\-_](\d{6,14})$", re.ASCII)  # access_log.1763683200: rotatelogs writes to the newest of these
_DATED = re.compile(r"[.\-_]\d{4}-?\d\d-?\d\d(?:[.\-_T]?\d{2,6})?(?=\.)", re.ASCII)  # access-20261121.log


def stem(name: str) -> str:
    """The name before rotation and compression.

    >>> {stem(name) for name in ("access.log", "access.log.2.gz", "access.log-20261121", "access-2026-11-21.log")}
    {'access.log'}
    """
    plain = name.removesuffix(".gz").removesuffix(".zst")
    return _DATED.sub("", _ROTATED.sub("", plain)) or name


def is_rotated(name: str) -> bool:
    """Whether the name looks like that of a file to which nobody writes any more; worker-1 looks so, and may be alive."""
    return name.endswith(COMPRESSED) or bool(_ROTATED.search(name))


def superseded(path: Path, beside: Iterable[Path]) -> bool:
    """Whether another file has taken the place of one with a rotated name: the bare name, or one with a later date.

    >>> superseded(Path("access_log.1763683200"), [Path("access_log.1763769600")]), superseded(Path("worker-1"), [Path("worker-2")])
    (True, False)
    """
    bare, date = stem(path.name), _NUMBERED.search(path.name)
    if path.name.endswith(COMPRESSED) or path.with_name(bare).exists():
        return True
    dates = (_NUMBERED.search(other.name) for other in beside if other.parent == path.parent and stem(other.name) == bare) if date else ()
    return date is not None and any(other is not None and int(other[1]) > int(date[1]) for other in dates)


def shown(path: str | Path) -> str:
    """A path as text that JSON can hold: bytes that are not UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def head_of(data: bytes, ended: bool) -> bytes | None:
    """What identifies the text that begins so; None while its first line is not complete.

    >>> head_of(b"#Fields: a b\\n1 2\\n3 4", ended=False)
    b'#Fields: a b\\n1 2'
    """
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        if end >= HEAD or not (data.startswith(b"#", start) or data[start:end] in (b"", b"\r")):
            return data[: min(end, HEAD)]
        start = end + 1
    if len(data) >= HEAD:
        return data[:HEAD]
    return data if ended and data else None


def text_id(service: str, host: str, name: str, head: bytes, salt: str = "") -> str:
    """The identity of a text, 20 hexadecimal characters; a line's uid is this, `-`, and its byte offset."""
    return digest(service, host, stem(name), head.hex(), salt)[:20]
