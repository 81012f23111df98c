"""`logverse storage stats`: how much the store holds, and for how long."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from logverse import durations
from logverse import settings as settings_
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.printable import printable

if TYPE_CHECKING:
    from storage.cassandra.stats import TableStats


@click.group()
def storage() -> None:
    """The store of the history.

    \b
    logverse storage stats
    """


@storage.command()
@output_option
@click.pass_obj
def stats(flags: dict[str, str | None], /, output: str) -> int:
    """Each table: how long it keeps its rows, how many there are, its size on disk and that of its partitions.

    As the node that answered has it on disk; what was written in the last minutes may still be in its memory. Rows and partitions
    are estimates. Exit code 1 when a partition is larger than 100 MB: reading it is slow then.

    \b
    logverse storage stats
    logverse storage stats -o json
    """
    from storage.cassandra.connection import connect
    from storage.cassandra.stats import LARGEST_MIB
    from storage.cassandra.stats import stats as read

    with connect(settings_.load(flags)) as session:
        found, keyspace = read(session), session.keyspace
    large = [one.table for one in found if one.too_large]
    if output == "json":
        echo_json({"keyspace": keyspace, "tables": [asdict(one) | {"too_large": one.too_large} for one in found]})
        return 1 if large else 0
    click.echo(f"keyspace {printable(keyspace)}")
    echo_rows([_row(one) for one in found], output)
    for table in large:
        click.echo(click.style(f"{table} has a partition of more than {LARGEST_MIB} MB", fg="red", bold=True))
        if table.startswith("events"):
            click.echo("  → more shards for buckets to come: a row in table sharding whose `since` lies ahead, and before it has come")
            click.echo("    logverse job upgrade history (what runs with the old number looks for rows elsewhere)")
    return 1 if large else 0


def _row(one: TableStats) -> dict[str, Any]:
    return {
        "table": one.table, "kept": durations.said(1000 * one.kept_s) if one.kept_s else "for ever",
        "rows": "-" if one.rows is None else f"{one.rows:,}", "partitions": f"{one.partitions:,}",
        "mean partition": _size(one.mean_bytes), "largest": _size(one.largest_mib << 20), "on disk": _size(one.disk_mib << 20),
    }  # fmt: skip


def _size(count: int) -> str:
    """
    >>> _size(0), _size(70_277), _size(5 << 30)
    ('0 B', '69 KiB', '5.0 GiB')
    """
    size, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.1f} {units[0]}" if units[0] in ("GiB", "TiB") else f"{size:.0f} {units[0]}"
