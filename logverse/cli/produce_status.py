"""`logverse produce status`: which producers of this home run, and how far they are."""

from __future__ import annotations

from typing import Any

import click

from logverse import settings
from logverse.cli.output import echo_json, echo_rows, output_option


@click.command("status")
@output_option
@click.pass_context
def status(ctx: click.Context, output: str) -> None:
    """Which producers of this home run, what each of their inputs has done, and what is lost or in the way.

    A producer writes down every two seconds how it stands; nothing is asked over a network. `killed` is one that
    ended without a goodbye: what it had in flight is sent again at its next start.

    \b
    Examples:
      logverse produce status
      logverse produce status -o json
    """
    from producers.status import all_of

    found = list(all_of(settings.load(ctx.obj).home_path / "producers"))
    if output == "json":
        return echo_json(found)
    echo_rows([_row(producer, one) for producer in found for one in producer["inputs"]], output, "no producer has run in this home")
    for producer in found:
        if producer["state"] == "running" and producer["kafka"] == "away":
            click.echo(f"{producer['name']}: Kafka is away: it waits")
    for line in [line for producer in found for one in producer["inputs"] for line in _remarks(one)]:
        click.echo(line)


def _row(producer: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    running = producer["state"] == "running"
    return {
        "producer": producer["name"], "state": producer["state"], "pid": producer["pid"] if running else "", "input": one["input"],
        "service": one["service"], "reads": " ".join(one["reads"])[:60], "lines": f"{one['lines']:,}",
        "per s": f"{one['lines_per_second']:,.0f}" if running else "", "to read": f"{one['lag_bytes'] / 1e6:,.1f} MB",
        "in flight": one["in_flight_records"], "dead": sum(one["dead_letters"].values()), "lost": sum(one["lost"].values()),
        "as of": producer["at"],
    }  # fmt: skip


def _remarks(one: dict[str, Any]) -> list[str]:
    from logverse.printable import printable

    lost = [f"{one['input']}: {count:,} lost: {reason}" for reason, count in one["lost"].items()]
    return [*lost, *(f"{one['input']}: {printable(problem)}" for problem in one["problems"])]
