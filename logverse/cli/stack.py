"""`logverse up | down | status | doctor | logs`: the embedded stack of the home folder."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from logverse import settings
from logverse.cli.output import echo_json, echo_rows, output_option, printable
from logverse.errors import Refused, WrongSettings
from logverse.settings import Settings

if TYPE_CHECKING:
    from deploy.local.home import Home

NEXT = """\
next:
  logverse rules apply                                     the default rules
  logverse job submit detect                               the job that watches the logs
  logverse produce /var/log/nginx/access.log --service web your own log
  logverse status · logverse doctor · logverse logs NAME   how it is doing
  logverse down                                            stop it; its data stays"""


@click.command()
@click.option("--with", "more", multiple=True, metavar="EXTRA", help="Run this too, from now on: hdfs, for backups; mongodb.")
@click.option("--without", "less", multiple=True, metavar="EXTRA", help="Run it no longer; its data stays.")
@click.pass_obj
def up(flags: dict[str, str | None], more: tuple[str, ...], less: tuple[str, ...]) -> None:
    """Start Kafka, Cassandra and Flink on this machine and keep them running.

    Everything lies in one folder (--home, default ~/.logverse) and listens on loopback only. A supervisor stays behind: it restarts
    what dies, brings jobs back from their newest checkpoint, and goes on with the same data after a reboot. Run it again at any time.
    Alerts wait for Kafka and Flink only: should Cassandra, which keeps the history, not come up, all the rest does.
    MongoDB is here a stand-in that speaks its protocol, to try it out; setting `store` says where history goes.

    \b
    Example:  logverse up
              logverse up --with hdfs             HDFS beside them, for backups
              logverse --home ~/second up         a second stack beside it
    """
    from deploy.local import stack
    from deploy.topics import create
    from logverse.cli.stack_history import extras_behind, history_behind
    from logverse.cli.stack_progress import jars_progress, states_progress

    home, found = _home(flags)
    was_up = stack.is_up(home)
    if not was_up or more or less:
        with jars_progress() as told:
            stack.begin(home, lambda line: click.echo(f"note: {printable(line)}", err=True), told, more, less)
        with states_progress() as show:
            stack.wait_ready(home, show, stack.ALERT_PATH)
            made = create(_embedded(home, found))
            behind = history_behind(lambda: stack.wait_ready(home, show, stack.store_names(home)), _embedded(home, found))
            missed = extras_behind(lambda: stack.wait_ready(home, show, stack.extra_names(home)))
    else:
        made, behind, missed = create(_embedded(home, found)), history_behind(lambda: None, _embedded(home, found)), ""
    click.echo(f"{'already up' if was_up else 'up'}: {', '.join(_addresses(home))}{f'; {len(made)} topics created' if made else ''}")
    if behind or missed:
        raise Refused("\n".join([*([f"all but the history is up; {behind}"] if behind else []), *([missed] if missed else [])]))
    if not was_up:
        click.echo(NEXT)


@click.command()
@click.option("--wipe", is_flag=True, help="Delete the data, logs and checkpoints of this home too.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@click.pass_obj
def down(flags: dict[str, str | None], wipe: bool, yes: bool) -> None:
    """Stop the embedded stack: services, then Flink, then Cassandra and Kafka. Its data stays, unless you say --wipe.

    \b
    Example:  logverse down
              logverse down --wipe
    """
    from deploy.local import stack
    from logverse.cli.stack_progress import states_progress

    home, _ = _home(flags)
    if wipe:
        stack.may_wipe(home)
    if wipe and not yes:
        click.confirm(f"Delete all topics, history, checkpoints and logs in {home.path}?", abort=True)
    with states_progress("stopped") as show:
        ran = stack.down(home, show)
    if wipe:
        stack.wipe(home)
    click.echo(("down" if ran else "nothing was running") + ("; wiped" if wipe else ""))


@click.command()
@output_option
@click.pass_obj
def status(flags: dict[str, str | None], output: str) -> int:
    """What runs, where, since when. Exit code 0 when all of it is ready, 1 otherwise.

    \b
    Example:  logverse status
              logverse status -o json | jq '.processes[] | select(.state != "ready")'
    """
    from deploy.local import overview

    home, _ = _home(flags)
    seen = overview.look(home, int(time.time() * 1000))
    if output == "json":
        echo_json(seen)
    else:
        echo_rows([overview.row(one) for one in seen["processes"]], output, empty="")
        if seen["jobs"]:
            click.echo()
            echo_rows(seen["jobs"], output)
        for line in overview.remarks(home, seen):
            click.echo(printable(line))
    return 0 if seen["ready"] else 1


@click.command()
@output_option
@click.pass_obj
def doctor(flags: dict[str, str | None], output: str) -> int:
    """Check this machine and the stack; each finding with its remedy. Exit code 1 when something is broken.

    Works whether the stack is up or not, and against a Kafka, Flink or Cassandra of your own (--bootstrap-servers,
    LOGVERSE_JOBMANAGER, LOGVERSE_CASSANDRA_HOSTS).
    """
    from deploy.doctor import examine
    from logverse.cli.stack_history import CHECKS

    home, found = _home(flags)
    findings = examine(home, found, CHECKS)
    if output == "json":
        echo_json(findings)
    else:
        for one in findings:
            _echo_finding(one)
    return 1 if any(one["level"] == "fail" for one in findings) else 0


@click.command()
@click.argument("name", default="")
@click.option("-n", "--lines", type=click.IntRange(1), default=50, show_default=True, help="Lines from the end.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on.")
@click.pass_obj
def logs(flags: dict[str, str | None], name: str, lines: int, follow: bool) -> None:
    """Show the log of one of the processes.

    \b
    Example:  logverse logs kafka --lines 20
              logverse logs taskmanager --follow
    """
    from deploy.local import logfile

    home, _ = _home(flags)
    names = sorted(path.stem for path in (home / "logs").glob("*.log"))
    if name not in names:
        raise click.UsageError(
            f"{f'no log of {name!r}' if name else 'which one?'}: {', '.join(names) or 'there are none yet (logverse up)'}"
        )
    for line in logfile.tail(home.log(name), lines):
        click.echo(printable(line))
    for line in logfile.follow(home.log(name), time.sleep) if follow else ():
        click.echo(printable(line))
        sys.stdout.flush()


def _home(flags: dict[str, str | None]) -> tuple[Home, Settings]:
    from deploy.local.home import Home

    for module in ("psutil", "pyflink"):
        if not importlib.util.find_spec(module):
            raise WrongSettings(f"the embedded stack needs {module}, which is not installed", remedy="pip install 'logverse[flink]'")

    found = settings.load(flags)
    return Home(found.home_path), found


def _embedded(home: Home, found: Settings) -> Settings:
    """The settings with the addresses of this home's own servers, whatever the user's say."""
    there = settings.embedded_endpoints(home.path)
    open_door = replace(
        found, security_protocol="PLAINTEXT", cassandra_username="", cassandra_ca_file="", mongodb_username="", mongodb_ca_file=""
    )
    stores = {f"{name}_hosts": there.get(name, "") for name in settings.STORES}
    return replace(open_door, bootstrap_servers=there["kafka"], **stores)


def _addresses(home: Home) -> list[str]:
    return [f"{name} {address}" for name, address in settings.embedded_endpoints(home.path).items()]


def _echo_finding(one: dict[str, Any]) -> None:
    color = {"ok": "green", "warn": "yellow", "fail": "red"}[one["level"]]
    click.echo(f"{click.style(one['level'].ljust(4), fg=color)}  {one['check'].ljust(12)}  {printable(one['text'])}")
    if one["remedy"]:
        click.echo(f"{' ' * 20}→ {printable(one['remedy'])}")
