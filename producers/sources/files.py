"""The log files a producer reads: found by name, followed through rotation and truncation, by looking again and again."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from logverse.errors import Malformed, TryAgain
from logverse.instant import Millis
from producers.account import Account
from producers.checkpoint import Checkpoint
from producers.problems import Problems
from producers.sources.adoption import Adoption, siblings, whereabouts
from producers.sources.copies import Copies
from producers.sources.identity import is_rotated, shown, stem, superseded
from producers.sources.lines import Chunk, LongLine
from producers.sources.log_file import CutOff, Inode, LogFile, Replaced, version
from producers.sources.looking_back import LookingBack, Name, State, name_of
from producers.sources.patterns import expanded, regular
from producers.sources.streams import Stream, opened

GRACE_MS = 5_000  # the last half line of a renamed file waits so long for its other half
REST_MS = 300_000  # a file that was quiet so long is closed, and opened again when its size or time changes
_MOST = 10_000  # files and names that are remembered though they are gone; beyond it they are forgotten
HELD_MS = 600_000  # a server may write to a renamed file until it has reopened its log; at least until the next rotation


class Files:
    """What the patterns (paths or globs) stand for at the moment. `say` is told what a user should know."""

    def __init__(
        self, patterns: Sequence[str], adoption: Adoption, checkpoint: Checkpoint,
        follow: bool, clock: Callable[[], Millis], account: Account, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._patterns, self._adoption, self._checkpoint, self._follow = patterns, adoption, checkpoint, follow
        self._clock, self._account, self._problem = clock, account, Problems(account, clock, say)
        self.reading: list[LogFile] = []
        self._by_inode: dict[Inode, LogFile] = {}
        self._resting: dict[Inode, LogFile] = {}  # followed, and closed while nothing happens to them
        self._done: dict[Inode, tuple[int, int]] = {}  # what was read to its end: size and mtime then
        self._turns: Counter[tuple[Path, str]] = Counter()  # rotations seen, by the name that was rotated
        self._waiting: set[Path] = set()  # for others to be closed: no more may be open
        self._ended = False
        self._looking_back = LookingBack(clock)
        self._copies = Copies(adoption, clock, GRACE_MS if follow else 0, say, self._problem)

    def look(self, reading: bool = False) -> None:
        """Find new files, notice what happened to the known ones, let go of those that are over.

        `reading`: in the middle of what a file gave out, so none is closed.
        """
        found = {(stat.st_dev, stat.st_ino): (path, stat) for path, stat in regular(self._patterns, self._problem)}
        paths = {inode: path for inode, (path, _) in found.items()}
        for inode in list(self._resting):
            self._wake_changed(inode, paths.get(inode))
        for file in list(self._by_inode.values()):
            self._check(file, paths)
        for inode, path in paths.items():
            if not self._follows(inode) and not self._ended and path not in self._waiting:
                self._open(path)
        self._look_back({path: (inode, None if self._follows(inode) else stat.st_mtime_ns) for inode, (path, stat) in found.items()})
        self._seek_copies()
        if len(self._done) > _MOST + len(found):  # the checkpoint knows them too
            self._done = {inode: at for inode, at in self._done.items() if inode in found or inode in self._resting}
        if not reading:
            self._let_go()
            self._open_waiting()

    def _open_waiting(self) -> None:
        """Those that had to wait, until no more may be open."""
        for path in sorted(self._waiting):
            self._waiting.discard(path)
            self._open(path)
            if path in self._waiting:
                return

    def lagging(self) -> list[LogFile]:
        """Files with bytes that were not read yet."""
        return [file for file in self.reading if file.lag()]

    def read(self, file: LogFile) -> list[Chunk | LongLine]:
        """The file's next lines. A compressed file that is broken ends where it breaks, and the account says so."""
        try:
            items = file.read()
        except Replaced:
            self._emptied(file)
            return []
        except Malformed as error:
            self._problem(f"{file.path} {error}; read up to byte {file.lines.start} of its text")
            file.stream, file.ending = CutOff(file.stream), True
            return []
        file.quiet_since = self._clock()
        return items

    def end(self) -> None:
        """Nothing more will be read than what is there: the last half lines count."""
        self._ended = True
        for file in self.reading:
            file.ending = True

    def missing(self) -> list[str]:
        """Patterns that stand for no file."""
        return [pattern for pattern in self._patterns if not expanded(pattern)]

    def _follows(self, inode: Inode) -> bool:
        return inode in self._by_inode or inode in self._resting

    def _open(self, path: Path) -> None:
        try:
            stream = opened(path)
            stat = stream.stat()
        except FileNotFoundError:
            return  # renamed between listing and opening: the next look finds it
        except OSError as error:
            if error.errno == errno.EMFILE:
                self._waiting.add(path)
                return self._problem(f"not every file is open: {error.strerror}")
            return self._problem(f"{path} cannot be read: {error.strerror}")
        inode, file = (stat.st_dev, stat.st_ino), None  # perhaps another one than was listed under this name
        try:
            file = None if self._follows(inode) else self._adopted(path, stream, inode)
        except OSError as error:
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
                over = True
                file = self._adoption.adopt(path, stream, head, self.reading)
        except TryAgain:
            over = False
        except Malformed as error:
            self._problem(f"{path} {error}")
        if file is None and over:
            self._done[inode] = at
        return file

    def _begin(self, file: LogFile) -> None:
        self.reading.append(file)
        file.ending = self._ended or not file.stream.grows
        if file.lines.start:
            self._account.resumed_at[shown(file.path)] = file.lines.start

    def _check(self, file: LogFile, found: dict[Inode, Path]) -> None:
        inode = file.inode()
        path = found.get(inode)
        file.position.found(self._clock())
        if path is not None and path != file.path:
            self._renamed(file, path)
        if file.stream.grows and file.emptied():
            return self._emptied(file)
        if path is None and not file.renamed:
            self._renamed(file, file.path)
        self._judge(file, found.values())

    def _renamed(self, file: LogFile, path: Path) -> None:
        file.path, file.position.path = path, str(path)
        self._account.rotations += 1
        name = name_of(path)
        self._turns[name] += 1
        if len(self._turns) > _MOST:  # names of pods that are gone, for one
            followed = {name_of(one.path) for one in (*self.reading, *self._resting.values())}
            self._turns = Counter({known: turns for known, turns in self._turns.items() if known in followed})
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
        rotated_since = self._turns[name_of(file.path)] > file.turn
        return rotated_since and self._clock() - file.quiet_since >= HELD_MS

    def _emptied(self, file: LogFile) -> None:
        self._account.truncations += 1
        del self._by_inode[file.inode()]
        file.stream = CutOff(file.stream)
        self._looking_back.disturbed(file.path)
        self._copies.want(file.identity, file.path, file)

    def _seek_copies(self) -> None:
        for file in self._copies.seek({file.identity for file in self.reading}):
            if file not in self.reading:
                self._begin(file)
            file.ending = True

    def _look_back(self, states: Mapping[Path, State]) -> None:
        """Files may have come and gone since the last look: under names that were disturbed, and when it was long ago under all."""
        looked = self._looking_back.looked
        if self._looking_back.look(states):
            since = looked / 1000 if looked else self._checkpoint.saved_at
            names = {name_of(path) for path in (*states, *map(Path, self._patterns))}
            for name in names if since is not None else ():
                self._looking_back.since(name, since or 0.0)
            if not looked:
                self._want_rotated(names)
        for (folder, bare), since in self._looking_back.due():
            self._open_rotated(folder, bare, since)

    def _want_rotated(self, names: set[Name]) -> None:
        """What was rotated away since the last run before it had wholly arrived."""
        reading = {file.identity for file in self.reading}
        for identity, position in self._checkpoint.texts.items():
            path = Path(position.path)
            if not position.finished and identity not in reading and name_of(path) in names:
                self._copies.want(identity, path)

    def _open_rotated(self, folder: Path, name: str, since: float) -> None:
        for path in siblings(folder / name, self._problem) if folder.is_dir() else ():
            try:
                stat = path.stat()
            except OSError:
                continue
            if is_rotated(path.name) and stat.st_mtime >= since and not self._follows((stat.st_dev, stat.st_ino)):
                self._open(path)

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
        except FileNotFoundError:
            return  # renamed in this very moment: the next look finds it
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
