"""Places that archives can lie in. To add one: one file beside this, one line below. Drivers are imported when asked for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from logverse.errors import WrongSettings
from logverse.settings import Settings
from storage.backup.targets.target import Target

FORMS = "a folder, hdfs://HOST:PORT[,HOST:PORT]/FOLDER (WebHDFS) or s3://BUCKET/PREFIX"


def _folder(url: str, _: Settings) -> Target:
    from storage.backup.targets.folder import Folder

    parts = urlsplit(url)
    if parts.netloc or not parts.path.startswith("/"):
        raise WrongSettings(f"{url!r} names no folder of this machine", where="backup_target", remedy="file:///FOLDER, or the folder alone")
    return Folder(Path(unquote(parts.path)))


def _hdfs(url: str, settings: Settings) -> Target:
    _must_be_there("hdfs")
    from storage.backup.targets.hdfs import opened

    return opened(url, settings)


def _s3(url: str, settings: Settings) -> Target:
    _must_be_there("pyarrow")
    from storage.backup.targets.s3 import opened

    return opened(url, settings)


TARGETS: dict[str, Callable[[str, Settings], Target]] = {
    "file": _folder,
    "hdfs": _hdfs,
    "s3": _s3,
}


def opened(settings: Settings, url: str = "") -> Target:
    """The target of this address, else that of the settings. Nothing is asked of it yet.

    WrongSettings when there is none, no such kind, or its library is not installed.
    """
    wanted = url or settings.backup_target
    if not wanted:
        remedy = f"name {FORMS}: --target, or backup_target in the settings; logverse up --with hdfs has one on this machine"
        raise WrongSettings("no place for archives is set", where="backup_target", remedy=remedy)
    scheme, separator, _ = wanted.partition("://")
    if not separator:
        return TARGETS["file"](Path(wanted).expanduser().absolute().as_uri(), settings)
    if scheme not in TARGETS:
        raise WrongSettings(f"no kind of target is called {scheme!r}", where="backup_target", remedy=f"name {FORMS}")
    return TARGETS[scheme](wanted, settings)


def _must_be_there(library: str) -> None:
    if not importlib.util.find_spec(library):
        raise WrongSettings(
            f"this target needs {library}, which is not installed", where="backup_target", remedy="pip install 'logverse[backup]'"
        )
