"""The bytes of a log file: plain ones that may grow, compressed ones that are whole."""

from __future__ import annotations

import errno
import os
import resource
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import zstandard

from logverse.errors import Malformed
from producers.sources.lines import CHUNK, TAIL

# Compressed bytes at once, by format: gzip unfolds a byte to at most 1,032, and zstd four (a block of one repeated byte) to 128 KiB.
_GZIP_STEP, _ZSTD_STEP = 4096, 64
_RESERVE = 64  # open files that are not for logs


class Stream(Protocol):
    """A text's bytes, from the beginning or from `skip`."""

    grows: bool

    def read(self) -> bytes:
        """The next bytes, CHUNK at most; none at the end. Malformed when a compressed file is broken."""

    def skip(self, offset: int) -> None:
        """Go to an offset in the decompressed text (once, before reading)."""

    def left(self) -> int:
        """Bytes on disk that were not read yet."""

    def stat(self) -> os.stat_result: ...

    def head(self, size: int) -> bytes:
        """The first bytes of the text as it is now, wherever reading is."""

    def before(self, offset: int) -> bytes:
        """The last TAIL bytes of the text before an offset, fewer when it is not so long; Malformed when it breaks before."""

    def close(self) -> None: ...


def opened(path: Path) -> Stream:
    """The file's bytes, decompressed by what its name says. OSError when it cannot be opened.

    Nor does it open one that would leave the process too few for its checkpoints and connections: numbers of files are given out
    from below, so the number says how many are open.
    """
    stream: Plain | Compressed = Compressed(path) if path.suffix in (".gz", ".zst") else Plain(path)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if stream.number() >= most - min(_RESERVE, most // 4):
        stream.close()
        raise OSError(errno.EMFILE, f"as many files are open as may be ({most}, see limits.files): it waits until another is closed")
    return stream


def many_files(most: int, no_fewer: bool = False) -> None:
    """As many open files as this user may have, up to `most`: the usual soft limit is less than a glob finds.

    `no_fewer`: where more are allowed already, they stay so.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if no_fewer and (soft == resource.RLIM_INFINITY or soft > wanted):
        return
    if soft != wanted:
        with suppress(ValueError, OSError):  # some systems name a hard limit that they do not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Plain:
    """A file that a server writes to. Stays open through renames, so that nothing of it is missed."""

    grows = True

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.position = 0

    def read(self) -> bytes:
        data = os.pread(self._file.fileno(), CHUNK, self.position)
        self.position += len(data)
        return data

    def skip(self, offset: int) -> None:
        self.position = offset

    def left(self) -> int:
        return max(0, self.stat().st_size - self.position)

    def number(self) -> int:
        return self._file.fileno()

    def stat(self) -> os.stat_result:
        return os.fstat(self._file.fileno())

    def head(self, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, 0)

    def before(self, offset: int) -> bytes:
        start = max(0, offset - TAIL)
        return os.pread(self._file.fileno(), offset - start, start)

    def close(self) -> None:
        self._file.close()


class Compressed:
    """A `.gz` or `.zst` file, read once from beginning to end; several members follow each other as one text."""

    grows = False

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("rb")
        self._unpack, self._step = Unpacker(path), _ZSTD_STEP if path.suffix == ".zst" else _GZIP_STEP
        self._ready, self._ended = bytearray(), False
        self._broken: Malformed | None = None

    def read(self) -> bytes:
        while len(self._ready) < CHUNK and not self._ended:
            self._unpack_more()
        data = bytes(self._ready[:CHUNK])
        del self._ready[:CHUNK]
        if not data and self._broken:
            raise self._broken  # only after everything before the damage was handed out
        return data

    def skip(self, offset: int) -> None:
        while offset > 0 and (data := self.read()):
            self._ready[:0] = data[offset:]
            offset -= len(data)

    def left(self) -> int:
        return 0 if self._ended and not self._ready else max(1, self.stat().st_size - self._file.tell())

    def number(self) -> int:
        return self._file.fileno()

    def stat(self) -> os.stat_result:
        return os.fstat(self._file.fileno())

    def head(self, size: int) -> bytes:
        other = Compressed(self._path)
        try:
            return other.read()[:size]
        finally:
            other.close()

    def before(self, offset: int) -> bytes:
        other, start = Compressed(self._path), max(0, offset - TAIL)
        try:
            other.skip(start)
            return other.read()[: offset - start]
        finally:
            other.close()

    def close(self) -> None:
        self._file.close()

    def _unpack_more(self) -> None:
        packed = self._file.read(self._step)
        try:
            self._ready += self._unpack.feed(packed)
        except Malformed as error:
            self._ended, self._broken = True, error
        if not packed:
            self._ended = True
            self._broken = None if self._unpack.fresh else Malformed("ends in the middle: cut off, or still being written")


class Unpacker:
    """Both formats' decompressors behind one verb; `fresh` at the edge between two members."""

    def __init__(self, path: Path) -> None:
        self._zstd = path.suffix == ".zst"
        self._member, self.fresh = self._new(), True

    def feed(self, packed: bytes) -> bytes:
        found = bytearray()
        try:
            while packed:
                found += self._member.decompress(packed)
                self.fresh = self._member.eof
                packed = self._member.unused_data
                if self.fresh:
                    self._member = self._new()
        except (zlib.error, zstandard.ZstdError) as error:
            raise Malformed(f"is no whole {'zstd' if self._zstd else 'gzip'} file: {error}") from error
        return bytes(found)

    def _new(self) -> Any:
        return zstandard.ZstdDecompressor().decompressobj() if self._zstd else zlib.decompressobj(wbits=31)
