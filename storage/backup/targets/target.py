"""The contract of every place that archives lie in, and what may go wrong there; all targets take the same tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from logverse.errors import Refused
from logverse.instant import Millis

_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._=+-]{1,255}")


class Exists(Refused):
    """There is a file of this name already, and nothing overwrites it. `name` is the file's."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"{where}: {name} exists already and is never overwritten")
        self.name = name


class Missing(Refused):
    """There is no file of this name. `name` is the file's."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"{where}: no file {name}")
        self.name = name


class Found(NamedTuple):
    """A file of a target: its name below the root, its bytes, and when it last changed (the target's own clock)."""

    name: str
    bytes: int
    changed: Millis


class Target(Protocol):
    """A place for archives. Names are relative POSIX paths of safe characters below the target's root (`checked`).

    Every method raises TryAgain when the place is away, slow or a standby, and Refused when it is full or says no.
    One target may be used by several threads at once.
    """

    def upload(self, local: Path, name: str) -> None:
        """Write this file under a temporary name, over an earlier one; whoever is killed meanwhile may leave half of it there."""

    def publish(self, temporary: str, name: str) -> None:
        """Give it its final name, whole or not at all. Exists when there is one of that name, Missing without the temporary."""

    def open(self, name: str) -> BinaryIO:
        """Read it in pieces, from wherever the reader seeks to. Missing when it is not there."""

    def list(self, folder: str = "") -> Iterator[Found]:
        """All files below this folder, temporary ones too, in order of their names; none where there is no such folder."""

    def remove(self, name: str) -> None:
        """Delete it; no error when it is not there."""

    def close(self) -> None:
        """Let go of the far side."""


def checked(name: str) -> str:
    """The name, when it is one that every target can keep and that stays below the root; ValueError otherwise.

    >>> checked("data/type=http/dt=2026-11-21/part-0.parquet")
    'data/type=http/dt=2026-11-21/part-0.parquet'
    """
    if not all(_SEGMENT.fullmatch(segment) for segment in name.split("/")):
        raise ValueError(f"no name for a file of a target: {name!r}")
    return name
