"""The checkpoints that jobs leave in the home: checkpoints/JOB_ID/chk-N, and the newest that is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy.local.home import Home

METADATA = "_metadata"
MAGIC = bytes.fromhex("4960672d")  # how Flink's checkpoint metadata begins (org.apache.flink.runtime.checkpoint.Checkpoints)
ORIGIN = "restored-from"  # beside the chk-N of a job: what it was started from, until it has one of its own


def newest_whole(home: Home, job_id: str) -> Path | None:
    """The newest whole checkpoint of this job, else the one it was itself restored from; None when it has to start anew."""
    folder = home / "checkpoints" / job_id
    whole = [path for path in sorted(folder.glob("chk-*"), key=_number, reverse=True) if is_whole(path)]
    return whole[0] if whole else _origin(folder)


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


def tidy(home: Home, job_id: str) -> None:
    """Once this job has a checkpoint of its own, delete what its predecessor left: Flink does not (claim mode NO_CLAIM), nor needs it."""
    folder = home / "checkpoints" / job_id
    origin = _origin(folder)
    if origin and any(is_whole(path) for path in folder.glob("chk-*")):
        if origin.parent.parent == home / "checkpoints" and origin.parent != folder:
            shutil.rmtree(origin.parent, ignore_errors=True)
        (folder / ORIGIN).unlink()


def _origin(folder: Path) -> Path | None:
    try:
        path = Path((folder / ORIGIN).read_text())
    except OSError:
        return None
    return path if is_whole(path) else None


def _number(path: Path) -> int:
    number = path.name.removeprefix("chk-")
    return int(number) if number.isdigit() else -1
