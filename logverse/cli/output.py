"""How verbs show rows: a table for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import orjson

from logverse.printable import printable as printable

output_option = click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Form of the answer."
)


def echo_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def echo_rows(rows: Sequence[dict[str, Any]], output: str, empty: str = "nothing to show") -> None:
    """Print rows that share their keys; control characters in values (log text is attackers' text) are shown, not sent to the terminal."""
    if output == "json":
        return echo_json(rows)
    if not rows:
        return click.echo(empty)
    names = list(rows[0])
    cells = [[printable(row.get(name, "")) for name in names] for row in rows]
    widths = [max(len(name), *(len(row[place]) for row in cells)) for place, name in enumerate(names)]
    for row in [[name.upper() for name in names], *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
