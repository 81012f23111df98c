"""`logverse produce`: log files, standard input, listeners and topics on their way to Kafka."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, settings
from logverse.cli.output import echo_json, output_option
from logverse.cli.produce_status import status
from logverse.errors import WrongSettings
from logverse.printable import printable
from logverse.settings import Settings
from logverse.topics import named

if TYPE_CHECKING:
    from producers.account import Account
    from producers.masking.policy import Policy
    from producers.order import InputOrder, Order, Tls

_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


class _Produce(click.Command):
    """`produce status` is another command; anything else is something to read."""

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        if args[:1] == ["status"]:
            return status.make_context(f"{info_name} status", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=_Produce)
@click.argument("files", metavar="FILE|-|ADDRESS...", nargs=-1)
@click.option("--service", metavar="NAME", help="The service whose lines these are, unless a line says another.")
@click.option("--type", "log_type", default="auto", show_default=True, metavar="FORM", help="Form of the lines: auto, access, json, …")
@click.option("--timezone", default="", metavar="ZONE", help="Of times that name none, like Europe/Berlin.  [default: UTC]")
@click.option("--year", type=click.IntRange(1970, 9999), help="Of the first line, where lines name none.  [default: by the file's age]")
@click.option("--no-follow", is_flag=True, help="Read to the end, wait until everything has arrived, print the account, exit.")
@click.option("--poll", default="200ms", show_default=True, metavar="SPAN", help="How often quiet files are looked at.")
@click.option("--host", metavar="NAME", help="The host that wrote the files.  [default: the checkpoint's, else this one]")
@click.option("--watermark-delay", default="1s", show_default=True, metavar="SPAN", help="What the detect job allows: warn beyond it.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), metavar="PORT", help="Prometheus metrics at 127.0.0.1:PORT/metrics.")
@click.option("--checkpoint", metavar="FILE", help="Memory of what has arrived.  [default: HOME/producers/SERVICE.json]")
@click.option("--shape", default="auto", metavar="NAME|FILE", help="kafka://: whose JSON it is, or a YAML file of your field names.")
@click.option("--group", default="", metavar="NAME", help="kafka://: the consumer group.  [default: logverse-SERVICE]")
@click.option("--tls", nargs=2, metavar="CERT KEY", help="PEM files of a listener: syslog+tls:// needs them, otlp:// may have them.")
@click.option("--client-ca", metavar="FILE", help="Let in only clients with a certificate of this authority (PEM).")
@click.option("--from", "senders", multiple=True, metavar="NETWORK", help="Listeners: who may send, like 10.0.0.0/8; repeat for more.")
@click.option("--masking", metavar="FILE|default", help="What must not leave this host: logverse masking --help.")
@click.option("--config", metavar="FILE", help="Several inputs, from a producers.yaml; it is read again when it changes.")
@click.option("--detach", is_flag=True, help="Leave it to the supervisor of `logverse up`, which keeps it running.")
@output_option
@click.pass_context
def produce(ctx: click.Context, /, files: tuple[str, ...], config: str | None, detach: bool, output: str, **given: Any) -> None:
    """Send log lines to Kafka as events: of files that are followed as they grow, of a pipe, of senders, of a topic.

    FILE may be a name, a glob in quotes, a file that does not exist yet, or a .gz or .zst, which is read once. Files are
    followed through rotation (renamed, or copied and emptied). What has arrived is remembered: a new start, also after
    a crash, goes on there, and what is sent twice has the same id. Lines that are no events go to topic logs.dlq.

    \b
    Forms of line (--type; auto looks at the first lines)
      access   nginx, Apache: combined or common; after the user agent 0.123 is seconds, 123456 microseconds
      json     one object a line, OpenTelemetry's or ECS's names, nested or dotted
      …        all of them: logverse parse --help; a form of your own: a YAML file, ./orders.yaml

    \b
    Addresses: who sends is not heard again, so what is lost is counted and said
      -                               standard input, to its end
      syslog://127.0.0.1:1514         UDP and TCP; syslog+udp://, syslog+tcp://, syslog+tls:// for one of them
      otlp://127.0.0.1:4318           OpenTelemetry over HTTP; otlp+grpc://127.0.0.1:4317 over gRPC. Answered once Kafka has it
      kafka://TOPIC                   JSON that others wrote; --shape ecs, otel, nginx-json, kubernetes, vector, fluent-bit
    A listener is for this machine only, unless its address says more: syslog://0.0.0.0:1514 with --from 10.0.0.0/8.

    \b
    Examples:
      logverse produce /var/log/nginx/access.log --service web
      logverse produce '/var/log/app/*.json' --service shop --metrics-port 9108
      logverse produce 'access.log*' --service web --no-follow
      kubectl logs -f deploy/shop | logverse produce - --service shop
      logverse produce syslog+tls://0.0.0.0:6514 --service hosts --tls server.pem server.key
      logverse produce app.log --service shop --masking default
      logverse produce --config producers.yaml
      logverse produce /var/log/nginx/access.log --service web --detach
      logverse produce status
    """
    from producers import run

    in_force = settings.load(ctx.obj)
    order = _configured(in_force, config, files, given) if config else _ordered(in_force, files, given)
    if detach:
        from logverse.cli.produce_detach import detach as leave

        return leave(in_force, ctx, order)
    accounts, arrived = run.produce(in_force, order, sys.stderr)
    _report(accounts, arrived, order, output)
    sys.exit(0 if order.follow or (arrived and not any(account.problems for account in accounts.values())) else 1)


def _configured(in_force: Settings, config: str, files: tuple[str, ...], given: Mapping[str, Any]) -> Order:
    from producers import configuration, status

    ctx = click.get_current_context()
    here = [name for name in given if ctx.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE]
    if files or here:
        raise WrongSettings(
            "stands beside others", where="--config", remedy=f"put into the file what is beside it: {', '.join((*files, *here))}"
        )
    path, home, prefix = Path(config).absolute(), in_force.home_path, in_force.topic_prefix
    return configuration.read(path, home, status.place(home, named(path.stem, prefix)), prefix)


def _ordered(in_force: Settings, files: tuple[str, ...], given: Mapping[str, Any]) -> Order:
    from producers import forms, status
    from producers.assembly import memory
    from producers.order import InputOrder, Order
    from producers.parsers.local_time import zone_named
    from producers.run import listens

    if not files:
        raise WrongSettings("nothing to read", where="FILE", remedy="logverse produce /var/log/nginx/access.log --service web")
    service = given["service"]
    if service is None or not _SERVICE.fullmatch(service):
        problem = "is missing" if service is None else f"{printable(service)!r} is no name"
        raise WrongSettings(problem, where="--service", remedy="letters, digits, `.`, `_`, `-`; like web-frontend")
    forms.check(given["log_type"], "--type")
    zone_named(given["timezone"] or "UTC")
    name = named(service, in_force.topic_prefix)
    checkpoint = Path(given["checkpoint"]) if given["checkpoint"] else memory(in_force.home_path, name)
    one = InputOrder(
        service, service, files, checkpoint, given["log_type"], given["host"], _tls(given), *_shaped(given["shape"]), given["group"],
        _senders(given["senders"]), _policy(given["masking"]), given["timezone"], given["year"],
    )  # fmt: skip
    order = Order(
        service, (one,), not given["no_follow"], durations.given(given["poll"], "--poll", least=10) / 1000,
        durations.given(given["watermark_delay"], "--watermark-delay", least=1) / 1000, given["metrics_port"],
        status.place(in_force.home_path, name),
    )  # fmt: skip
    if given["no_follow"] and listens(order):
        raise WrongSettings("what is sent has no end", where="--no-follow", remedy="leave it out; Ctrl-C ends it")
    return order


def _tls(given: Mapping[str, Any]) -> Tls | None:
    from producers.order import Tls

    if given["client_ca"] and not given["tls"]:
        raise WrongSettings("needs a certificate of our own", where="--client-ca", remedy="--tls server.pem server.key")
    client_ca = Path(given["client_ca"]) if given["client_ca"] else None
    return Tls(Path(given["tls"][0]), Path(given["tls"][1]), client_ca) if given["tls"] else None


def _shaped(shape: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A shape that is known by name, or the field map of a file."""
    from producers.shapes import field_map

    return ("auto", field_map(Path(shape))) if "/" in shape or "." in shape else (shape, ())


