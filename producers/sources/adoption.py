"""Which text a file on disk is, and from where to read on: the meeting of identity and checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping
from itertools import count
from pathlib import Path

from logverse.errors import Malformed, TryAgain
from logverse.instant import Millis
from producers.checkpoint import Position, marked
from producers.sources.identity import HEAD, head_of, is_rotated, stem, text_id
from producers.sources.log_file import Inode, LogFile
from producers.sources.streams import Stream, opened

_COMPARED = 64 * 1024  # of two files that begin alike
_GAP = 3  # names in a row that no text has: nobody has one after them


class Adoption:
    """Turns paths into texts of one service on one host. `texts` is the checkpoint's: positions by identity."""

    def __init__(self, service: str, host: str, texts: MutableMapping[str, Position], clock: Callable[[], Millis]) -> None:
        self._service, self._host, self._texts, self._clock = service, host, texts, clock

    def head(self, stream: Stream, ended: bool) -> bytes | None:
        """What identifies the text; None while it has no first line. `ended`: a half one counts, as nothing will follow."""
        return head_of(stream.head(HEAD), ended or not stream.grows)

    def adopt(self, path: Path, stream: Stream, head: bytes, reading: Iterable[LogFile]) -> LogFile | None:
        """The text that begins with `head`, ready to be read on; None when it is being read already, from another file.

        TryAgain: somebody empties this file, or the one that it may be a copy of, in this very moment.
        """
        being_read = {file.identity: file for file in reading}
        known, unused = self._namesakes(path, head)
        if any(identity in being_read and same_text(being_read[identity], path, stream) for identity in known):
            return None
        fitting = [identity for identity in known if identity not in being_read and self._fits_or_is_cut_off(identity, stream)]
        if stream.head(len(head)) != head or any(being_read[identity].replaced() for identity in known if identity in being_read):
            raise TryAgain("is being emptied")
        inode = stream.stat().st_ino
        identity = min(fitting, key=lambda identity: self._texts[identity].inode != inode, default=unused)
        return LogFile(identity, path, stream, self._position(identity, path, stream), head, quiet_since=self._clock())

    def identities(self, path: Path, head: bytes) -> Iterator[str]:
        """What this text may be called: the first name that no other text has. Folder and number tell namesakes apart."""
        salts = ("" if n == 0 else str(path.parent) if n == 1 else f"{path.parent}#{n}" for n in count())
        return (text_id(self._service, self._host, path.name, head, salt) for salt in salts)

    def find_copies(self, path: Path, identities: Collection[str], complain: Callable[[str], None]) -> dict[str, tuple[Path, Stream]]:
        """The files in the folder of `path` that now hold the texts with these identities: where rotation put them.

        `complain` is told of files beside it that cannot be read.
        """
        found: dict[str, tuple[Path, Stream]] = {}
        for sibling in siblings(path, complain):
            try:
                stream = opened(sibling)
            except FileNotFoundError:
                continue  # has another name by now
            except OSError as error:
                complain(f"{sibling} cannot be read: {error.strerror}")
                continue
            try:
                held = self._held(sibling, stream, identities)
            except (OSError, Malformed) as error:
                complain(f"{sibling} {error}")
                held = None
            if held is None or held in found:
                stream.close()
            else:
                found[held] = sibling, stream
        return found

    def leftover(self, identity: str, path: Path, stream: Stream) -> LogFile:
        """The rest of a known text, in the file where it is now. Malformed when that breaks before the rest begins."""
        return LogFile(identity, path, stream, self._texts[identity], self.head(stream, ended=True) or b"", quiet_since=self._clock())

    def abandon(self, identity: str) -> int:
        """Nobody will read on in this text; the offset of what was not read."""
        position = self._texts[identity]
        position.closed_at = position.offset
        return position.offset

    def _held(self, path: Path, stream: Stream, identities: Collection[str]) -> str | None:
        head = head_of(stream.head(HEAD), ended=True)
        known = self._namesakes(path, head)[0] if head is not None else ()
        return next((identity for identity in known if identity in identities and self._fits(identity, stream)), None)

    def _namesakes(self, path: Path, head: bytes) -> tuple[list[str], str]:
        """The known texts that begin so, and the first name that none has."""
        known, free, gap = list[str](), "", 0
        for identity in self.identities(path, head):
            if identity in self._texts:
                known.append(identity)
                gap = 0
            else:
                free, gap = free or identity, gap + 1
            if gap > _GAP:
                break
        return known, free

    def _fits_or_is_cut_off(self, identity: str, stream: Stream) -> bool:
        try:
            return self._fits(identity, stream)
        except Malformed:
            return True  # an archive that is still being written: the text as far as it goes

    def _fits(self, identity: str, stream: Stream) -> bool:
        """Whether the bytes before what was sent are those that were sent: another text may begin alike."""
        known = self._texts[identity]
        if not known.sent:
            return True
        if known.sent_mark:
            return marked(stream.before(known.sent)) == known.sent_mark
        return not stream.grows or stream.stat().st_size >= known.sent  # a checkpoint from before there were marks

    def _position(self, identity: str, path: Path, stream: Stream) -> Position:
        now, stat = self._clock(), stream.stat()
        position = self._texts.setdefault(identity, Position(path=str(path), first_seen=now, written=stat.st_mtime_ns // 1_000_000))
        position.inode, position.seen, position.closed_at = stat.st_ino, now, None
        return position


def siblings(path: Path, complain: Callable[[str], None] = lambda _: None) -> list[Path]:
    """The files in its folder that bear its name, rotated or not; none, and a complaint, when the folder cannot be listed."""
    try:
        return sorted(other for other in path.parent.iterdir() if stem(other.name) == stem(path.name) and other.is_file())
    except OSError as error:
        complain(f"{path.parent} cannot be listed: {error.strerror}")
        return []


def whereabouts(path: Path, inode: Inode) -> Path | None:
    """Where the file with this inode is now: at `path`, else among its siblings."""
    for place in (path, *siblings(path)) if not _is_at(path, inode) else (path,):
        if _is_at(place, inode):
            return place
    return None


def same_text(known: LogFile, path: Path, stream: Stream) -> bool:
    """Whether a file that begins like a known one is it, copied or compressed, and not a namesake in another folder.

    Two live files that have only their first line yet, both the same, count as two.
    """
    ours, theirs = known.stream.head(_COMPARED), stream.head(_COMPARED)
    length = min(len(ours), len(theirs))
    more_than_head = length > len(known.head) + 1
    return ours[:length] == theirs[:length] and (more_than_head or is_rotated(path.name) or (known.rotated and len(theirs) >= len(ours)))


def _is_at(path: Path, inode: Inode) -> bool:
    try:
        stat = path.stat()
    except OSError:
        return False
    return (stat.st_dev, stat.st_ino) == inode
