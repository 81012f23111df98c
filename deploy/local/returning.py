"""Runs what `resubmission` asks for: `logverse job submit … --restore …` as a process of the stack, one at a time."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from deploy.local import checkpoints, logfile, process
from deploy.local.home import Home
from deploy.local.resubmission import SUBMITTING, Job, Resubmission, adopt_in, jobs_of, newest_of, submit_arguments
from deploy.local.server import logverse
from deploy.local.state import JobState
from logverse.errors import Refused, TryAgain
from logverse.flink import JobManager
from logverse.instant import Millis

SUBMIT_MS: Millis = 180_000  # a submission takes 13-18 s on two busy cores; this one hangs
LOOK_MS: Millis = 500
SWEEP_MS: Millis = 3_600_000
ENDED = ("FINISHED", "FAILED", "CANCELED", "SUSPENDED")

log = logging.getLogger("supervisor")


class Returning:
    """The jobs of this home on their way back to a JobManager that has forgotten them. `now` is monotonic milliseconds."""

    name = "job-return"  # of the log file and of the process

    def __init__(self, home: Home) -> None:
        self._home = home
        self._plan = Resubmission(newest_of(home), adopt_in(home))
        self._plan.jobmanager_started(jobs_of(home))
        self._running: tuple[Job, subprocess.Popen[bytes], Millis] | None = None
        self._log_start = 0
        self._looked: Millis = 0
        self._swept: Millis = 0

    def jobmanager_died(self) -> None:
        """Whatever was being submitted went to a dead one."""
        self.stop()
        self._plan.jobmanager_started(jobs_of(self._home))

    def turn(self, now: Millis, servers_ready: bool) -> None:
        if self._running:
            self._watch(*self._running, now)
        elif servers_ready and now - self._looked >= LOOK_MS:
            self._looked = now
            self._begin(now)

    def broke(self, now: Millis, why: str) -> None:
        """A submission could not even be started, such as on a full disk: it is refused, and tried again later."""
        for one in self.states():
            if one.state == SUBMITTING and self._running is None:
                self._plan.refused(one.name, now, why)

    def tidy(self, wall: Millis) -> None:
        """Delete the checkpoints that no job needs any more. `wall`: milliseconds UTC."""
        wanted = {job.job_id for job in jobs_of(self._home) if job.job_id}
        for job_id in wanted:
            checkpoints.tidy(self._home, job_id, wanted)
        if wall - self._swept >= SWEEP_MS:
            with suppress(TryAgain, Refused):  # it is away: what it knows cannot be told now
                checkpoints.sweep(self._home, wanted | self._known().keys(), wall)
                self._swept = wall

    def forgive(self, now: Millis) -> None:
        self._plan.forgive(now)

    def states(self) -> tuple[JobState, ...]:
        return self._plan.states()

    def _begin(self, now: Millis) -> None:
        try:
            found = self._plan.next(now, jobs_of(self._home), self._known)
        except (TryAgain, Refused) as error:  # it has just died again, which the next turn notices
            log.warning("no answer about jobs why=%r", str(error))
            return
        if found:
            self._submit(*found, now)

    def _submit(self, job: Job, checkpoint: Path | None, now: Millis) -> None:
        path = self._home.log(self.name)
        with path.open("ab") as out:
            self._log_start = out.tell()
            running = subprocess.Popen(
                [*logverse(self._home), *submit_arguments(job, checkpoint)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self._home / "run",
                env=process.environment(self._home, self.name),
                start_new_session=True,
            )
        self._running = job, running, now
        log.info("submitting job=%s checkpoint=%s", job.name, checkpoint)

    def _watch(self, job: Job, running: subprocess.Popen[bytes], since: Millis, now: Millis) -> None:
        code = running.poll()
        if code is None:
            if now - since > SUBMIT_MS:
                running.kill()  # the next turn sees it dead
            return
        self._running = None
        self._clear_away(running)
        if code:
            why = logfile.telling_line(self._home.log(self.name), self._log_start) or f"exit code {code}"
            log.warning("submission failed job=%s why=%r", job.name, why)
            return self._plan.refused(job.name, now, why)
        self._plan.done(job.name)
        log.info("submitted job=%s", job.name)

    def _clear_away(self, running: subprocess.Popen[bytes]) -> None:
        """End it with all that it has started: Flink's client does not carry the mark, but is in its process group."""
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        process.end(process.named(self._home, self.name), patience_s=1.0)

    def stop(self) -> None:
        """Give up what is being submitted."""
        if self._running:
            self._clear_away(self._running[1])
        self._running = None

    def _known(self) -> dict[str, str]:
        rows = JobManager(self._home.address("jobmanager"), timeout_s=3).jobs()
        return {row["jid"]: "" if row["state"] in ENDED else row["name"] for row in rows}
