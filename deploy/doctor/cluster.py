"""Checks of Flink, the embedded cluster or another: do the jobs run, and do they leave checkpoints?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy.doctor.finding import FAIL, OK, WARN, Finding, Patient
from deploy.local.resubmission import SUBMITTING, WAITING, jobs_of
from logverse.errors import Refused
from logverse.flink import JobManager, root_cause

RUNNING = {"RUNNING", "FINISHED", "CANCELED"}
ENDED = {"FINISHED", "CANCELED", "FAILED"}
OLD_WARN_MS, OLD_FAIL_MS = 5 * 60_000, 30 * 60_000


def jobs(patient: Patient) -> Iterator[Finding]:
    if not patient.expected(patient.settings.jobmanager):
        return
    flink = JobManager.of(patient.settings)
    rows = flink.jobs()
    latest = {row["name"]: row for row in sorted(rows, key=lambda row: int(row["start-time"]))}  # older runs of a job are history
    for name, row in latest.items():
        yield _judged(name, row, flink)
    for job in jobs_of(patient.home):
        if job.job_id not in {row["jid"] for row in rows}:
            yield _absent(job.name, patient)
    if not any(row["state"] == "RUNNING" for row in rows):
        yield Finding(WARN, "no job runs, so nothing is detected", "logverse job submit detect")


def checkpoints(patient: Patient) -> Iterator[Finding]:
    """How old is the newest checkpoint of every running job? After a crash it goes on from there."""
    if not patient.expected(patient.settings.jobmanager):
        return
    flink = JobManager.of(patient.settings)
    for row in flink.jobs():
        if row["state"] == "RUNNING":
            yield checkpoint_finding(row["name"], _checkpoints(flink, row["jid"]), int(row["start-time"]), patient.now)


def checkpoint_finding(name: str, answer: dict[str, Any] | None, started: int, now: int) -> Finding:
    """`answer`: what Flink tells of the job's checkpoints, None when it makes none; times in milliseconds UTC."""
    if answer is None:
        return Finding(WARN, f"{name} makes no checkpoints: after a crash it starts anew", "switch checkpointing on in the job")
    last = (answer.get("latest") or {}).get("completed")
    age = now - int(last["latest_ack_timestamp"] if last else started)
    level = FAIL if age > OLD_FAIL_MS else WARN if age > OLD_WARN_MS else OK
    text = f"{name}: newest checkpoint {max(age, 0) // 1000} s old" if last else f"{name}: none yet, {age // 1000} s after its start"
    failed = (answer.get("latest") or {}).get("failed") or {}
    why = f"; the last failure: {failed['failure_message']}" if level != OK and failed.get("failure_message") else ""
    return Finding(
        level, text + why, "logverse job status; back-pressure or a full disk keep checkpoints from ending" if level != OK else ""
    )


def _absent(name: str, patient: Patient) -> Finding:
    """A job that this home wants running and the JobManager does not know."""
    coming: dict[str, Any] = next((one for one in patient.seen["jobs"] if one["job"] == name), {"state": "away", "why": ""})
    if coming["state"] in (WAITING, SUBMITTING):
        return Finding(
            WARN,
            f"{name} does not run yet: its submission is {'waiting' if coming['state'] == WAITING else 'under way'}",
            "logverse logs job-return",
        )
    why = f": {coming['why']}" if coming["why"] else ""
    return Finding(FAIL, f"{name} does not run{why}", "mend the cause, then logverse up tries again; or logverse job submit")


def _judged(name: str, row: dict[str, Any], flink: JobManager) -> Finding:
    stands = row["state"]
    if stands in RUNNING:
        return Finding(OK, f"{name} is {stands.lower()}")
    cause = _cause(flink.exceptions(row["jid"]))
    return Finding(
        FAIL if stands in ENDED else WARN, f"{name} is {stands.lower()}: {cause}", "logverse logs taskmanager; logverse job status"
    )


def _cause(answer: dict[str, Any]) -> str:
    entries = answer.get("exceptionHistory", {}).get("entries", [])
    return root_cause(entries[0]["stacktrace"]) if entries else "no exception recorded"


def _checkpoints(flink: JobManager, job_id: str) -> dict[str, Any] | None:
    try:
        return flink.checkpoints(job_id)
    except Refused:  # 404: checkpointing is off
        return None
