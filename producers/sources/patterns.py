"""What the user named: files and globs, as they stand on disk at the moment."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from logverse.errors import WrongSettings

_JOIN = "log files often belong to group adm: join it; Docker's are root's alone: docs/producers.md says how they are read"


def check(patterns: Sequence[str], follow: bool) -> None:
    """WrongSettings for what can be seen to be wrong before the start: a folder, an unreadable file, nothing to read at all."""
    for pattern in patterns:
        try:
            _check(pattern, follow)
        except OSError as error:
            raise (
                _closed(pattern)
                if isinstance(error, PermissionError)
                else WrongSettings(f"cannot be looked at: {error.strerror}", where=pattern, remedy="check the name and its folder")
            ) from error


def expanded(pattern: str) -> list[Path]:
    """The paths that a pattern stands for. OSError when its folder may not be entered."""
    if _exists(Path(pattern)) or not glob.has_magic(pattern):
        return [Path(pattern)] if _exists(Path(pattern)) else []
    return [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207  (absolute patterns)


def regular(patterns: Sequence[str], complain: Callable[[str], None]) -> Iterator[tuple[Path, os.stat_result]]:
    """The regular files that the patterns stand for; `complain` is told of the rest."""
    for pattern in patterns:
        try:
            paths = expanded(pattern)
        except OSError as error:
            complain(f"{pattern} cannot be looked at: {error.strerror}")
            continue
        for path in paths:
            try:
                stat = path.stat()
                if path.is_file():
                    yield path, stat
                else:
                    complain(f"{path} is not a regular file")
            except OSError:
                continue  # renamed between listing and looking: the next look finds it


def _check(pattern: str, follow: bool) -> None:
    paths = expanded(pattern)
    if not paths and _shut(pattern):
        raise _closed(pattern)
    if not paths and not follow:
        raise WrongSettings("no such file", where=pattern, remedy="check the name, or follow it (without --no-follow) until it appears")
    for path in paths:
        if not path.is_file():
            raise WrongSettings("is not a regular file", where=str(path), remedy="name the files in it: 'DIR/*.log' in quotes")
        if not os.access(path, os.R_OK):
            raise _closed(str(path))


def _shut(pattern: str) -> bool:
    """Whether folders that may not be entered or listed are all there is of it at some level: nothing would ever be found."""
    path = Path(pattern)
    for part in reversed((path, *path.parents[:-1])):
        folders = [Path(name) for name in glob.glob(str(part.parent), recursive=True)]  # noqa: PTH207
        needed = os.X_OK | os.R_OK * glob.has_magic(part.name)
        if folders and not any(os.access(folder, needed) for folder in folders):
            return True
    return False


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _closed(path: str) -> WrongSettings:
    return WrongSettings("may not be read by this user", where=path, remedy=_JOIN)
