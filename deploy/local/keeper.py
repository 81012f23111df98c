"""Keeps one process alive: starts it, asks it whether it is ready, notices its death, clears away what it leaves."""

from __future__ import annotations

import logging
import subprocess

from deploy.local import logfile, process
from deploy.local.home import Home
from deploy.local.life import READY, STARTING, Life
from deploy.local.server import Server
from deploy.local.state import ProcessState
from logverse.errors import Refused, TryAgain
from logverse.instant import Millis

PROBE_STARTING_MS: Millis = 300
PROBE_READY_MS: Millis = 5_000
SERVICE_READY_MS: Millis = 3_000  # a process of ours that lives so long has read its settings

log = logging.getLogger("supervisor")


class Keeper:
    """One server and its life. `now` is monotonic milliseconds."""

    def __init__(self, home: Home, server: Server) -> None:
        self.server, self.life = server, Life(server.gives_up, server.start_ms)
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._started: Millis = 0
        self._probed: Millis = 0
        self._log_start = 0

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def is_ready(self) -> bool:
        return self.life.state == READY

    def turn(self, now: Millis, needs_ready: bool) -> bool:
        """Do what is due. True when it died."""
        if self._process is None:
            if self.life.due(now):
                self._start(now)
            return False
        code = self._process.poll()
        if code is not None:
            self._died(now, code)
            return True
        if not needs_ready:
            self.life.excused(now)
        self._probe(now)
        return False

    def state(self) -> ProcessState:
        server, life = self.server, self.life
        return ProcessState(
            name=server.name,
            kind=server.kind,
            state=life.state,
            pid=self._process.pid if self._process else None,
            address=self._home.address(server.address) if server.address else "",
            restarts=life.restarts,
            why=life.why,
            log=str(self._home.log(server.name)),
        )

    def _start(self, now: Millis) -> None:
        process.end(process.named(self._home, self.name), patience_s=self.server.stop_s)  # never two on one data folder
        path = self._home.log(self.name)
        environment = process.environment(self._home, self.name) | self.server.environment(self._home)
        with path.open("ab") as out:
            self._log_start = out.tell()
            self._process = subprocess.Popen(
                self.server.command(self._home),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self._home / "run",
                env=environment,
                start_new_session=True,
            )
        self.life.started(now)
        self._started = self._probed = now
        log.info("started name=%s pid=%d", self.name, self._process.pid)

    def _died(self, now: Millis, code: int) -> None:
        self._process = None
        how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        line = logfile.telling_line(self._home.log(self.name), self._log_start)
        self.life.died(now, f"{how}: {line}" if code >= 0 and line else how)
        log.warning("died name=%s how=%r next=%s", self.name, self.life.why, self.life.state)
        process.end(process.named(self._home, self.name), patience_s=1.0)  # what it had started, such as Python workers

    def broke(self, now: Millis, why: str) -> bool:
        """Looking after it went wrong, such as its start on a full disk. True when that counts as a death: no process is there."""
        if self._process is not None or not (self.life.due(now) or self.life.state in (STARTING, READY)):
            return False
        self.life.died(now, why)
        return True

    def _probe(self, now: Millis) -> None:
        if now - self._probed < (PROBE_READY_MS if self.is_ready else PROBE_STARTING_MS):
            return
        self._probed = now
        if self.server.kind == "service" and now - self._started < SERVICE_READY_MS:
            return
        try:
            self.server.ready(self._home)
        except (TryAgain, Refused) as error:
            self._unready(now, str(error))
        else:
            if not self.is_ready:
                log.info("ready name=%s after_ms=%d", self.name, now - self._started)
            self.life.ready(now)

    def doubt(self, now: Millis, why: str) -> None:
        """What it needs has died: whether it is still ready must be asked again."""
        if self.is_ready and self.server.kind == "server":
            self.life.doubted(now, why)

    def _unready(self, now: Millis, why: str) -> None:
        self.life.unready(now, why)
        if self.life.hangs(now) and self._process:
            log.warning("hangs name=%s why=%r", self.name, why)
            self._process.kill()
