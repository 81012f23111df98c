"""Checks of the machine: is there what the stack is made of, and room for it?"""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from deploy.doctor.finding import FAIL, OK, WARN, Finding, Patient
from deploy.local import jars
from deploy.local.java import java_home, version
from logverse.flink import JobManager

GIB = 2**30
DISK_FAIL, DISK_WARN = 1 * GIB, 5 * GIB
STATE_WARN = 5 * GIB
MEMORY_DOWN = 5 * GIB  # what the servers and both jobs take
MEMORY_UP = GIB // 2


def java(_: Patient) -> Iterator[Finding]:
    home = java_home()
    yield Finding(OK, f"Java {version(home)} in {home}")


def jars_whole(_: Patient) -> Iterator[Finding]:
    """The cache against the lock, byte for byte."""
    for server, wanted in jars.lock().items():
        wrong = jars.damaged(wanted)
        absent = [jar for jar in wrong if not jar.path.exists()]
        for jar in wrong:
            if jar not in absent:
                yield Finding(FAIL, f"{jar.path} is not the jar of the lock", "logverse down, then logverse up fetches it again")
        if absent:
            yield Finding(
                WARN, f"{server}: {len(absent)} of {len(wanted)} jars are not in {jars.cache_folder()}", "logverse up fetches them"
            )
        if not wrong:
            yield Finding(OK, f"{server}: {len(wanted)} jars as the lock has them")


def versions(patient: Patient) -> Iterator[Finding]:
    """Does the Kafka connector belong to the Flink that is installed, and is that the Flink that runs?"""
    try:
        flink = importlib.metadata.version("apache-flink")
    except importlib.metadata.PackageNotFoundError:
        yield Finding(FAIL, "Flink is not installed in this Python", "pip install 'logverse[flink]'")
        return
    connector = jars.locked("flink")[0].coordinate.rpartition(":")[2]
    made_for = connector.rpartition("-")[2]
    if not flink.startswith(f"{made_for}."):
        yield Finding(FAIL, f"Flink {flink} with a Kafka connector for {made_for}", f"pip install 'apache-flink=={made_for}.*'")
    if any(one["name"] == "jobmanager" and one["state"] == "ready" for one in patient.processes):
        runs = JobManager(patient.home.address("jobmanager")).overview()["flink-version"]
        if runs != flink:
            yield Finding(WARN, f"Flink {runs} runs, {flink} is installed", "logverse down, then logverse up")
    yield Finding(OK, f"Python {platform.python_version()}, Flink {flink}, Kafka connector {connector}")


def disk(patient: Patient) -> Iterator[Finding]:
    place = next(path for path in (patient.home.path, *patient.home.path.parents) if path.exists())
    free = shutil.disk_usage(place).free
    level = FAIL if free < DISK_FAIL else WARN if free < DISK_WARN else OK
    remedy = "make room, or another --home: Kafka and the checkpoints stop when the disk is full" if level != OK else ""
    yield Finding(level, f"{free / GIB:.1f} GiB free at {place}", remedy)


def kept_state(patient: Patient) -> Iterator[Finding]:
    """What the jobs have written to go on from."""
    folders = [patient.home / name for name in ("checkpoints", "savepoints")]
    sizes = [size_of(folder) for folder in folders]
    text = f"{sum(sizes) / GIB:.1f} GiB of checkpoints and savepoints"
    if sum(sizes) > STATE_WARN:
        yield Finding(WARN, text, f"delete the savepoints that you do not need: {folders[1]}")
    else:
        yield Finding(OK, text)


def size_of(folder: Path) -> int:
    """Bytes of all files in it and below; what vanishes meanwhile counts nothing."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            size += path.lstat().st_size
    return size


def memory(patient: Patient) -> Iterator[Finding]:
    available = psutil.virtual_memory().available
    wanted = MEMORY_UP if patient.supervised else MEMORY_DOWN
    taken = sum(one["memory_bytes"] for one in patient.processes)
    text = f"{available / GIB:.1f} GiB available{f', the stack takes {taken / GIB:.1f} GiB' if taken else ''}"
    if available < wanted:
        yield Finding(WARN, text, f"free some: the stack wants {wanted / GIB:.1f} GiB available")
    else:
        yield Finding(OK, text)
