"""Archives in a bucket of Amazon's S3 or of a store that speaks as it does (Huawei OBS, MinIO, Ceph)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from pyarrow.fs import FileSelector, FileType, S3FileSystem  # type: ignore[import-untyped]

from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from storage.backup.targets.ranged import ranged
from storage.backup.targets.target import Exists, Found, Missing, checked

CONNECT_S, REQUEST_S = 10.0, 60.0
_FULL = ("QuotaExceeded", "StorageFull", "InsufficientStorage", "HTTP status 507")
_PASSES = re.compile(
    r"NETWORK_CONNECTION|SLOW_DOWN|SERVICE_UNAVAILABLE|INTERNAL_FAILURE|REQUEST_TIMEOUT|THROTTLING|HTTP status 5\d\d|curlCode"
)
_GONE = re.compile(r"NO_SUCH_KEY|RESOURCE_NOT_FOUND|HTTP status 404")


class S3:
    """Objects below a prefix of a bucket that exists. Who may read them is for the bucket's policy."""

    def __init__(self, files: S3FileSystem, root: str) -> None:
        self._files, self._root = files, root

    def __repr__(self) -> str:
        return f"s3://{self._root}"

    def upload(self, local: Path, name: str) -> None:
        """An object is there when it is whole: what a killed upload leaves is invisible, and the bucket's rules should clear it away."""
        path = self._path(name)
        with local.open("rb") as source, self._translated(name), self._files.open_output_stream(path) as target:
            shutil.copyfileobj(source, target, 1 << 20)

    def publish(self, temporary: str, name: str) -> None:
        """By a copy, since S3 cannot rename. It does not overwrite what was there before it looked; two that publish the same name
        in the same moment would: names of archives are made so that their content is the same then."""
        source, path = self._path(temporary), self._path(name)
        with self._translated(temporary):
            there, waiting = self._files.get_file_info([path, source])
            if there.type == FileType.File:
                raise Exists(name, str(self))
            if waiting.type != FileType.File:
                raise Missing(temporary, str(self))
            self._files.copy_file(source, path)
            self._files.delete_file(source)

    def open(self, name: str) -> BinaryIO:
        with self._translated(name):
            file = self._files.open_input_file(self._path(name))
            size = file.size()

        def piece(offset: int, length: int) -> bytes:
            with self._translated(name):
                return bytes(file.read_at(length, offset))

        return ranged(size, piece)

    def list(self, folder: str = "") -> Iterator[Found]:
        start = self._path(folder) if folder else self._root
        with self._translated(folder):
            entries = self._files.get_file_info(FileSelector(start, allow_not_found=True, recursive=True))
            bucket = self._root.partition("/")[0]
            if not entries and self._files.get_file_info(bucket).type == FileType.NotFound:
                raise Refused(f"{self}: there is no bucket {bucket}")
        for one in sorted(entries, key=lambda one: str(one.path)):
            if one.type == FileType.File:
                yield Found(one.path[len(self._root) + 1 :], one.size, one.mtime_ns // 1_000_000)

    def remove(self, name: str) -> None:
        path = self._path(name)
        with self._translated(name):
            if self._files.get_file_info(path).type == FileType.File:
                self._files.delete_file(path)

    def close(self) -> None:
        """Nothing is held."""

    def _path(self, name: str) -> str:
        return f"{self._root}/{checked(name)}"

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """The library tells reasons apart only in the text of its errors."""
        try:
            yield
        except FileNotFoundError as error:
            if "bucket" in str(error).lower() and "key" not in str(error).lower():
                raise Refused(f"{self}: {_short(error)}") from error
            raise Missing(name, str(self)) from error
        except OSError as error:
            said = str(error)
            if any(words in said for words in _FULL):
                raise Refused(f"{self} is full: {_short(error)}") from error
            if _PASSES.search(said):
                raise TryAgain(f"{self} is away: {_short(error)}") from error
            if _GONE.search(said) and "NO_SUCH_BUCKET" not in said:
                raise Missing(name, str(self)) from error
            raise Refused(f"{self}: {_short(error)}") from error


def opened(url: str, settings: Settings) -> S3:
    """The prefix of an address s3://BUCKET/PREFIX, with the endpoint and the keys of the settings.

    WrongSettings when it is none, a key's file cannot be read, or one of the two is missing. Without keys, the library looks where
    Amazon's own tools do (role of the machine, profile).
    """
    parts = urlsplit(url)
    root = "/".join(filter(None, [parts.netloc, unquote(parts.path).strip("/")]))
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc):
        raise WrongSettings(
            f"{url!r} names no bucket", where="backup_target", remedy="s3://BUCKET/PREFIX; an endpoint of yours is the setting s3_endpoint"
        )
    endpoint = urlsplit(settings.s3_endpoint)
    if settings.s3_endpoint and (endpoint.scheme not in ("http", "https") or not endpoint.netloc):
        raise WrongSettings(f"s3_endpoint is {settings.s3_endpoint!r}", where="s3_endpoint", remedy="https://HOST[:PORT]")
    if bool(settings.s3_access_key_file) != bool(settings.s3_secret_key_file):
        raise WrongSettings(
            "only one of the two keys is set", where="s3_access_key_file", remedy="set s3_access_key_file and s3_secret_key_file"
        )
    files = S3FileSystem(
        access_key=_secret("s3_access_key_file", settings.s3_access_key_file),
        secret_key=_secret("s3_secret_key_file", settings.s3_secret_key_file),
        region=settings.s3_region,
        scheme=endpoint.scheme or "https",
        endpoint_override=endpoint.netloc or None,
        connect_timeout=CONNECT_S,
        request_timeout=REQUEST_S,
    )
    return S3(files, root)


def _secret(setting: str, path: str) -> str | None:
    if not path:
        return None
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSettings(
            f"{path} cannot be read: {getattr(error, 'strerror', error)}", where=setting, remedy="name a file with the key alone"
        ) from error


def _short(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
