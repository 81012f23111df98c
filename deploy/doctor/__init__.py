"""`logverse doctor`: looks at this machine and at the stack. To add a check: one function in a file beside this, one line below."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from deploy.doctor import cluster, kafka, machine, processes
from deploy.doctor.finding import FAIL, Check, Finding, Patient
from deploy.local import overview
from deploy.local.home import Home
from logverse.errors import Malformed, Refused, TryAgain, WrongSettings
from logverse.settings import Settings

CHECKS: dict[str, Check] = {
    "java": machine.java,
    "jars": machine.jars_whole,
    "versions": machine.versions,
    "disk": machine.disk,
    "state": machine.kept_state,
    "memory": machine.memory,
    "ports": processes.ports_owned,
    "supervisor": processes.supervisor,
    "processes": processes.all_ready,
    "topics": kafka.topics,
    "clock": kafka.clock,
    "jobs": cluster.jobs,
    "checkpoints": cluster.checkpoints,
}


def examine(home: Home, settings: Settings, more: Mapping[str, Check]) -> list[dict[str, Any]]:
    """Every finding of every check: check, level (ok, warn, fail), text, remedy. `more` are checks of what this package may not know."""
    now = int(time.time() * 1000)
    patient = Patient(home, settings, overview.look(home, now), now)
    return [{"check": name, **asdict(found)} for name, check in {**CHECKS, **more}.items() for found in outcome(check, patient)]


def outcome(check: Check, patient: Patient) -> Iterator[Finding]:
    """What a check finds; that it could not look is a finding too."""
    try:
        yield from check(patient)
    except WrongSettings as error:
        yield Finding(FAIL, f"{error.where}: {error.problem}" if error.where else error.problem, error.remedy)
    except (TryAgain, Refused, Malformed) as error:
        text, _, remedy = str(error).partition("\n  → ")
        yield Finding(FAIL, text, remedy or "logverse status, logverse logs NAME")
