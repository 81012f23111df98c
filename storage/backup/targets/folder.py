"""Archives in a folder of this machine, or of one that it has mounted."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from logverse.errors import Refused, TryAgain
from storage.backup.targets.target import Exists, Found, Missing, checked

_PASSES = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EBUSY, errno.EAGAIN, errno.ENOTCONN}  # a network mount's
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class Folder:
    """Files below `root`. Only their owner may read them: they hold what the logs hold."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"folder {self.root}"

    def upload(self, local: Path, name: str) -> None:
        path = self._path(name)
        with local.open("rb") as source, self._translated(name):
            self._make(path.parent)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())

    def publish(self, temporary: str, name: str) -> None:
        """By a hard link, which never overwrites, as a rename does; killed before the temporary name is gone, both are there."""
        source, path = self._path(temporary), self._path(name)
        with self._translated(temporary):
            self._make(path.parent)
            try:
                os.link(source, path)
            except FileExistsError:
                raise Exists(name, str(self.root)) from None
            except OSError as error:
                if error.errno in _NO_LINKS:
                    raise Refused(f"{self.root}: its file system has no hard links, which archives are published by") from error
                raise
            source.unlink()
            _settle(path.parent)

    def open(self, name: str) -> BinaryIO:
        with self._translated(name):
            return self._path(name).open("rb")

    def list(self, folder: str = "") -> Iterator[Found]:
        start = self._path(folder) if folder else self.root
        with self._translated(folder):
            names = sorted(path.relative_to(self.root).as_posix() for path in start.rglob("*") if path.is_file())
        for name in names:
            try:
                about = (self.root / name).stat()
            except FileNotFoundError:  # somebody has removed it since
                continue
            yield Found(name, about.st_size, about.st_mtime_ns // 1_000_000)

    def remove(self, name: str) -> None:
        with self._translated(name):
            self._path(name).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is held."""

    def _path(self, name: str) -> Path:
        return self.root / checked(name)

    def _make(self, folder: Path) -> None:
        """The folders of a file; each new one is made to last before a file in it counts as published."""
        new = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for one in new:
            _settle(one.parent)

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise Missing(name, str(self.root)) from error
        except OSError as error:
            said = f"{self.root}{f'/{name}' if name else ''}: {error.strerror or error}"
            raise (TryAgain if error.errno in _PASSES else Refused)(said) from error


def _settle(folder: Path) -> None:
    """A name survives a power cut only once its folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
