"""The servers' jars: exactly those of the checked-in lock, each verified by its sha256, kept in a cache outside the checkout.

Once the cache is whole nothing here touches the network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from logverse.errors import Refused, TryAgain, WrongSettings

LOCK = Path(__file__).with_name("jars.lock.toml")

Fetch = Callable[["Jar", Path], Path]  # bring this jar into this empty folder, say where it is
Told = Callable[[str, int, int], None]  # name of the jar that has arrived, how many have, how many are to come in all


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of the lock. `coordinate` is group:artifact:version, with :classifier for the odd one."""

    server: str
    coordinate: str
    sha256: str

    @property
    def file_name(self) -> str:
        _, *rest = self.coordinate.split(":")
        return "-".join(rest) + ".jar"

    @property
    def path(self) -> Path:
        return cache_folder() / self.server / self.file_name

    def whole(self) -> bool:
        """Is it in the cache, byte for byte what the lock says?"""
        return self.path.is_file() and sha256_of(self.path) == self.sha256


def jars_of(server: str, told: Told = lambda *_: None) -> list[Path]:
    """The verified jars of a server ("kafka", "flink"); what is missing or damaged is fetched first.

    TryAgain when one cannot be fetched, Refused when what arrives is not what the lock says.
    """
    jars = locked(server)
    missing = damaged(jars)
    if missing:
        _fetch_all(missing, told)
    return [jar.path for jar in jars]


def jar_paths(server: str) -> list[Path]:
    """Where the jars of a server are, for one that has been through `jars_of`: no look at the files."""
    return [jar.path for jar in locked(server)]


def damaged(jars: list[Jar]) -> list[Jar]:
    """Those that are missing from the cache or not what the lock says."""
    with ThreadPoolExecutor(4) as pool:  # hashing lets go of the interpreter lock
        return [jar for jar, whole in zip(jars, pool.map(Jar.whole, jars), strict=True) if not whole]


@cache
def lock() -> dict[str, list[Jar]]:
    """The checked-in lock: the jars of each server."""
    content = tomllib.loads(LOCK.read_text())
    return {server: [Jar(server, name, sha256) for name, sha256 in jars.items()] for server, jars in content.items()}


def locked(server: str) -> list[Jar]:
    return lock()[server]


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where jars are kept, shared by all stacks of this user: LOGVERSE_CACHE, else the desktop standard's cache folder (XDG)."""
    own = environ.get("LOGVERSE_CACHE")
    base = Path(own) if own else Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "logverse"
    return base / "jars"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def install(jar: Jar, fetch: Fetch) -> None:
    """Fetch one jar, verify it, and only then put it in its place."""
    jar.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jar.path.parent, prefix=".fetching-") as folder:
        arrived = fetch(jar, Path(folder))
        found = sha256_of(arrived)
        if found != jar.sha256:
            raise Refused(
                f"{jar.file_name}: what arrived is not the jar of the lock (sha256 {found}, wanted {jar.sha256})\n"
                f"  → a proxy or mirror hands out something else: fetch {jar.coordinate} elsewhere and put it at {jar.path}"
            )
        arrived.replace(jar.path)


def _fetch_all(missing: list[Jar], told: Told) -> None:
    if not importlib.util.find_spec("jgo"):
        raise WrongSettings(f"{missing[0].file_name} is missing and jgo, which fetches it, too", remedy="pip install 'logverse[flink]'")
    with ThreadPoolExecutor(4) as pool:
        for count, jar in enumerate(pool.map(_installed, missing), 1):
            told(jar.file_name, count, len(missing))


def _installed(jar: Jar) -> Jar:
    install(jar, _by_jgo)
    return jar


def _by_jgo(jar: Jar, folder: Path) -> Path:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    group, artifact, version, *classifier = jar.coordinate.split(":")
    context = MavenContext(repo_cache=folder, local_repos=[], remote_repos=repositories, timeout=60)
    wanted = context.project(group, artifact).at_version(version).artifact(*classifier)
    try:
        return Path(wanted.resolve())
    except Exception as error:  # jgo lets through whatever requests and itself raise
        raise TryAgain(
            f"{jar.file_name} could not be fetched: {error}\n  → check the network and proxy, then try again; or put it at {jar.path}"
        ) from error
