"""`logverse alerts list | show | mark | deliver`: what fires, why, what people say of it, and who is told."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse import durations
from logverse import settings as settings_
from logverse.cli.alerts_mark import mark, marks, values
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.errors import WrongSettings
from logverse.printable import printable

if TYPE_CHECKING:
    from alerting.notification_log import Record
    from logverse.settings import Settings


@click.group()
def alerts() -> None:
    """What fires and why, who was told, and the process that tells them.

    \b
    logverse alerts list                   what is active, and what ended within a day
    logverse alerts show 5f0c              one of them, whole
    logverse alerts mark 5f0c normal       it is as it should be: detectors learn it
    logverse alerts deliver                tell people, as alerting.yaml says; without it the console
    """


alerts.add_command(mark)


@alerts.command("list")
@click.option("--firing", is_flag=True, help="Only those that fire now.")
@click.option("--all", "everything", is_flag=True, help="All that were ever raised, also pending ones that never fired.")
@click.option("--since", metavar="SPAN", default="1d", show_default=True, help="How far back ended ones go: 90s, 15m, 1h, 7d.")
@output_option
@click.pass_obj
def list_(flags: dict[str, str | None], /, firing: bool, everything: bool, since: str, output: str) -> None:
    """The last state of each alert, newest first.

    \b
    logverse alerts list --firing
    logverse alerts list --since 1h -o json
    """
    from alerting import page, story
    from logverse import instant

    if firing and everything:
        raise click.UsageError("--firing and --all exclude each other")
    settings = settings_.load(flags)
    found = story.latest(story.alerts_in(values(settings, "alerts.state")))
    chosen = story.shown(found, now=instant.now(), since_ms=durations.given(since, "--since"), firing=firing, everything=everything)
    told = story.outcomes(_records(settings)) if chosen else {}
    row = page.plain if output == "json" else page.row
    quiet = "nothing fires" if firing else "nothing is active or ended lately; --all shows more"
    echo_rows([row(alert, told.get(alert.id, [])) for alert in chosen], output, empty=quiet if found else "no alert was ever raised")


@alerts.command()
@click.argument("beginning", metavar="ID|FINGERPRINT")
@output_option
@click.pass_obj
def show(flags: dict[str, str | None], /, beginning: str, output: str) -> None:
    """One alert, whole: the explanation, its course, who was told, and what people said of it. The beginning of an id is enough.

    \b
    logverse alerts show 5f0c
    """
    from alerting import page, story

    settings = settings_.load(flags)
    found = story.find(beginning.lower(), story.alerts_in(values(settings, "alerts")))
    found.notifications = story.outcomes(_records(settings)).get(found.latest.id, [])
    said = marks(settings).get(found.latest.fingerprint, [])
    if output == "json":
        more = {"transitions": [asdict(one) for one in found.transitions], "marks": [asdict(one) for one in said]}
        return echo_json(page.plain(found.latest, found.notifications) | more)
    click.echo("\n".join([*page.lines(found), *page.marks(said)]))


@alerts.command()
@click.option("--config", type=click.Path(path_type=Path), help="Who is told, and how.  [default: alerting.yaml in the home folder]")
@click.option("--once", is_flag=True, help="Deliver what is there, each tried once, and end; exit code 1 when some is left.")
@click.option("--check", is_flag=True, help="Only check the configuration.")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Prometheus metrics on this port of 127.0.0.1.")
@click.pass_obj
def deliver(flags: dict[str, str | None], /, config: Path | None, once: bool, check: bool, metrics_port: int | None) -> None:
    """Tell people of every alert that fires, and when it is over, until stopped (Ctrl-C, SIGTERM).

    Nothing is missed: a channel that is away is tried again, for as long as the alert matters. After a crash at most the
    notification in flight is repeated, with the same idempotency key. The configuration has Alertmanager's words:

    \b
    route: {receiver: ops}
    receivers:
      - name: ops
        webhook_configs: [{url: "https://chat.example.org/hook"}]
        email_configs: [{to: ops@example.org, from: logverse@example.org, smarthost: "mail.example.org:587"}]
        console_configs: [{}]

    \b
    Nothing that watches can tell that it is dead itself. Name a service outside that rings when an always-firing alert stops coming
    (a dead man's switch); it comes each minute, and not when Kafka is away or the detect job does not run:

    \b
    route: {receiver: ops, watchdog: {receiver: deadman, interval: 1m}}
    receivers:
      - {name: deadman, webhook_configs: [{url_file: deadman-address}]}
    """
    from alerting import configuration

    settings = settings_.load(flags)
    receiver = configuration.read(config or settings.home_path / "alerting.yaml", must_exist=config is not None)
    names = ", ".join(channel.name for channel in receiver.channels)
    click.echo(f"receiver {printable(receiver.name)} → {printable(names)}", err=not check)
    if check:
        return
    if _serve(settings, receiver, once, metrics_port) and once:
        raise click.exceptions.Exit(1)


def _serve(settings: Settings, receiver: Any, once: bool, metrics_port: int | None) -> int:
    import logging

    from prometheus_client import start_http_server

    from alerting.service import Service

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    service = Service(settings, receiver, once)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    if metrics_port:
        try:
            start_http_server(metrics_port, "127.0.0.1")
        except OSError as error:
            raise WrongSettings(f"port {metrics_port}: {error.strerror}", where="--metrics-port", remedy="take a free one") from error
    return service.run()


def _records(settings: Settings) -> Iterator[Record]:
    from alerting.notification_log import Record
    from logverse.errors import Malformed

    for value in values(settings, "notifications"):
        try:
            yield Record.from_json(value or b"")
        except Malformed:  # the sink reports it
            continue
