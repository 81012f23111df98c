"""Texts whose file was emptied or rotated away: sought among the files beside it, where rotation has put them, or is about to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from logverse.errors import Malformed
from logverse.instant import Millis
from producers.sources.adoption import Adoption
from producers.sources.log_file import LogFile
from producers.sources.looking_back import Name, name_of
from producers.sources.streams import Stream


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """A text that `path` held. `file`: who was reading it there, None for what was left over from the last run."""

    identity: str
    path: Path
    file: LogFile | None
    until: Millis


class Copies:
    """Looks for all that is wanted in one go, and so long again: a folder whose names shift while it is listed may hide a file."""

    def __init__(
        self, adoption: Adoption, clock: Callable[[], Millis], patience: Millis, say: Callable[[str], None], complain: Callable[[str], None]
    ) -> None:
        self._adoption, self._clock, self._patience, self._say, self._complain = adoption, clock, patience, say, complain
        self._wanted: list[Wanted] = []

    def want(self, identity: str, path: Path, file: LogFile | None = None) -> None:
        """From now on it is sought."""
        self._wanted.append(Wanted(identity, path, file, self._clock() + self._patience))

    def seek(self, reading: Collection[str]) -> Iterator[LogFile]:
        """What was found, each in the file that holds it now. `reading`: texts that are being read, perhaps in a file found otherwise."""
        self._wanted = [one for one in self._wanted if one.file or one.identity not in reading]
        found, now = self._found(), self._clock()
        over = [one for one in self._wanted if one.identity in found or now >= one.until]
        self._wanted = [one for one in self._wanted if one not in over]
        for one in over:
            if one.identity in found:
                yield from self._continued(one, *found[one.identity])
            else:
                self._give_up(one)

    def _found(self) -> dict[str, tuple[Path, Stream]]:
        by_name: dict[Name, set[str]] = {}
        for one in self._wanted:
            by_name.setdefault(name_of(one.path), set()).add(one.identity)
        found: dict[str, tuple[Path, Stream]] = {}
        for (folder, name), identities in by_name.items():
            found |= self._adoption.find_copies(folder / name, identities, self._complain)
        return found

    def _continued(self, one: Wanted, path: Path, stream: Stream) -> Iterator[LogFile]:
        try:
            if one.file is None:
                yield self._adoption.leftover(one.identity, path, stream)
            else:
                emptied = one.file.stream
                one.file.continue_on(path, stream, one.file.lines.start)
                emptied.close()
                yield one.file
        except Malformed as error:
            self._complain(f"{path} {error}")
            stream.close()
            self._end(one)

    def _give_up(self, one: Wanted) -> None:
        if one.file:
            self._say(f"{one.path} was emptied at byte {one.file.lines.start} and no copy of it stands beside it")
        else:
            offset = self._adoption.abandon(one.identity)
            self._say(f"what {one.path} held before was rotated away unread from byte {offset} on; no copy of it stands beside it")
        self._end(one)

    def _end(self, one: Wanted) -> None:
        if one.file:
            one.file.ending = True
