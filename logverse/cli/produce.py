"""`logverse produce`: log files on their way to Kafka."""

from __future__ import annotations

import re
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logverse import durations, settings
from logverse.cli.output import echo_json, output_option
from logverse.errors import WrongSettings
from logverse.printable import printable
from logverse.settings import Settings
from logverse.topics import named

if TYPE_CHECKING:
    from producers.account import Account
    from producers.run import Order

_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--service", required=True, metavar="NAME", help="The service whose lines these are, unless a JSON line says another.")
@click.option("--type", "log_type", default="auto", show_default=True, metavar="FORM", help="Form of the lines: auto, access or json.")
@click.option("--no-follow", is_flag=True, help="Read to the end, wait until everything has arrived, print the account, exit.")
@click.option("--poll", default="200ms", show_default=True, metavar="SPAN", help="How often quiet files are looked at.")
@click.option("--host", metavar="NAME", help="The host that wrote the files.  [default: the checkpoint's, else this one]")
@click.option("--watermark-delay", default="1s", show_default=True, metavar="SPAN", help="What the detect job allows: warn beyond it.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), metavar="PORT", help="Prometheus metrics at 127.0.0.1:PORT/metrics.")
@click.option("--checkpoint", metavar="FILE", help="Memory of what has arrived.  [default: HOME/producers/SERVICE.json]")
@click.option("--detach", is_flag=True, help="Leave it to the supervisor of `logverse up`, which keeps it running.")
@output_option
@click.pass_context
def produce(
    ctx: click.Context, files: tuple[str, ...], service: str, log_type: str, no_follow: bool, poll: str, host: str | None,
    watermark_delay: str, metrics_port: int | None, checkpoint: str | None, detach: bool, output: str,
) -> None:  # fmt: skip
    """Send the lines of log files to Kafka as events, and follow the files as they grow.

    FILE may be a name, a glob in quotes, a file that does not exist yet, or a .gz or .zst, which is read once. Files are
    followed through rotation (renamed, or copied and emptied). What has arrived is remembered: a new start, also after
    a crash, goes on there, and what is sent twice has the same id. Lines that are no events go to topic logs.dlq.

    \b
    Forms of line
      access   nginx, Apache: combined or common; after the user agent 0.123 is seconds, 123456 microseconds
      json     one object a line, OpenTelemetry's or ECS's names, nested or dotted

    \b
    Examples:
      logverse produce /var/log/nginx/access.log --service web
      logverse produce '/var/log/app/*.json' --service shop --metrics-port 9108
      logverse produce 'access.log*' --service web --no-follow
      logverse produce /var/log/nginx/access.log --service web --detach
    """
    from producers import run
    from producers.parsers import PARSERS

    if not _SERVICE.fullmatch(service):
        raise WrongSettings(
            f"{printable(service)!r} is no name", where="--service", remedy="letters, digits, `.`, `_`, `-`; like web-frontend"
        )
    if log_type not in ("auto", *PARSERS):
        raise WrongSettings(f"no form {printable(log_type)!r}", where="--type", remedy=f"one of auto, {', '.join(PARSERS)}")
    in_force = settings.load(ctx.obj)
    name = named(service, in_force.topic_prefix)
    memory = Path(checkpoint) if checkpoint else in_force.home_path / "producers" / f"{name}.json"
    order = run.Order(
        files, service, host, log_type, not no_follow, durations.given(poll, "--poll", least=10) / 1000,
        durations.given(watermark_delay, "--watermark-delay", least=1) / 1000, metrics_port, memory,
    )  # fmt: skip
    if detach:
        return _detach(in_force, f"produce-{name}", ctx, replace(order, checkpoint=order.checkpoint.absolute()))
    account, arrived = run.produce(in_force, order, sys.stderr)
    _report(account, arrived, order, output)
    sys.exit(0 if order.follow or (arrived and not account.problems) else 1)


def _report(account: Account, arrived: bool, order: Order, output: str) -> None:
    if output == "json":
        return echo_json({"service": order.service, "arrived": arrived, "checkpoint": str(order.checkpoint), **account.to_dict()})
    dead = account.dead_letters
    click.echo(f"{account.lines:,} lines read: {account.events:,} events, {dead.total():,} dead letters, {account.blank:,} blank")
    for reason, count in dead.most_common():
        click.echo(f"  {count:,} × {reason} → logs.dlq")
    if account.lines_without_time:
        click.echo(f"  {account.lines_without_time:,} lines without a time that is understood: they have that of the line before")
    for path, offset in account.resumed_at.items():
        click.echo(f"  resumed {printable(path)} at byte {offset:,}")
    for problem in account.problems:
        click.echo(f"  {printable(problem)}")
    click.echo(
        f"checkpoint: {printable(order.checkpoint)}" + ("" if arrived else "; not everything has arrived: start again to send the rest")
    )


def _detach(in_force: Settings, name: str, ctx: click.Context, order: Order) -> None:
    """Write down what to run where the supervisor looks."""
    import orjson

    if not order.follow:
        raise WrongSettings("--detach follows files, --no-follow ends", where="--detach", remedy="leave one of them out")
    arguments = [
        *_flags(in_force, ctx.obj), "produce", *(str(Path(file).absolute()) for file in order.files),
        "--service", order.service, "--type", order.log_type, *([] if order.host is None else ["--host", order.host]),
        "--poll", f"{order.poll_s * 1000:.0f}ms", "--watermark-delay", f"{order.watermark_delay_s:g}s",
        "--checkpoint", str(order.checkpoint),
        *([] if order.metrics_port is None else ["--metrics-port", str(order.metrics_port)]),
    ]  # fmt: skip
    path = in_force.home_path / "services" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps({"name": name, "arguments": arguments}, option=orjson.OPT_INDENT_2))
    draft.replace(path)
    running = (in_force.home_path / "run" / "supervisor.pid").exists()
    click.echo(f"{name} is the supervisor's now: it {'starts at once' if running else 'starts with `logverse up`'} and is kept running")
    click.echo(f"  see it: logverse logs {name}\n  end it: rm {path}")


def _flags(in_force: Settings, flags: dict[str, str | None]) -> list[str]:
    """Global flags that bring about the settings in force where neither our flags nor our environment are there."""
    without = settings.load({"home": in_force.home}, {})
    differing = [item.name for item in fields(Settings) if getattr(in_force, item.name) != getattr(without, item.name)]
    lost = [name for name in differing if name not in (*flags, "home", "jobmanager")]
    if lost:
        raise WrongSettings(
            f"{', '.join(lost)} would not reach the supervisor's processes",
            where="--detach",
            remedy=f"put into {in_force.home_path / 'logverse.yaml'} what is in the environment: lines of NAME: VALUE",
        )
    wanted = [name for name in flags if name != "home" and (name in differing or flags[name])]
    return [part for name in wanted for part in (f"--{name.replace('_', '-')}", getattr(in_force, name))]
