"""`logverse schema migrate | status`: the tables of the history in its stores."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from logverse import settings
from logverse.cli.output import echo_json, echo_rows, output_option, printable
from logverse.instant import now

if TYPE_CHECKING:
    from storage.schema.schema import Step


@click.group()
def schema() -> None:
    """The tables of the history in the stores that setting `store` names: Cassandra, MongoDB, the embedded ones or yours.

    \b
    Example:  logverse schema status
              logverse schema migrate --dry-run
              LOGVERSE_CASSANDRA_HOSTS=db1:9042,db2:9042 logverse schema migrate --replication dc1=3
              LOGVERSE_STORE=mongodb logverse schema migrate
    """


@schema.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--replication", "copies", metavar="DC=N,…", default="", help="Copies in each data centre, for a keyspace yet to be made.")
@output_option
@click.pass_obj
def migrate(flags: dict[str, str | None], dry_run: bool, copies: str, output: str) -> None:
    """Bring the tables to what this version works with, and their times to live to the settings keep_….

    Repeatable: what is there already stays, what was interrupted is mended by running it again, and two at once do no harm. The
    keyspace is made where it is missing. A shorter time to live holds in Cassandra for what is written from now on, in MongoDB for all.

    \b
    Example:  logverse schema migrate
              logverse schema migrate --dry-run
              logverse schema migrate --replication dc1=3,dc2=3
    """
    from storage.stores import SCHEMAS, chosen

    found, done = settings.load(flags), []
    for name in chosen(found):
        with SCHEMAS[name](found) as there:
            wanted = copies if name == "cassandra" else ""  # MongoDB's replica set copies by itself
            steps = there.steps(wanted) if dry_run else there.migrate(wanted, run_name(), _said(output), time.sleep, now)
        done.append({"store": name, "keyspace": there.keyspace, "dry_run": dry_run, "steps": [_plain(step) for step in steps]})
        if output != "json":
            _show(name, there.keyspace, steps, dry_run)
    if output == "json":
        echo_json(done[0] if len(done) == 1 else {"stores": done})


def _show(store: str, keyspace: str, steps: list[Step], dry_run: bool) -> None:
    for step in steps if dry_run else ():
        click.echo(f"-- {printable(step.about)}")
        for statement in step.statements:
            click.echo(f"{printable(statement)};")
    outcome = "would be done" if dry_run else "done"
    click.echo(f"{store} {keyspace}: {len(steps)} steps {outcome}" if steps else f"{store} {keyspace}: all is as it must be")


@schema.command()
@output_option
@click.pass_obj
def status(flags: dict[str, str | None], output: str) -> int:
    """How far the tables are: each migration, and what is left to do. Exit code 1 when something is.

    \b
    Example:  logverse schema status
              logverse schema status -o json | jq .pending
    """
    from storage.stores import SCHEMAS, chosen

    found, all_seen = settings.load(flags), []
    for name in chosen(found):
        with SCHEMAS[name](found) as there:
            all_seen.append({"store": name} | there.seen())
    pending = [line for seen in all_seen for line in seen["pending"]]
    if output == "json":
        echo_json(all_seen[0] if len(all_seen) == 1 else {"pending": pending, "stores": all_seen})
        return 1 if pending else 0
    for seen in all_seen:
        echo_rows(seen["migrations"], output)
        for line in seen["pending"]:
            click.echo(f"to do: {printable(line)}")
        where = getattr(found, f"{seen['store']}_hosts")
        outcome = "→ logverse schema migrate" if seen["pending"] else "all is as it must be"
        click.echo(f"{seen['keyspace']} at {printable(where)}, {printable(seen['server'])}: {outcome}")
    return 1 if pending else 0


def run_name() -> str:
    """Tells this run from all others, to whoever waits for it."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def _said(output: str) -> Callable[[str], None]:
    return lambda line: click.echo(printable(line), err=output == "json")


def _plain(step: Step) -> dict[str, Any]:
    return {"about": step.about, "statements": list(step.statements)}
