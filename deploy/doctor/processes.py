"""Checks of the stack's processes: do they run, on their ports, watched by somebody?"""

from __future__ import annotations

from collections.abc import Iterator

from deploy.doctor.finding import FAIL, OK, WARN, Finding, Patient
from deploy.local import ports, state
from deploy.local.home import read_json
from deploy.local.overview import UNSUPERVISED

SILENT_MS = 30_000


def supervisor(patient: Patient) -> Iterator[Finding]:
    left = [one["name"] for one in patient.processes if one["state"] == UNSUPERVISED]
    if left:
        yield Finding(FAIL, f"the supervisor is gone and {', '.join(left)} still run", "logverse up (or logverse down)")
    elif not patient.supervised:
        yield Finding(
            WARN, f"no stack is up in {patient.home.path}: its topics, clock, jobs and checkpoints were not looked at", "logverse up"
        )
    elif patient.now - (at := state.read(patient.home).at) > SILENT_MS:
        remedy = f"logverse logs supervisor; kill {patient.seen['supervisor']['pid']}, then logverse up"
        yield Finding(FAIL, f"the supervisor has not looked after anything for {(patient.now - at) // 1000} s", remedy)
    else:
        yield Finding(OK, f"alive, process {patient.seen['supervisor']['pid']}")


def all_ready(patient: Patient) -> Iterator[Finding]:
    if not patient.supervised:
        return
    for one in patient.processes:
        remedy = f"logverse logs {one['name']}"
        if one["state"] != "ready":
            level = WARN if one["state"] == "starting" else FAIL
            yield Finding(level, f"{one['name']} is {one['state']}: {one['why'] or 'no reason given'}", remedy)
        elif one["restarts"]:
            yield Finding(WARN, f"{one['name']} is ready, after {one['restarts']} restarts", remedy)
        else:
            yield Finding(OK, f"{one['name']} is ready")


def ports_owned(patient: Patient) -> Iterator[Finding]:
    """Up: does somebody answer on every port? Down: has a stranger taken one?"""
    kept = {use: port for use, port in read_json(patient.home / "ports.json").items() if isinstance(port, int)}
    running = any(one["pid"] for one in patient.processes)
    for use, port in kept.items():
        if running and not ports.answers(port):
            yield Finding(FAIL, f"nobody answers on port {port} ({use})", f"logverse logs {use.partition('-')[0]}")
        if not running and not ports.is_free(port):
            yield Finding(WARN, f"port {port} ({use}) is taken by another program", "logverse up chooses another one")
    listed = ", ".join(f"{use} {port}" for use, port in kept.items())
    yield Finding(OK, f"kept for this home: {listed}" if kept else "none chosen yet")
