"""How far a restore is, on this machine's disk: whoever is killed goes on behind the last row group that was all there."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from logverse.errors import Refused, WrongSettings


class Progress:
    """Row groups that are done, by file, and what became of their records. `about` says what is restored from where into what.

    `marks` are a sink's own: where it stood before the row group that is under way. `known`: it was begun before, though it may have
    nothing done. WrongSettings when another restore has this name.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        self.folder, self._path = folder, folder / "progress.json"
        found = self._read()
        if found and found["about"] != dict(about):
            raise WrongSettings(
                f"a restore of something else is called so: {_said(found['about'])}",
                where=f"--name {folder.name}", remedy="choose another --name, or take that one away: logverse restore --drop NAME",
            )  # fmt: skip
        self.about, self.known = dict(about), bool(found)
        self._done: dict[str, int] = found.get("done", {})
        self.counts: Counter[str] = Counter(found.get("counts", {}))
        self.damage: list[str] = found.get("damage", [])
        self.marks: dict[str, Any] = found.get("marks", {})
        self.finished: bool = found.get("finished", False)

    @property
    def begun(self) -> bool:
        return bool(self._done)

    def done(self, file: str) -> int:
        """How many of the file's first row groups are all there."""
        return self._done.get(file, 0)

    def mark(self, marks: dict[str, Any]) -> None:
        """Before something is done that must not be done twice."""
        self.marks = marks
        self._write()

    def add(self, file: str, groups: int, counts: Mapping[str, int], damage: str = "") -> None:
        """The first `groups` row groups of the file are all there now."""
        self._done[file] = groups
        self.counts.update(counts)
        self.damage += [damage] if damage and damage not in self.damage else []
        self.marks = {}
        self._write()

    def finish(self) -> None:
        self.finished = True
        self._write()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Refused when another process does this restore."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused(f"restore {self.folder.name} is under way in another process") from None
            yield

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except orjson.JSONDecodeError as error:
            raise WrongSettings(f"cannot be read: {error}", where=str(self._path), remedy="logverse restore --drop NAME") from error
        return found

    def _write(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self._path.with_suffix(f".{os.getpid()}")
        whole = {
            "about": self.about, "done": self._done, "counts": self.counts, "damage": self.damage, "marks": self.marks,
            "finished": self.finished,
        }  # fmt: skip
        aside.write_bytes(orjson.dumps(whole))
        aside.replace(self._path)


def _said(about: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in about.items() if value)
