"""An HDFS of a test's own: the NameNode and the DataNode of the embedded stack, without the rest of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import jars, ports
from deploy.local.home import Home
from deploy.local.server import Server
from deploy.local.servers.hdfs import DATANODE, NAMENODE
from logverse.errors import Refused, TryAgain

from .conftest import wait_until


class Hadoop:
    """Both servers in one folder; each may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.home.make()
        jars.jars_of("hadoop")
        ports.settle(self.home, [*NAMENODE.ports, *DATANODE.ports])
        NAMENODE.prepare(self.home)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        """Of the NameNode, over HTTP."""
        return self.home.address("namenode")

    def start(self, *servers: Server) -> None:
        """Start these, both without a word, and wait until they are ready."""
        for server in servers or (NAMENODE, DATANODE):
            with self.home.log(server.name).open("ab") as log:
                self._running[server.name] = subprocess.Popen(server.command(self.home), stdout=log, stderr=log, cwd=self.home / "tmp")
            wait_until(lambda server=server: self.is_ready(server), f"{server.name} ready (log: {self.home.log(server.name)})")

    def is_ready(self, server: Server) -> bool:
        assert self._running[server.name].poll() is None, self.home.log(server.name).read_text()[-2000:]
        try:
            server.ready(self.home)
        except (TryAgain, Refused):
            return False
        return True

    def kill(self, server: Server) -> None:
        process = self._running.pop(server.name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for server in [one for one in (DATANODE, NAMENODE) if one.name in self._running]:
            self.kill(server)


@contextmanager
def running(folder: Path) -> Iterator[Hadoop]:
    """One that is ready, and gone at the end."""
    made = Hadoop(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
