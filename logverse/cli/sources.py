"""`logverse sources list | expect | forget`: who must be heard of, so that a rule of type `silence` can miss them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from logverse import instant
from logverse import settings as settings_
from logverse.cli.alerts_mark import values
from logverse.cli.output import echo_rows, output_option
from logverse.cli.who import by_option, you
from logverse.errors import Malformed, WrongSettings
from logverse.inventory import Source
from logverse.printable import printable
from logverse.settings import Settings

services_argument = click.argument("services", nargs=-1, required=True, metavar="SERVICE...")
host_option = click.option("--host", default="", metavar="NAME", help="Only this host of it.")
note_option = click.option("--note", default="", metavar="TEXT", help="Why; shown in the list.")


@click.group()
def sources() -> None:
    """The inventory: services, and hosts of them, that are expected to be heard of.

    Rules of type `silence` miss those that are not: also one that never said anything. What the detect job hears of it learns by itself;
    declare what must be there from the first minute, forget what was switched off.

    \b
    logverse sources list
    logverse sources expect checkout --host shop-3 --note "goes live on Monday"
    logverse sources forget checkout --host shop-1
    """


@sources.command("list")
@click.option("--forgotten", is_flag=True, help="Also those that somebody forgot.")
@output_option
@click.pass_obj
def list_(flags: dict[str, str | None], /, forgotten: bool, output: str) -> None:
    """Who is expected, since when, who said so, and who is silent now."""
    settings = settings_.load(flags)
    known = inventory(settings)
    chosen = [source for source in known.values() if forgotten or not source.forgotten]
    silent = _silent(settings) if chosen else {}
    rows = [_row(source, silent) for source in sorted(chosen, key=lambda source: (source.service, source.host))]
    echo_rows(rows, output, empty="nobody is expected yet → logverse sources expect SERVICE, or let the detect job hear of them")


@sources.command()
@services_argument
@host_option
@note_option
@by_option
@click.pass_obj
def expect(flags: dict[str, str | None], /, services: tuple[str, ...], host: str, note: str, by: str | None) -> None:
    """Expect these from now on, whether or not they were ever heard of."""
    _write(flags, [Source(service, host, "declared", instant.now(), by or you(), note) for service in services], "expected")


@sources.command()
@services_argument
@host_option
@note_option
@by_option
@click.pass_obj
def forget(flags: dict[str, str | None], /, services: tuple[str, ...], host: str, note: str, by: str | None) -> None:
    """Miss these no more; an alert about their silence ends. Whoever is heard of again later is learned anew."""
    settings = settings_.load(flags)
    known = inventory(settings)
    gone = [Source(service, host, "declared", instant.now(), by or you(), note, forgotten=True) for service in services]
    for source in gone:
        if source.key not in known or known[source.key].forgotten:
            click.echo(
                f"{printable(source.name)} is not in the inventory; said all the same, for jobs that learned it by themselves", err=True
            )
    _write(flags, gone, "forgotten")


def inventory(settings: Settings) -> dict[str, Source]:
    """The last word on each source, by key; what is none is left out."""
    found: dict[str, Source] = {}
    for value in values(settings, "inventory"):
        try:
            source = Source.from_json(value or b"")
        except Malformed:
            continue
        found[source.key] = source
    return found


def _write(flags: dict[str, str | None], changed: list[Source], done: str) -> None:
    from logverse.topic_writer import write

    if not all(source.service for source in changed):
        raise WrongSettings("is empty", where="SERVICE", remedy="logverse sources expect checkout")
    write(settings_.load(flags), "inventory", [(source.key, source.to_json()) for source in changed])
    for source in changed:
        click.echo(f"{done}  {printable(source.name)}")


def _silent(settings: Settings) -> dict[tuple[str, str], str]:
    """Since when those are silent about whom an alert of type `silence` is active, by service and host."""
    return {
        (alert.group.get("service.name", ""), alert.group.get("host.name", "")): instant.written(alert.active_at)
        for alert in _alerts(settings)
        if alert.rule_type == "silence" and alert.status in ("pending", "firing", "recovering")
    }


def _alerts(settings: Settings) -> Iterator[Any]:
    from alerting import story

    return iter(story.latest(story.alerts_in(values(settings, "alerts.state"))))


def _row(source: Source, silent: dict[tuple[str, str], str]) -> dict[str, Any]:
    return {
        "service": source.service,
        "host": source.host,
        "state": "forgotten" if source.forgotten else f"silent since {since}" if (since := _since(source, silent)) else "expected",
        "origin": source.origin,
        "since": instant.written(source.at),
        "by": source.by,
        "note": source.note,
    }


def _since(source: Source, silent: dict[tuple[str, str], str]) -> str:
    return silent.get((source.service, source.host), "")