def _policy(name: str | None) -> Policy | None:
    from producers.masking.policy import named_policy

    return None if name is None else named_policy(name, Path())


def _senders(networks: tuple[str, ...]) -> tuple[str, ...]:
    import ipaddress

    try:
        return tuple(str(ipaddress.ip_network(text, strict=False)) for text in networks)
    except ValueError as error:
        raise WrongSettings(str(error), where="--from", remedy="--from 10.0.0.0/8 --from 192.168.7.4") from None


def _report(accounts: dict[str, Account], arrived: bool, order: Order, output: str) -> None:
    inputs = {one.name: one for one in order.inputs}
    if output == "json":
        rows = [_row(inputs[name], account, arrived) for name, account in accounts.items() if name in inputs]
        return echo_json(rows[0] if rows and order.config is None else rows)
    for name, account in accounts.items():
        _say(account, prefix="" if order.config is None else f"{name}: ")
    for one in order.inputs if order.config is None else ():
        click.echo(
            f"checkpoint: {printable(one.checkpoint)}" + ("" if arrived else "; not everything has arrived: start again to send the rest")
        )


def _row(one: InputOrder, account: Account, arrived: bool) -> dict[str, Any]:
    return {"input": one.name, "service": one.service, "arrived": arrived, "checkpoint": str(one.checkpoint), **account.to_dict()}


def _say(account: Account, prefix: str) -> None:
    dead = account.dead_letters
    joined = f", {account.joined:,} joined to the line before" if account.joined else ""
    counts = f"{account.events:,} events, {dead.total():,} dead letters, {account.blank:,} blank{joined}"
    click.echo(f"{prefix}{account.lines:,} lines read: {counts}")
    for reason, count in dead.most_common():
        click.echo(f"  {count:,} × {reason} → logs.dlq")
    if account.masked:
        click.echo(f"  masked: {', '.join(f'{count:,} × {kind}' for kind, count in account.masked.most_common())}")
    for reason, count in account.lost.most_common():
        click.echo(f"  {count:,} lost: {reason}")
    if account.lines_without_time:
        click.echo(f"  {account.lines_without_time:,} lines without a time that is understood: they have that of the line before")
    for path, offset in account.resumed_at.items():
        click.echo(f"  resumed {printable(path)} at byte {offset:,}")
    for problem in account.problems:
        click.echo(f"  {printable(problem)}")
