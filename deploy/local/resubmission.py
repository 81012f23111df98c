"""Brings the jobs back when the JobManager has died and is back: a standalone JobManager forgets what it ran.

`Resubmission` is the thinking; the supervisor runs the commands that it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import checkpoints
from deploy.local.home import Home, read_json, write_json
from deploy.local.life import DELAYS_MS
from deploy.local.state import JobState
from logverse.instant import Millis

WAITING, SUBMITTING, SUBMITTED, FAILED = "waiting", "submitting", "submitted", "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A file of jobs/: the arguments that submit the job, and the id under which it last ran."""

    name: str
    arguments: tuple[str, ...]
    job_id: str


@dataclass(slots=True)
class _Return:
    """How far one job has come back."""

    job: Job
    state: str = WAITING
    why: str = ""
    failures: int = 0
    again: Millis = 0


class Resubmission:
    """Which job to submit next, from which checkpoint. One at a time: each submission starts a JVM.

    `adopt` is told of a job that runs already, under an id that its file does not have.
    """

    def __init__(self, newest: Callable[[str], Path | None], adopt: Callable[[Job, str], None]) -> None:
        self._newest, self._adopt = newest, adopt
        self._returns: dict[str, _Return] = {}

    def jobmanager_started(self, jobs: Iterable[Job]) -> None:
        """A new JobManager knows nothing: all of these must come back."""
        self._returns = {job.name: _Return(job) for job in jobs}

    def next(self, now: Millis, wanted: Iterable[Job], known: Callable[[], Mapping[str, str]]) -> tuple[Job, Path | None] | None:
        """The job to submit now and its checkpoint. `wanted` is what jobs/ holds by now, `known` asks the JobManager for the ids
        of its jobs, each with its name while it has not ended, else with "".

        What the user has stopped or submitted anew meanwhile is left alone; so is a job whose submission was taken and never noted.
        """
        if any(one.state == SUBMITTING for one in self._returns.values()):
            return None
        waiting = [one for one in self._returns.values() if one.state == WAITING and now >= one.again]
        if not waiting:
            return None
        present, running = {job.name: job for job in wanted}, known()
        for one in waiting:
            found = present.get(one.job.name)
            if found is None or found.job_id in running:
                del self._returns[one.job.name]
                continue
            if taken := next((job_id for job_id, name in running.items() if name == found.name), None):
                self._adopt(found, taken)
                self.done(found.name)
                continue
            one.job, one.state = found, SUBMITTING
            return found, self._newest(found.job_id)
        return None

    def done(self, name: str) -> None:
        self._returns[name].state, self._returns[name].why = SUBMITTED, ""

    def refused(self, name: str, now: Millis, why: str) -> None:
        """The submission failed: later again, a limited number of times."""
        one = self._returns[name]
        one.failures += 1
        one.why = why
        worn_out = one.failures > len(DELAYS_MS)
        one.state = FAILED if worn_out else WAITING
        one.again = now + DELAYS_MS[min(one.failures, len(DELAYS_MS)) - 1]

    def forgive(self, now: Millis) -> None:
        """Somebody has mended the cause: what failed may try again."""
        for one in self._returns.values():
            if one.state == FAILED:
                one.state, one.failures, one.again = WAITING, 0, now

    def states(self) -> tuple[JobState, ...]:
        return tuple(JobState(one.job.name, one.state, one.why) for one in self._returns.values())


def jobs_of(home: Home) -> list[Job]:
    """The jobs that this home wants running, by jobs/*.json; a file that is not whole is none."""
    found = [(path.stem, read_json(path)) for path in sorted((home / "jobs").glob("*.json"))]
    return [Job(name, tuple(one["arguments"]), str(one.get("job_id", ""))) for name, one in found if isinstance(one.get("arguments"), list)]


def submit_arguments(job: Job, checkpoint: Path | None) -> list[str]:
    """The arguments of `logverse` that bring the job back; an earlier --restore in them is out of date."""
    arguments = list(job.arguments)
    if "--restore" in arguments:
        place = arguments.index("--restore")
        del arguments[place : place + 2]
    return [*arguments, *(["--restore", str(checkpoint)] if checkpoint else [])]


def adopt_in(home: Home) -> Callable[[Job, str], None]:
    """Note the id under which a job runs; until its first checkpoint it goes on from what the one before left."""

    def adopt(job: Job, job_id: str) -> None:
        before = checkpoints.newest_whole(home, job.job_id) if job.job_id else None
        if before and not checkpoints.newest_whole(home, job_id):
            checkpoints.remember_origin(home, job_id, before)
        path = home / "jobs" / f"{job.name}.json"
        write_json(path, {**read_json(path), "job_id": job_id})

    return adopt


def newest_of(home: Home) -> Callable[[str], Path | None]:
    return lambda job_id: checkpoints.newest_whole(home, job_id)
