"""The stand-in for MongoDB as a process of the tests' own, without the stack."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.local import jars
from deploy.local.java import java_home


def start(port: int, folder: Path) -> subprocess.Popen[bytes]:
    """The process, once it answers; its data lies in the folder."""
    java, file = str(java_home() / "bin" / "java"), str(folder / "stand-in.mv")
    command = [sys.executable, "-m", "deploy.local.mongodb_stand_in", str(port), file, java, *map(str, jars.jars_of("mongodb"))]
    with (folder / "stand-in.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    until = time.monotonic() + 120
    while not answers(port):
        assert process.poll() is None and time.monotonic() < until, (folder / "stand-in.log").read_text()
        time.sleep(0.2)
    return process


def answers(port: int) -> bool:
    with MongoClient(f"127.0.0.1:{port}", serverSelectionTimeoutMS=500) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """HOST:PORT of one that runs meanwhile."""
    port = free_port()
    process = start(port, folder)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
