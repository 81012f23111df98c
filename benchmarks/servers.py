"""The real servers for the benchmarks: an embedded stack in a folder of its own, gone at the end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import ports, process
from deploy.local.home import Home, write_json
from deploy.local.server import Server
from deploy.local.servers import KNOWN
from logverse import settings
from logverse.errors import TryAgain
from logverse.settings import Settings


@contextmanager
def running_stack() -> Iterator[Settings]:
    """Kafka and Flink, ready, with the topics."""
    with tempfile.TemporaryDirectory(prefix="lv-bench-", ignore_cleanup_errors=True) as folder:
        home = str(Path(folder) / "home")
        try:
            logverse(home, "up")
            yield settings.load({"home": home}, {})
        finally:
            logverse(home, "down", "--wipe", "--yes")


def logverse(home: str, *arguments: str) -> None:
    """Run the `logverse` command on this home; what it says goes to standard error, so that figures stand alone."""
    subprocess.run([sys.executable, "-m", "logverse.cli.main", "--home", home, *arguments], check=True, stdout=sys.stderr)


@contextmanager
def only(*names: str) -> Iterator[Settings]:
    """These servers of the embedded stack and no supervisor, ready; the topics, when Kafka is among them."""
    with tempfile.TemporaryDirectory(prefix="lv-bench-", ignore_cleanup_errors=True) as folder:
        home = Home(Path(folder) / "home")
        home.make()
        servers = [KNOWN[name] for name in names]
        ports.settle(home, [use for server in servers for use in server.ports])
        started: list[subprocess.Popen[bytes]] = []
        try:
            for server in servers:
                server.prepare(home)
                environ = process.environment(home, server.name) | server.environment(home)
                with home.log(server.name).open("wb") as log:
                    started.append(subprocess.Popen(server.command(home), env=environ, stdout=log, stderr=log))
                _until_ready(server, home)
            write_json(home / "endpoints.json", {server.name: home.address(server.address) for server in servers})
            if "kafka" in names:
                logverse(str(home.path), "topics", "create")
            yield settings.load({"home": str(home.path)}, {})
        finally:
            for one in reversed(started):
                one.terminate()
            for one in started:
                one.wait()


def _until_ready(server: Server, home: Home) -> None:
    until = time.monotonic() + server.start_ms / 1000
    while True:
        try:
            return server.ready(home)
        except TryAgain as error:
            if time.monotonic() > until:
                raise SystemExit(f"{server.name} does not get ready: {error}") from error
        time.sleep(0.1)
