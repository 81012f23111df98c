"""How far each file has arrived at Kafka: moves only on acknowledgement, never past a hole, and outlives the process."""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from logverse.errors import WrongSettings
from logverse.instant import Millis
from producers.sources.identity import shown

VERSION = 1
MAX_TEXTS = 10_000  # beyond it those not seen for the longest time are forgotten, finished ones first
SEEN_MS = 3_600_000  # how often `seen` moves for a text that is being followed: seldom, as each move writes the file


@dataclass(slots=True, eq=False)
class Stretch:
    """A piece of a text that is on its way: everything before `end` has arrived once it and all before it are settled."""

    position: Position
    end: int
    last_time: Millis | None
    mark: str = ""
    settled: bool = False

    def settle(self) -> None:
        """Everything of this stretch is acknowledged."""
        self.settled = True
        self.position.advance()


@dataclass(slots=True)
class Position:
    """Where one text stands. `offset`: acknowledged up to here, contiguously. `sent`: handed to Kafka up to here.

    `last_time` is the event time that a line without one takes at `offset`; `first_seen` (processing time) serves before the
    first. `seen` is when the text was last found on disk (processing time). `closed_at`: it ended there, nobody writes to it any more.
    `mark` is what `marked` makes of the bytes before `offset`: a file that has others there is another text ("" fits all).
    `written` is when it had last been written to as it was first seen (the file system's clock): what year its first lines are of.
    `cuts` are offsets behind `offset` where a record of several lines was not waited for any longer, so that it ends there for ever.
    """

    path: str
    first_seen: Millis
    offset: int = 0
    last_time: Millis | None = None
    type: str = ""
    inode: int = 0
    seen: Millis = 0
    closed_at: int | None = None
    mark: str = ""
    written: Millis = 0
    cuts: list[int] = field(default_factory=list)
    sent: int = field(default=0, compare=False)
    sent_time: Millis | None = field(default=None, compare=False)  # `last_time`, at `sent`
    sent_mark: str = field(default="", compare=False)  # `mark`, at `sent`
    _way: deque[Stretch] = field(default_factory=deque, compare=False, repr=False)

    @property
    def finished(self) -> bool:
        """Whether all of it has arrived and no more will come."""
        return self.closed_at is not None and self.offset >= self.closed_at

    def begin(self, end: int, last_time: Millis | None, tail: bytes = b"") -> Stretch:
        """The next stretch sets out, `tail` before its end; call its `settle` once everything of it is acknowledged."""
        stretch = Stretch(self, end, last_time, marked(tail))
        self._way.append(stretch)
        self.sent, self.sent_time, self.sent_mark = end, last_time, stretch.mark
        return stretch

    def advance(self) -> None:
        """Move over what is settled, up to the first stretch that is not."""
        while self._way and self._way[0].settled:
            stretch = self._way.popleft()
            self.offset, self.last_time, self.mark = stretch.end, stretch.last_time, stretch.mark
        if self.cuts and self.cuts[0] <= self.offset:
            self.cuts = [cut for cut in self.cuts if cut > self.offset]

    def found(self, now: Millis) -> None:
        """The text is still on disk, and followed."""
        if now - self.seen >= SEEN_MS:
            self.seen = now

    def to_dict(self) -> dict[str, Any]:
        names = ("path", "first_seen", "offset", "last_time", "type", "inode", "seen", "closed_at", "mark", "written", "cuts")
        return {name: getattr(self, name) for name in names} | {"path": shown(self.path)}


class Checkpoint:
    """The positions of all texts of one producer, by identity, in one JSON file that is replaced whole."""

    def __init__(self, path: Path, cluster: str = "") -> None:
        self.path, self.cluster = path, cluster
        self.texts: dict[str, Position] = {}
        self.saved_at: float | None = None  # when the last run saved it, seconds UTC by the file system's clock
        self.foreign = False  # it was of another Kafka cluster
        self.host = ""  # whose name is in the identities of the texts
        self.urgent = False  # to be saved before anything more is sent
        self._written = b""

    @classmethod
    def load(cls, path: Path, cluster: str) -> Checkpoint:
        """What was saved, or an empty one. That of another Kafka cluster does not count: nothing has arrived at this one."""
        checkpoint = cls(path, cluster)
        try:
            saved = orjson.loads(path.read_bytes())
            if saved["version"] != VERSION:
                raise WrongSettings(f"version {saved['version']}, this is {VERSION}", where=str(path), remedy="update LogVerse")
            checkpoint.foreign, checkpoint.host = saved["cluster"] != cluster, str(saved.get("host", ""))
            if not checkpoint.foreign:
                checkpoint.saved_at = path.stat().st_mtime
                checkpoint.texts = {identity: _position(entry) for identity, entry in saved["texts"].items()}
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _impossible(path, error) from error
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise WrongSettings(
                "is no checkpoint of a producer", where=str(path), remedy="delete it to send everything again, with the same ids"
            ) from error
        return checkpoint

    def save(self) -> None:
        """Write it, if anything moved: to a temporary file, to the disk, and only then to its name. OSError: not written."""
        content = self._content()
        if content == self._written:
            self.urgent = False
            return
        temporary = self.path.with_name(self.path.name + ".new")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
        self._written, self.urgent = content, False

    def _content(self) -> bytes:
        self._forget(len(self.texts) - MAX_TEXTS)
        texts = {identity: position.to_dict() for identity, position in self.texts.items()}
        whole = {"version": VERSION, "cluster": self.cluster, "host": self.host, "texts": texts}
        return orjson.dumps(whole, option=orjson.OPT_INDENT_2)

    def _forget(self, count: int) -> None:
        """Let go of the oldest texts, finished ones first; never of one that was on disk a moment ago."""
        if count <= 0:
            return
        followed = max(position.seen for position in self.texts.values()) - 2 * SEEN_MS
        over = [entry for entry in self.texts.items() if entry[1].finished or entry[1].seen < followed]
        for identity, _ in sorted(over, key=lambda entry: (not entry[1].finished, entry[1].seen))[:count]:
            del self.texts[identity]


def marked(tail: bytes) -> str:
    """Sixteen characters for the bytes before a position; none when there are none."""
    return sha256(tail).hexdigest()[:16] if tail else ""


def _position(entry: dict[str, Any]) -> Position:
    position = Position(**entry)
    position.sent, position.sent_time, position.sent_mark = position.offset, position.last_time, position.mark
    return position


def _impossible(path: Path, error: OSError) -> WrongSettings:
    return WrongSettings(
        f"no checkpoint can be kept there: {error.strerror}",
        where=str(path),
        remedy="name a file in a folder you may write: --checkpoint FILE",
    )


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Nobody else uses this checkpoint meanwhile; WrongSettings when somebody does, or when it cannot be. The folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("w")
    except OSError as error:
        raise _impossible(path, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrongSettings(
                "another producer is using this checkpoint",
                where=str(path),
                remedy="stop it, or name another file: --checkpoint FILE (or another --service)",
            ) from None
        yield
