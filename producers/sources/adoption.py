"""Which text a file on disk is, and from where to read on: the meeting of identity and checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from itertools import count, islice
from pathlib import Path

from logverse.instant import Millis
from producers.checkpoint import Position
from producers.sources.identity import HEAD, head_of, is_rotated, stem, text_id
from producers.sources.log_file import LogFile
from producers.sources.streams import Stream, opened

_COMPARED = 64 * 1024  # of two files that begin alike
_TRIED = 100
_NAMESAKES = 3


class Adoption:
    """Turns paths into texts of one service on one host. `texts` is the checkpoint's: positions by identity."""

    def __init__(self, service: str, host: str, texts: MutableMapping[str, Position], clock: Callable[[], Millis]) -> None:
        self._service, self._host, self._texts, self._clock = service, host, texts, clock

    def head(self, stream: Stream, ended: bool) -> bytes | None:
        """What identifies the text; None while it has no first line. `ended`: a half one counts, as nothing will follow."""
        return head_of(stream.head(HEAD), ended or not stream.grows)

    def adopt(self, path: Path, stream: Stream, head: bytes, reading: Iterable[LogFile]) -> LogFile | None:
        """The text that begins with `head`, ready to be read on; None when it is being read already, from another file."""
        being_read = {file.identity: file for file in reading}
        identity = self._known_by_inode(path, head, stream, being_read)
        for candidate in self.identities(path, head) if identity is None else ():
            other = being_read.get(candidate)
            if other and same_text(other, path, stream):
                return None
            if not other and self._fits(candidate, stream):
                identity = candidate
                break
        if identity is None:
            return None
        return LogFile(identity, path, stream, self._position(identity, path, stream), head, quiet_since=self._clock())

    def identities(self, path: Path, head: bytes) -> Iterator[str]:
        """What this text may be called: the first name that no other text has. Folder and number tell namesakes apart."""
        salts = ("" if n == 0 else str(path.parent) if n == 1 else f"{path.parent}#{n}" for n in count())
        return (text_id(self._service, self._host, path.name, head, salt) for salt in islice(salts, _TRIED))

    def find_copy(self, path: Path, identity: str) -> tuple[Path, Stream] | None:
        """The file in the folder of `path` that now holds the text with this identity: where rotation put it."""
        for sibling in sorted(path.parent.iterdir()):
            if stem(sibling.name) != stem(path.name) or not sibling.is_file():
                continue
            stream = opened(sibling)
            head = head_of(stream.head(HEAD), ended=True)
            if head is not None and identity in islice(self.identities(sibling, head), _NAMESAKES) and self._fits(identity, stream):
                return sibling, stream
            stream.close()
        return None

    def _known_by_inode(self, path: Path, head: bytes, stream: Stream, being_read: dict[str, LogFile]) -> str | None:
        inode = stream.stat().st_ino
        for identity in islice(self.identities(path, head), _NAMESAKES):
            known = self._texts.get(identity)
            if known and known.inode == inode and identity not in being_read and self._fits(identity, stream):
                return identity
        return None

    def _fits(self, identity: str, stream: Stream) -> bool:
        """A file shorter than what was sent of the text is another text that only begins alike."""
        known = self._texts.get(identity)
        return known is None or not stream.grows or stream.stat().st_size >= known.sent

    def _position(self, identity: str, path: Path, stream: Stream) -> Position:
        now = self._clock()
        position = self._texts.setdefault(identity, Position(path=str(path), first_seen=now))
        position.inode, position.seen, position.closed_at = stream.stat().st_ino, now, None
        return position


def same_text(known: LogFile, path: Path, stream: Stream) -> bool:
    """Whether a file that begins like a known one is it, copied or compressed, and not a namesake in another folder.

    Two live files that have only their first line yet, both the same, count as two.
    """
    ours, theirs = known.stream.head(_COMPARED), stream.head(_COMPARED)
    length = min(len(ours), len(theirs))
    more_than_head = length > len(known.head) + 1
    return ours[:length] == theirs[:length] and (more_than_head or is_rotated(path.name) or known.rotated)
