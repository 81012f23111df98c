"""The home folder of one embedded stack: where everything of it lies, and nothing outside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from logverse.errors import WrongSettings

FOLDERS = ("conf", "data", "logs", "run", "tmp", "jobs", "services", "checkpoints", "savepoints")


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one stack. Two homes are two stacks that know nothing of each other."""

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def log(self, name: str) -> Path:
        """Where the process of this name writes whatever it says."""
        return self.path / "logs" / f"{name}.log"

    def make(self) -> None:
        """Create the folders; only their owner may look inside. WrongSettings when that cannot be."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in FOLDERS:
                (self.path / name).mkdir(exist_ok=True)
        except OSError as error:
            raise WrongSettings(
                f"cannot be the home of a stack: {error.strerror}",
                where=f"home {self.path}",
                remedy="name a folder of yours: logverse --home DIR up",
            ) from error

    def port(self, name: str) -> int:
        """The port that was chosen for this use (`ports.choose`). KeyError before the first `up`."""
        return int(read_json(self.path / "ports.json")[name])

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.port(name)}"


def read_json(path: Path) -> dict[str, Any]:
    """The object in this file; empty when there is none, or when it was cut off by a crash of the machine."""
    try:
        found = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, value: Any) -> None:
    """Put the value there at once: a reader sees the old one or the new one, never half of it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    aside.replace(path)
