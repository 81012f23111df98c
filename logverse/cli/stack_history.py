"""What `up` and `doctor` do about the history: the two verbs know it only from here, and alerts do not wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from logverse.cli.output import printable
from logverse.cli.schema import run_name
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.instant import now
from logverse.settings import Settings

if TYPE_CHECKING:
    from deploy.doctor.finding import Check, Finding, Patient


def history_behind(wait: Callable[[], None], embedded: Settings) -> str:
    """Wait for the stores and bring their schemas to this version; why that was not to be, empty when all is well.

    Those that the settings name, and whichever else this stack has: one may be asked for it for a single command.
    """
    try:
        wait()
        from storage.stores import SCHEMAS

        for name, schema_of in SCHEMAS.items():
            if getattr(embedded, f"{name}_hosts", ""):
                with schema_of(embedded) as schema:
                    schema.migrate("", run_name(), _said, time.sleep, now)
    except (TryAgain, Refused, WrongSettings) as error:
        return str(error)
    return ""


def extras_behind(wait: Callable[[], None]) -> str:
    """Wait for what was asked for with --with; why that was not to be, empty when all is well."""
    try:
        wait()
    except (TryAgain, Refused) as error:
        return str(error)
    return ""


def _said(line: str) -> None:
    click.echo(f"history: {printable(line)}", err=True)


def cassandra(patient: Patient) -> Iterator[Finding]:
    """Does it answer, is it new enough, and are its tables those of this version?"""
    return _store(patient, "cassandra")


def mongodb(patient: Patient) -> Iterator[Finding]:
    """The same of MongoDB, where there is one."""
    return _store(patient, "mongodb")


def _store(patient: Patient, name: str) -> Iterator[Finding]:
    from deploy.doctor.finding import FAIL, OK, Finding
    from storage.stores import SCHEMAS

    where = getattr(patient.settings, f"{name}_hosts")
    if not patient.expected(where):
        return
    with SCHEMAS[name](patient.settings) as schema:
        seen = schema.seen()
        size = schema.mebibytes()
    if seen["pending"]:
        text, _, remedy = "; ".join(seen["pending"]).partition("\n  → ")
        yield Finding(FAIL, f"{name} {seen['keyspace']} waits for {text}", remedy or f"LOGVERSE_STORE={name} logverse schema migrate")
    else:
        text = f"{seen['server']} at {where}, {seen['keyspace']} as it must be"
        yield Finding(OK, f"{text}, {size / 1024:.1f} GiB on the node that answers")


CHECKS: dict[str, Check] = {"cassandra": cassandra, "mongodb": mongodb}
