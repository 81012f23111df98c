"""Checks of Kafka, the embedded one or another: are the topics as they must be, and does its clock agree with ours?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from deploy import topics as kafka_topics
from deploy.doctor.finding import FAIL, OK, WARN, Finding, Patient

AHEAD_MS = 5_000  # detection bears less than its watermark delay without a word; so much shows in alerts' times


def topics(patient: Patient) -> Iterator[Finding]:
    if not patient.expected(patient.settings.bootstrap_servers):
        return
    found = kafka_topics.verify(patient.settings)
    for one in found:
        yield Finding(FAIL, f"{one.topic}: {one.problem}", one.remedy)
    if not found:
        yield Finding(OK, f"as they must be, at {patient.settings.bootstrap_servers}")


def clock(patient: Patient) -> Iterator[Finding]:
    """The file system's time and the newest append time of the log topics against this machine's clock; time zones play no part."""
    off_ms = _filesystem_ms() - int(time.time() * 1000)
    if abs(off_ms) > AHEAD_MS:
        yield Finding(WARN, f"the file system's clock is {off_ms / 1000:+.1f} s off ours", "synchronise both machines (NTP)")
    newest = kafka_topics.newest_append(patient.settings) if patient.expected(patient.settings.bootstrap_servers) else 0
    ahead_ms = newest - int(time.time() * 1000)
    if ahead_ms > AHEAD_MS:
        remedy = "synchronise both machines (NTP): the broker's append time decides what is from the future"
        yield Finding(FAIL, f"the broker's clock is {ahead_ms / 1000:.1f} s ahead of ours", remedy)
    elif abs(off_ms) <= AHEAD_MS:
        yield Finding(OK, "agrees with the broker's newest append time" if newest else "agrees with the file system's")


def _filesystem_ms() -> int:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b".")
        file.flush()
        return int(Path(file.name).stat().st_mtime * 1000)
