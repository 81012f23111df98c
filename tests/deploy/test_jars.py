"""Jars are those of the lock, byte for byte, and fetched only when they are not."""

from __future__ import annotations

import hashlib
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.jars import Jar
from logverse.errors import Refused

CONTENT = b"a jar"
JAR = Jar("kafka", "org.example:thing:1.2", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(jars, "cache_folder", lambda: tmp_path / "jars")
    monkeypatch.setattr(jars, "lock", lambda: {"kafka": [JAR]})
    yield


def arriving(content: bytes) -> jars.Fetch:
    def fetch(jar: Jar, folder: Path) -> Path:
        path = folder / jar.file_name
        path.write_bytes(content)
        return path

    return fetch


def test_a_whole_cache_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched, nothing that could fetch is even imported."""
    jars.install(JAR, arriving(CONTENT))
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("went to the network"))
    monkeypatch.delitem(sys.modules, "jgo", raising=False)

    assert [path.read_bytes() for path in jars.jars_of("kafka")] == [CONTENT]
    assert "jgo" not in sys.modules


def test_a_damaged_jar_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, cut off, or changed: it is replaced by what the lock says."""
    JAR.path.parent.mkdir(parents=True)
    JAR.path.write_bytes(CONTENT[:-1])
    monkeypatch.setattr(jars, "_by_jgo", arriving(CONTENT))
    told: list[str] = []

    found = jars.jars_of("kafka", lambda name, count, all_: told.append(f"{name} {count}/{all_}"))

    assert [path.read_bytes() for path in found] == [CONTENT]
    assert told == ["thing-1.2.jar 1/1"]


def test_a_jar_that_is_not_the_locks_is_refused_by_name() -> None:
    """What a proxy or a mirror hands out instead never gets into the cache."""
    with pytest.raises(Refused, match=r"thing-1\.2\.jar: what arrived is not the jar of the lock"):
        jars.install(JAR, arriving(b"another jar"))

    assert list(JAR.path.parent.iterdir()) == []


def test_the_shipped_lock_pins_every_server_by_sha256_and_names_no_host() -> None:
    """Every coordinate of jars.toml is in the lock, every entry has a sha256, and there is no address in either file."""
    lock = tomllib.loads(jars.LOCK.read_text())
    wanted = tomllib.loads(jars.LOCK.with_name("jars.toml").read_text())

    for server, entry in wanted.items():
        assert set(entry["coordinates"]) <= lock[server].keys()
        assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in lock[server].values())
    assert "://" not in jars.LOCK.read_text() + jars.LOCK.with_name("jars.toml").read_text()


def test_the_cache_is_outside_the_checkout_and_movable() -> None:
    """LOGVERSE_CACHE over the desktop standard's folder over ~/.cache."""
    code = "from deploy.local.jars import cache_folder as f; print(f({'LOGVERSE_CACHE': '/c'}), f({'XDG_CACHE_HOME': '/x'}))"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said == "/c/jars /x/logverse/jars\n"
