"""The checkpoints that jobs leave in the home: checkpoints/JOB_ID/chk-N, and the newest that is whole."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.local.home import Home
from logverse.instant import Millis

METADATA = "_metadata"
MAGIC = bytes.fromhex("4960672d")  # how Flink's checkpoint metadata begins (org.apache.flink.runtime.checkpoint.Checkpoints)
ORIGIN = "restored-from"  # beside the chk-N of a job: what it was started from, until it has one of its own

KEPT_MS: Millis = 7 * 24 * 3_600_000  # what a job leaves that was stopped without a savepoint: time to change one's mind


def newest_whole(home: Home, job_id: str) -> Path | None:
    """The newest whole checkpoint of this job, or what it is to be restored from when that was noted later; None: it starts anew."""
    folder = home / "checkpoints" / job_id
    own, origin = _own(folder), _origin(folder)
    return origin if origin and (own is None or _noted_later(folder, own)) else own


def _own(folder: Path) -> Path | None:
    whole = (path for path in sorted(folder.glob("chk-*"), key=_number, reverse=True) if is_whole(path))
    return next(whole, None)


def _noted_later(folder: Path, own: Path) -> bool:
    """Is the origin the younger one? So it is when the job was stopped with a savepoint and is to go on from that."""
    return (folder / ORIGIN).stat().st_mtime_ns > (own / METADATA).stat().st_mtime_ns


def is_whole(checkpoint: Path) -> bool:
    """Does it have its metadata? Flink writes that last."""
    try:
        with (checkpoint / METADATA).open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def remember_origin(home: Home, job_id: str, checkpoint: Path) -> None:
    """Note what this job was restored from: a second death before its first checkpoint must not cost its state."""
    folder = home / "checkpoints" / job_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ORIGIN).write_text(str(checkpoint))


def local(address: str) -> Path:
    """The folder that Flink, or a user, names: a path, file:/path or file:///path, or the metadata file in it.

    >>> str(local("file:/a/savepoint-1")), str(local("file:///a%20b/chk-3/_metadata"))
    ('/a/savepoint-1', '/a b/chk-3')
    """
    path = Path(unquote(urlsplit(address).path) if address.startswith("file:") else address).absolute()
    return path.parent if path.name == METADATA else path


def tidy(home: Home, job_id: str, wanted: Collection[str] = ()) -> None:
    """Once this job has a checkpoint of its own, delete what its predecessor left: Flink does not (claim mode NO_CLAIM), nor needs it.

    A predecessor that is itself one of the jobs `wanted` keeps its own.
    """
    folder = home / "checkpoints" / job_id
    origin = _origin(folder)
    own = _own(folder)
    if origin and own and not _noted_later(folder, own):
        if origin.parent.parent == home / "checkpoints" and origin.parent != folder and origin.parent.name not in wanted:
            shutil.rmtree(origin.parent, ignore_errors=True)
        (folder / ORIGIN).unlink()


def sweep(home: Home, needed: Collection[str], now: Millis) -> list[str]:
    """Delete what jobs left that nobody has needed for KEPT_MS: not these ids, and not what one of them was restored from.

    `now`: milliseconds UTC. Returns the ids of the jobs whose checkpoints went.
    """
    root = home / "checkpoints"
    origins = {origin.parent for job_id in needed if (origin := _origin(root / job_id))}
    old = [path for path in root.iterdir() if path.name not in needed and path not in origins and now - _touched(path) > KEPT_MS]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in old]


def _touched(folder: Path) -> Millis:
    """When something in this folder was last written, milliseconds UTC."""
    return int(max(path.stat().st_mtime for path in (folder, *folder.glob("chk-*"), *folder.glob("chk-*/*"))) * 1000)


def _origin(folder: Path) -> Path | None:
    try:
        path = Path((folder / ORIGIN).read_text())
    except OSError:
        return None
    return path if is_whole(path) else None


def _number(path: Path) -> int:
    number = path.name.removeprefix("chk-")
    return int(number) if number.isdigit() else -1
