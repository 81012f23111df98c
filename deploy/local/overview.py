"""What `logverse status` tells: the supervisor's last word, checked against the processes that are really there."""

from __future__ import annotations

import time
from typing import Any

import psutil  # type: ignore[import-untyped]

from deploy.local import process, state
from deploy.local.home import Home
from deploy.local.life import FAILED, READY, STOPPED
from deploy.local.resubmission import jobs_of
from deploy.local.servers import KNOWN, SERVERS, extras
from deploy.local.state import ProcessState, StackState
from logverse.errors import Refused, TryAgain
from logverse.flink import JobManager
from logverse.instant import Millis

UNSUPERVISED = "unsupervised"  # it runs, and nobody would start it again
REST_S = 0.4


def look(home: Home, now: Millis) -> dict[str, Any]:
    """Everything about this stack as plain values: ready, supervisor, processes, jobs. `now`: milliseconds UTC.

    Process: name, kind, state, pid, address, uptime_s, restarts, memory_bytes (with what it has started), why, log.
    """
    said = state.read(home)
    pid = state.supervisor_pid(home)
    alive = _alive(home)
    servers = (SERVERS | extras(home)).values()
    known = said.processes or tuple(ProcessState(server.name, server.kind, log=str(home.log(server.name))) for server in servers)
    processes = [_seen(one, alive.get(one.name, []), pid is not None, now) for one in known]
    return {
        "home": str(home.path),
        "ready": bool(pid) and all(one["state"] == READY for one in processes),
        "supervisor": {"pid": pid, "memory_bytes": process.memory(psutil.Process(pid)) if pid else 0},
        "processes": processes,
        "jobs": _jobs(home, said, processes),
    }


def row(one: dict[str, Any]) -> dict[str, Any]:
    """A process as a line of the table."""
    return {
        "name": one["name"],
        "state": one["state"],
        "pid": one["pid"],
        "address": one["address"],
        "up": duration(one["uptime_s"]),
        "restarts": one["restarts"],
        "memory": f"{one['memory_bytes'] / 2**20:.0f} MiB" if one["memory_bytes"] else "",
        "log": one["log"],
    }


def remarks(home: Home, seen: dict[str, Any]) -> list[str]:
    """What the table does not say: why something is not ready, and what to do about it."""
    lines = [f"{one['name']} {one['state']}: {one['why']}" for one in seen["processes"] if one["why"] and one["state"] != READY]
    left = [one["name"] for one in seen["processes"] if one["state"] == UNSUPERVISED]
    if left:
        lines.append(f"the supervisor of {home.path} is gone and {', '.join(left)} still run → logverse up (or down)")
    elif not seen["supervisor"]["pid"]:
        lines.append(f"no stack is up in {home.path} → logverse up")
    down = [one["name"] for one in seen["processes"] if one["state"] == FAILED]
    failed = [name for name in down if name in KNOWN and KNOWN[name].gives_up]
    if tried := [name for name in down if name not in failed]:
        lines.append(f"{', '.join(tried)} will be tried again each minute: mend the cause (logverse doctor, logverse logs NAME)")
    if failed:
        lines.append(
            f"{', '.join(failed)} failed for good: mend the cause, then logverse up tries again (logverse doctor, logverse logs NAME)"
        )
    return lines


def duration(seconds: float | None) -> str:
    """
    >>> duration(59), duration(3_700), duration(200_000), duration(None)
    ('59s', '1h01m', '2d07h', '')
    """
    if seconds is None:
        return ""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d{hour:02d}h"
    return f"{hours}h{minute:02d}m" if hours else f"{minute}m{second:02d}s" if minutes else f"{second}s"


def _alive(home: Home) -> dict[str, list[psutil.Process]]:
    found: dict[str, list[psutil.Process]] = {}
    for name, one in process.marked(home):
        found.setdefault(name, []).append(one)
    return found


def _seen(said: ProcessState, alive: list[psutil.Process], supervised: bool, now: Millis) -> dict[str, Any]:
    main = next((one for one in alive if one.pid == said.pid), None)
    stands = said.state if supervised else UNSUPERVISED if alive else STOPPED
    return {
        "name": said.name,
        "kind": said.kind,
        "state": stands,
        "pid": main.pid if main else None,
        "address": said.address,
        "uptime_s": max(0, round(now / 1000 - main.create_time(), 1)) if main else None,
        "restarts": said.restarts,
        "memory_bytes": sum(process.memory(one) for one in alive),
        "why": said.why if stands != STOPPED else "",
        "log": said.log,
    }


def _jobs(home: Home, said: StackState, processes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The jobs this home wants running and what else the JobManager knows, newest first."""
    running = _running(home) if any(one["name"] == "jobmanager" and one["state"] == READY for one in processes) else []
    wanted = {job.job_id: job.name for job in jobs_of(home)}
    returning = {one.name: one for one in said.jobs}
    rows = [_job(wanted.get(one["jid"], one["name"]), one["state"].lower(), one["jid"], one["start-time"]) for one in running]
    for job_id, name in wanted.items():
        if job_id not in {one["jid"] for one in running}:
            coming = returning.get(name)
            rows.append(_job(name, coming.state if coming else "away", job_id, None, coming.why if coming else ""))
    return rows


def _running(home: Home) -> list[dict[str, Any]]:
    try:
        found = JobManager(home.address("jobmanager"), timeout_s=REST_S).jobs()
    except (TryAgain, Refused):
        return []
    return sorted(found, key=lambda one: -int(one["start-time"]))


def _job(name: str, stands: str, job_id: str, since: Millis | None, why: str = "") -> dict[str, Any]:
    up = duration(time.time() - since / 1000) if since else ""
    return {"job": name, "state": stands, "id": job_id, "up": up, "why": why}
