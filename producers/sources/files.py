"""The log files a producer reads: found by name, followed through rotation and truncation, by looking again and again."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from logverse.errors import Malformed, WrongSettings
from logverse.instant import Millis
from producers.account import Account
from producers.checkpoint import Checkpoint
from producers.sources.adoption import Adoption
from producers.sources.identity import is_rotated, stem
from producers.sources.lines import Chunk, LongLine
from producers.sources.log_file import CutOff, LogFile
from producers.sources.streams import Plain, Stream, opened

GRACE_MS = 5_000  # a server may write to a renamed file until it has reopened its log

Inode = tuple[int, int]


class Files:
    """What the patterns (paths or globs) stand for at the moment. `say` is told what a user should know."""

    def __init__(
        self, patterns: Sequence[str], adoption: Adoption, checkpoint: Checkpoint,
        follow: bool, clock: Callable[[], Millis], account: Account, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._patterns, self._adoption, self._checkpoint, self._follow = patterns, adoption, checkpoint, follow
        self._clock, self._account, self._say = clock, account, say
        self.reading: list[LogFile] = []
        self._by_inode: dict[Inode, LogFile] = {}
        self._done: dict[Inode, tuple[int, int]] = {}  # what was read to its end: size and mtime then
        self._said: set[str] = set()
        self._looked = False

    def look(self) -> None:
        """Find new files, notice what happened to the known ones, let go of those that are over."""
        found = dict(self._found())
        for file in list(self._by_inode.values()):
            self._check(file, found)
        for inode, path in found.items():
            if inode not in self._by_inode:
                self._open(path, inode)
        if not self._looked:
            self._looked = True
            self._pick_up_rotated(found.values())
        for file in [file for file in self.reading if file.ending and not file.lag()]:
            self._close(file)

    def lagging(self) -> list[LogFile]:
        """Files with bytes that were not read yet."""
        return [file for file in self.reading if file.lag()]

    def read(self, file: LogFile) -> list[Chunk | LongLine]:
        """The file's next lines. A compressed file that is broken ends where it breaks, and the account says so."""
        try:
            items = file.read()
        except Malformed as error:
            self._problem(f"{file.path} {error}; read up to byte {file.lines.start} of its text")
            file.stream, file.ending = CutOff(file.stream), True
            return []
        file.quiet_since = self._clock()
        return items

    def end(self) -> None:
        """Nothing more will be read than what is there: the last half lines count."""
        for file in self.reading:
            file.ending = True

    def missing(self) -> list[str]:
        """Patterns that stand for no file."""
        return [pattern for pattern in self._patterns if not _expanded(pattern)]

    def _found(self) -> list[tuple[Inode, Path]]:
        found = []
        for pattern in self._patterns:
            for path in _expanded(pattern):
                try:
                    stat = path.stat()
                except OSError:
                    continue  # renamed between listing and looking: the next look finds it
                if path.is_file():
                    found.append(((stat.st_dev, stat.st_ino), path))
                elif str(path) not in self._said:
                    self._problem(f"{path} is not a regular file")
        return found

    def _open(self, path: Path, inode: Inode) -> None:
        try:
            stream = opened(path)
        except OSError as error:
            return self._problem(f"{path} cannot be read: {error.strerror}")
        file = self._adopted(path, stream, inode)
        if file is None:
            return stream.close()
        self._by_inode[inode] = file
        self._begin(file)

    def _adopted(self, path: Path, stream: Stream, inode: Inode) -> LogFile | None:
        """The text to read in this file; None while there is none, for what was read already, and for another's copy."""
        stat = stream.stat()
        version = (stat.st_size, stat.st_mtime_ns)
        if self._done.get(inode) == version:
            return None
        file, over = None, not stream.grows
        try:
            head = self._adoption.head(stream, ended=not self._follow)
            if head is not None:
                file, over = self._adoption.adopt(path, stream, head, self.reading), True
        except Malformed as error:
            self._problem(f"{path} {error}")
        if file is None and over:
            self._done[inode] = version
        return file

    def _begin(self, file: LogFile) -> None:
        self.reading.append(file)
        file.ending = not file.stream.grows
        if file.lines.start:
            self._account.resumed_at[str(file.path)] = file.lines.start

    def _check(self, file: LogFile, found: dict[Inode, Path]) -> None:
        inode = _inode(file)
        path = found.get(inode)
        if path is not None and path != file.path:
            file.path, file.renamed, file.position.path = path, True, str(path)
            self._account.rotations += 1
        if file.stream.grows and self._emptied(file):
            self._continue_in_copy(file, inode)
        elif path is None or file.rotated:
            self._account.rotations += path is None and not file.renamed
            file.renamed = True
            if not file.lag() and self._clock() - file.quiet_since >= GRACE_MS:
                file.ending = True

    def _emptied(self, file: LogFile) -> bool:
        """Copy-and-truncate: another beginning; or shorter than what was read, at two looks in a row."""
        size, length = file.stream.stat().st_size, len(file.head)
        if file.stream.head(length) != file.head:
            return True
        shrunk = isinstance(file.stream, Plain) and size < file.stream.position
        sure, file.shrunk = shrunk and file.shrunk, shrunk
        return sure

    def _continue_in_copy(self, file: LogFile, inode: Inode) -> None:
        self._account.truncations += 1
        del self._by_inode[inode]
        copy = self._adoption.find_copy(file.path, file.identity)
        if copy:
            file.stream.close()
            file.continue_on(*copy, file.lines.start)
        else:
            self._say(f"{file.path} was emptied at byte {file.lines.start} and no copy of it stands beside it")
            file.stream = CutOff(file.stream)
        file.ending = True

    def _pick_up_rotated(self, found: Iterable[Path]) -> None:
        """What was rotated away since the last run: texts of it that had not wholly arrived, and files it never saw."""
        names = {(path.parent, stem(path.name)) for path in (*found, *map(Path, self._patterns))}
        for folder, name in sorted(names) if self._checkpoint.saved_at is not None else ():
            self._open_rotated(folder, name, self._checkpoint.saved_at or 0.0)
        reading = {file.identity for file in self.reading}
        for identity, position in list(self._checkpoint.texts.items()):
            path = Path(position.path)
            if position.finished or identity in reading or (path.parent, stem(path.name)) not in names:
                continue
            copy = self._adoption.find_copy(path, identity)
            if copy:
                head = self._adoption.head(copy[1], ended=True) or b""
                file = LogFile(identity, *copy, position, head, quiet_since=self._clock())
                self._begin(file)
                file.ending = True
            else:
                position.closed_at = position.offset
                self._say(f"what {path} held before was rotated away unread from byte {position.offset} on; no copy of it stands beside it")

    def _open_rotated(self, folder: Path, name: str, since: float) -> None:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if stem(path.name) == name and is_rotated(path.name) and path.is_file() and path.stat().st_mtime >= since:
                stat = path.stat()
                if (stat.st_dev, stat.st_ino) not in self._by_inode:
                    self._open(path, (stat.st_dev, stat.st_ino))

    def _close(self, file: LogFile) -> None:
        stat = file.stream.stat()
        self.reading.remove(file)
        if self._by_inode.get(_inode(file)) is file:
            del self._by_inode[_inode(file)]
            self._done[_inode(file)] = (stat.st_size, stat.st_mtime_ns)
        if file.rotated or isinstance(file.stream, CutOff):
            file.position.closed_at = file.lines.start
        file.stream.close()

    def _problem(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._account.problems.append(text)
            self._say(text)


def check(patterns: Sequence[str], follow: bool) -> None:
    """WrongSettings for what can be seen to be wrong before the start: a folder, an unreadable file, nothing to read at all."""
    for pattern in patterns:
        paths = _expanded(pattern)
        if not paths and not follow:
            raise WrongSettings("no such file", where=pattern, remedy="check the name, or follow it (without --no-follow) until it appears")
        for path in paths:
            if path.exists() and not path.is_file():
                raise WrongSettings("is not a regular file", where=str(path), remedy="name the files in it: 'DIR/*.log' in quotes")
            if path.exists() and not os.access(path, os.R_OK):
                raise WrongSettings("may not be read by this user", where=str(path), remedy="log files often belong to group adm: join it")


def _expanded(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.exists() or not glob.has_magic(pattern):
        return [path] if path.exists() else []
    return [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207  (absolute patterns)


def _inode(file: LogFile) -> Inode:
    stat = file.stream.stat()
    return stat.st_dev, stat.st_ino
