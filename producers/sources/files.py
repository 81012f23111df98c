"""The log files a producer reads: found by name, followed through rotation and truncation, by looking again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from logverse.errors import Malformed
from logverse.instant import Millis
from producers.account import Account
from producers.checkpoint import Checkpoint
from producers.sources.adoption import Adoption, siblings, whereabouts
from producers.sources.identity import is_rotated, shown, stem, superseded
from producers.sources.lines import Chunk, LongLine
from producers.sources.log_file import CutOff, Inode, LogFile, version
from producers.sources.patterns import expanded, regular
from producers.sources.streams import Plain, Stream, opened

GRACE_MS = 5_000  # the last half line of a renamed file waits so long for its other half
REST_MS = 300_000  # a file that was quiet so long is closed, and opened again when its size or time changes
HELD_MS = 600_000  # a server may write to a renamed file until it has reopened its log; at least until the next rotation
GAP_MS = 5_000  # between two looks: after a longer one, files may have been born and rotated away unseen
_SLACK_MS = 2_000  # of a file's time against the clock


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
        self._resting: dict[Inode, LogFile] = {}  # followed, and closed while nothing happens to them
        self._done: dict[Inode, tuple[int, int]] = {}  # what was read to its end: size and mtime then
        self._turns: Counter[tuple[Path, str]] = Counter()  # rotations seen, by the name that was rotated
        self._said: set[str] = set()
        self._looked: Millis | None = None

    def look(self, reading: bool = False) -> None:
        """Find new files, notice what happened to the known ones, let go of those that are over.

        `reading`: in the middle of what a file gave out, so none is closed.
        """
        found = {(stat.st_dev, stat.st_ino): path for path, stat in regular(self._patterns, self._problem)}
        for inode in list(self._resting):
            self._wake_changed(inode, found.get(inode))
        for file in list(self._by_inode.values()):
            self._check(file, found)
        for inode, path in found.items():
            if inode not in self._by_inode and inode not in self._resting:
                self._open(path, inode)
        self._look_back(found.values())
        if not reading:
            self._let_go()

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
        return [pattern for pattern in self._patterns if not expanded(pattern)]

    def _open(self, path: Path, inode: Inode) -> None:
        try:
            stream = opened(path)
        except OSError as error:
            return self._problem(f"{path} cannot be read: {error.strerror}")
        try:
            file = self._adopted(path, stream, inode)
        except OSError as error:
            file = None
            self._problem(f"{path} cannot be read: {error.strerror}")
        if file is None:
            return stream.close()
        self._by_inode[inode] = file
        self._begin(file)

    def _adopted(self, path: Path, stream: Stream, inode: Inode) -> LogFile | None:
        """The text to read in this file; None while there is none, for what was read already, and for another's copy."""
        stat = stream.stat()
        at = (stat.st_size, stat.st_mtime_ns)
        if self._done.get(inode) == at:
            return None
        file, over = None, not stream.grows
        try:
            head = self._adoption.head(stream, ended=not self._follow)
            if head is not None:
                self._wake_namesakes(path, head)
                file, over = self._adoption.adopt(path, stream, head, self.reading), True
        except Malformed as error:
            self._problem(f"{path} {error}")
        if file is None and over:
            self._done[inode] = at
        return file

    def _begin(self, file: LogFile) -> None:
        self.reading.append(file)
        file.ending = not file.stream.grows
        if file.lines.start:
            self._account.resumed_at[shown(file.path)] = file.lines.start

    def _check(self, file: LogFile, found: dict[Inode, Path]) -> None:
        inode = file.inode()
        path = found.get(inode)
        file.position.found(self._clock())
        if path is not None and path != file.path:
            self._renamed(file, path)
        if file.stream.grows and self._emptied(file):
            return self._continue_in_copy(file, inode)
        if path is None and not file.renamed:
            self._renamed(file, file.path)
        self._judge(file, found.values())

    def _renamed(self, file: LogFile, path: Path) -> None:
        file.path, file.position.path = path, str(path)
        self._account.rotations += 1
        name = (path.parent, stem(path.name))
        self._turns[name] += 1
        file.renamed, file.turn = True, self._turns[name]

    def _judge(self, file: LogFile, beside: Iterable[Path]) -> None:
        """Whether the last half line of a rotated file counts by now, and whether the file is over."""
        quiet = self._clock() - file.quiet_since
        if quiet < GRACE_MS or file.stream.left():
            return
        if file.renamed:
            file.overdue = True
            file.ending = file.ending or file.stream.stat().st_nlink == 0 or self._held_enough(file)
        elif is_rotated(file.path.name):
            file.ending = file.ending or quiet >= REST_MS or superseded(file.path, beside)

    def _held_enough(self, file: LogFile) -> bool:
        rotated_since = self._turns[file.path.parent, stem(file.path.name)] > file.turn
        return rotated_since and self._clock() - file.quiet_since >= HELD_MS

    def _emptied(self, file: LogFile) -> bool:
        """Copy-and-truncate: another beginning, other bytes before where we are; or shorter than what was read, twice in a row."""
        size, length, start = file.stream.stat().st_size, len(file.head), file.lines.start
        if file.stream.head(length) != file.head or (size >= start and file.stream.before(start) != file.lines.tail):
            return True
        shrunk = isinstance(file.stream, Plain) and size < file.stream.position
        sure, file.shrunk = shrunk and file.shrunk, shrunk
        return sure

    def _continue_in_copy(self, file: LogFile, inode: Inode) -> None:
        self._account.truncations += 1
        del self._by_inode[inode]
        copy = self._adoption.find_copy(file.path, file.identity, self._problem)
        emptied, file.ending = file.stream, True
        try:
            if copy:
                file.continue_on(*copy, file.lines.start)
                return emptied.close()
            self._say(f"{file.path} was emptied at byte {file.lines.start} and no copy of it stands beside it")
        except Malformed as error:
            self._problem(f"{copy[0] if copy else file.path} {error}")
        file.stream = CutOff(emptied)

    def _look_back(self, found: Iterable[Path]) -> None:
        """Files may have come and gone since the last look: at the start, and when it was long ago."""
        looked, self._looked = self._looked, self._clock()
        names = {(path.parent, stem(path.name)) for path in (*found, *map(Path, self._patterns))} if self._gap(looked) else ()
        since = self._checkpoint.saved_at if looked is None else (looked - _SLACK_MS) / 1000
        for folder, name in sorted(names) if since is not None else ():
            self._open_rotated(folder, name, since or 0.0)
        if looked is None:
            self._pick_up_rotated(set(names))

    def _gap(self, looked: Millis | None) -> bool:
        return looked is None or self._clock() - looked >= GAP_MS

    def _pick_up_rotated(self, names: set[tuple[Path, str]]) -> None:
        """What was rotated away since the last run before it had wholly arrived."""
        reading = {file.identity for file in self.reading}
        for identity, position in list(self._checkpoint.texts.items()):
            path = Path(position.path)
            if position.finished or identity in reading or (path.parent, stem(path.name)) not in names:
                continue
            copy = self._adoption.find_copy(path, identity, self._problem)
            if copy:
                head = self._adoption.head(copy[1], ended=True) or b""
                file = LogFile(identity, *copy, position, head, quiet_since=self._clock())
                self._begin(file)
                file.ending = True
            else:
                position.closed_at = position.offset
                self._say(f"what {path} held before was rotated away unread from byte {position.offset} on; no copy of it stands beside it")

    def _open_rotated(self, folder: Path, name: str, since: float) -> None:
        for path in siblings(folder / name, self._problem) if folder.is_dir() else ():
            try:
                stat = path.stat()
            except OSError:
                continue
            inode = (stat.st_dev, stat.st_ino)
            if is_rotated(path.name) and stat.st_mtime >= since and inode not in self._by_inode and inode not in self._resting:
                self._open(path, inode)

    def _let_go(self) -> None:
        for file in list(self.reading):
            if file.ending and not file.lag():
                self._close(file)
            elif file.stream.grows and self._clock() - file.quiet_since >= REST_MS and not file.lag() and not file.lines.pending:
                self._rest(file)

    def _rest(self, file: LogFile) -> None:
        inode = file.inode()
        path = whereabouts(file.path, inode)
        if path is None:  # in another folder, where it could not be found again
            file.ending = self._clock() - file.quiet_since >= HELD_MS
        elif self._by_inode.get(inode) is file:
            self._remove(file)
            file.path, self._resting[inode] = path, file
            file.stream.close()

    def _wake_changed(self, inode: Inode, found: Path | None) -> None:
        """A resting file is read on when it has changed, renamed or not; forgotten when it is gone, or was held long enough."""
        file = self._resting[inode]
        file.position.found(self._clock())
        path = found or whereabouts(file.path, inode)
        if path is None or (file.renamed and self._held_enough(file)):
            del self._resting[inode]
            file.position.closed_at = file.lines.start
        elif path != file.path or version(path) != self._done[inode]:
            self._wake(inode, path)

    def _wake(self, inode: Inode, path: Path) -> None:
        file = self._resting[inode]
        try:
            file.continue_on(file.path, opened(path), file.lines.start, file.lines.tail)
        except OSError as error:
            return self._problem(f"{path} cannot be read: {error.strerror}")
        del self._resting[inode]
        self._done.pop(inode, None)
        if file.inode() != inode:  # another one has taken its name in this very moment: the next look opens it
            return file.stream.close()
        file.quiet_since, self._by_inode[inode] = self._clock(), file
        self.reading.append(file)
        if path != file.path:
            self._renamed(file, path)

    def _wake_namesakes(self, path: Path, head: bytes) -> None:
        """Whoever may be the same text is compared with, which takes an open file."""
        for inode, file in list(self._resting.items()):
            if file.head == head and stem(file.path.name) == stem(path.name):
                self._wake(inode, file.path)

    def _close(self, file: LogFile) -> None:
        self._remove(file)
        if file.rotated or isinstance(file.stream, CutOff):
            file.position.closed_at = file.lines.start
        file.stream.close()

    def _remove(self, file: LogFile) -> None:
        stat, inode = file.stream.stat(), file.inode()
        self.reading.remove(file)
        if self._by_inode.get(inode) is file:
            del self._by_inode[inode]
            self._done[inode] = (stat.st_size, stat.st_mtime_ns)

    def _problem(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._account.problems.append(shown(text))
            self._say(text)
