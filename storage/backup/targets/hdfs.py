"""Archives in HDFS over WebHDFS: several NameNodes, of which the first may be dead or a standby."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import requests
from hdfs import HdfsError, InsecureClient  # type: ignore[import-untyped]
from hdfs.client import _to_error  # type: ignore[import-untyped]

from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from storage.backup.targets.ranged import ranged
from storage.backup.targets.target import Exists, Found, Missing, checked

WAIT_S = (10.0, 120.0)  # to connect, and for an answer: a DataNode that syncs a whole block to a slow disk is silent for a while
# Hadoop's names of what passes by itself, and the words of an IOException that means the same.
_PASSES = {"StandbyException", "RetriableException", "SafeModeException", "ServerTooBusyException", "LeaseExpiredException"}
_AWAY = re.compile(r"There are 0 datanode\(s\) running|\d+ node\(s\) are excluded|safe mode|All datanodes")
_FULL = ("could only be written to 0 of the", "No space left", "insufficient space", "Quota")

logging.getLogger("hdfs.client").setLevel(logging.CRITICAL)  # it logs what it raises


class Hdfs:
    """Files below `root`. Files and folders that it makes are for their owner only: they hold what the logs hold."""

    def __init__(self, client: Any, root: str, where: str) -> None:
        self._client, self._root, self._where = client, root, where

    def __repr__(self) -> str:
        return self._where

    def upload(self, local: Path, name: str) -> None:
        path = self._path(name)
        with local.open("rb") as source, self._translated(name):
            self._make_folder(path)
            self._client.write(path, source, overwrite=True, permission="600")

    def publish(self, temporary: str, name: str) -> None:
        """By a rename, which never overwrites; when it was not done, the NameNode does not say why, but can be asked."""
        source, path = self._path(temporary), self._path(name)
        with self._translated(name):
            self._make_folder(path)
            if self._client._rename(source, destination=path).json()["boolean"]:
                return
            if self._client.status(path, strict=False):
                raise Exists(name, self._where)
            if not self._client.status(source, strict=False):
                raise Missing(temporary, self._where)
        raise Refused(f"{self._where}: {temporary} cannot be renamed to {name}")

    def open(self, name: str) -> BinaryIO:
        with self._translated(name):
            status = self._client.status(self._path(name))
        return ranged(status["length"], partial(self._piece, name))

    def list(self, folder: str = "") -> Iterator[Found]:
        return self._below(checked(folder) if folder else "")

    def remove(self, name: str) -> None:
        with self._translated(name):
            self._client.delete(self._path(name))

    def close(self) -> None:
        self._client._session.close()

    def _path(self, name: str) -> str:
        return f"{self._root}/{checked(name)}"

    def _make_folder(self, path: str) -> None:
        self._client.makedirs(path.rpartition("/")[0], permission="700")

    def _piece(self, name: str, offset: int, length: int) -> bytes:
        with self._translated(name):
            answer = self._client._open(self._path(name), offset=offset, length=length)
            with answer:
                return bytes(answer.content)

    def _below(self, folder: str) -> Iterator[Found]:
        """A folder's files come where its name with a slash does: so the whole is in the order of names."""
        with self._translated(folder):
            answer = self._client._list_status(f"{self._root}/{folder}".rstrip("/") or "/", strict=False)
            if not answer and answer.status_code != requests.codes.not_found:
                raise _to_error(answer)
            entries = answer.json()["FileStatuses"]["FileStatus"] if answer else []
        for one in sorted(entries, key=lambda one: one["pathSuffix"] + "/" * (one["type"] == "DIRECTORY")):
            name = f"{folder}/{one['pathSuffix']}" if folder else one["pathSuffix"]
            if one["type"] == "DIRECTORY":
                yield from self._below(name)
            else:
                yield Found(name, one["length"], one["modificationTime"])

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise TryAgain(f"{self._where} is away: {_short(error)}") from error
        except HdfsError as error:
            raise self._meant(error, name) from error
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(f"{self._where}: what answers there is no WebHDFS (name the NameNode's HTTP port)") from error
        except requests.RequestException as error:
            raise Refused(f"{self._where}: {_short(error)}") from error

    def _meant(self, error: HdfsError, name: str) -> Exception:
        said, kind = str(error.message), error.exception or ""
        if kind == "FileNotFoundException":
            return Missing(name, self._where)
        if kind in _PASSES or _AWAY.search(said):
            return TryAgain(f"{self._where}: {_first_line(said)}")
        if any(words in said or words in kind for words in _FULL):
            return Refused(f"{self._where} is full: {_first_line(said)}")
        return Refused(f"{self._where}: {_first_line(said)}")


def opened(url: str, settings: Settings) -> Hdfs:
    """The folder of an address hdfs://HOST:PORT,HOST:PORT/FOLDER. WrongSettings when it is none, or Kerberos is not installed."""
    parts = urlsplit(url)
    hosts = [host for host in parts.netloc.split(",") if host]
    if not hosts or "@" in parts.netloc or not all(host.rpartition(":")[2].isdigit() for host in hosts):
        raise WrongSettings(f"{url!r} names no NameNode", where="backup_target", remedy="hdfs://HOST:HTTP-PORT[,HOST:HTTP-PORT]/FOLDER")
    addresses = ";".join(f"http://{host}" for host in hosts)
    root = unquote(parts.path).rstrip("/")
    if root and not all(checked(part) for part in root[1:].split("/")):
        raise WrongSettings(f"{url!r} names no folder", where="backup_target", remedy="hdfs://HOST:HTTP-PORT/FOLDER")
    return Hdfs(_client(addresses, settings), root, f"hdfs://{','.join(hosts)}{root}")


def _client(addresses: str, settings: Settings) -> Any:
    if settings.hdfs_security == "simple":
        return InsecureClient(addresses, user=settings.hdfs_user or None, timeout=WAIT_S)
    try:
        from hdfs.ext.kerberos import KerberosClient  # type: ignore[import-untyped]
    except ImportError as error:
        raise WrongSettings(
            f"Kerberos needs {error.name}, which is not installed", where="hdfs_security", remedy="pip install 'logverse[kerberos]'"
        ) from error
    return KerberosClient(addresses, timeout=WAIT_S)


def _short(error: Exception) -> str:
    """Of an exception of requests, the cause that it wraps."""
    return _first_line(str(getattr(error.args[0], "reason", error.args[0]) if error.args else error))


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:300]
