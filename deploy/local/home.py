"""The home folder of one embedded stack: where everything of it lies, and nothing outside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from logverse.errors import WrongSettings

FOLDERS = ("conf", "data", "logs", "run", "tmp", "jobs", "services", "checkpoints", "savepoints")
MARKER = "home.json"  # only a folder that has it is a home: nothing is ever deleted in another one


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one stack. Two homes are two stacks that know nothing of each other."""

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def log(self, name: str) -> Path:
        """Where the process of this name writes whatever it says."""
        return self.path / "logs" / f"{name}.log"

    @property
    def is_ours(self) -> bool:
        """Has `make` made this home? (One that was made before there was a marker has the ports of its Kafka and Flink.)"""
        return (
            read_json(self.path / MARKER).get("home_of") == "logverse"
            or {"kafka", "jobmanager"} <= read_json(self.path / "ports.json").keys()
        )

    def foreign(self) -> list[str]:
        """What has the name of a folder of ours and is not ours; nothing in a home, and nothing where there is no folder."""
        return [] if self.is_ours else [name for name in FOLDERS if (self.path / name).exists() and not self._detached(name)]

    def must_be_ours(self, problem: str, remedy: str) -> None:
        """WrongSettings when another's folders have our names."""
        if foreign := self.foreign():
            said = f"{', '.join(f'{name}/' for name in foreign)} in it {'is' if len(foreign) == 1 else 'are'} not LogVerse's: {problem}"
            raise WrongSettings(said, where=f"home {self.path}", remedy=remedy)

    def _detached(self, name: str) -> bool:
        """Is it what `produce --detach` leaves before the first `up`?"""
        files = list((self.path / name).iterdir()) if name == "services" and (self.path / name).is_dir() else []
        return bool(files) and all("arguments" in read_json(file) for file in files)

    def make(self) -> None:
        """Mark the folder as a home and create its folders; only their owner may look inside. WrongSettings when that cannot be."""
        self.must_be_ours("this cannot be the home of a stack", "name a new folder: logverse --home DIR up")
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(self.path / MARKER, {"home_of": "logverse"})
            for name in FOLDERS:
                (self.path / name).mkdir(exist_ok=True)
        except OSError as error:
            raise WrongSettings(
                f"cannot be the home of a stack: {error.strerror or error}",
                where=f"home {self.path}",
                remedy="name a folder of yours: logverse --home DIR up",
            ) from error

    def port(self, name: str) -> int:
        """The port that was chosen for this use (`ports.choose`). KeyError before the first `up`."""
        return int(read_json(self.path / "ports.json")[name])

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.port(name)}"


def read_json(path: Path) -> dict[str, Any]:
    """The object in this file; empty when there is none, or when it was cut off by a crash of the machine.

    WrongSettings when it may not be read.
    """
    try:
        found = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, orjson.JSONDecodeError):
        return {}
    except OSError as error:
        raise WrongSettings(f"cannot be read: {error.strerror}", where=str(path), remedy="name a home of yours: --home DIR") from error
    return found if isinstance(found, dict) else {}


def write_json(path: Path, value: Any) -> None:
    """Put the value there at once: a reader sees the old one or the new one, never half of it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    aside.replace(path)
