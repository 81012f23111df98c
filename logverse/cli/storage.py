"""`logverse storage stats`: how much the store holds, and for how long."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from logverse import durations
from logverse import settings as settings_
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.printable import printable

if TYPE_CHECKING:
    from storage.stats import TableStats


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
    """Each table: how long it keeps its rows, how many there are, its size on disk and, in Cassandra, that of its partitions.

    As the server that answered has it on disk; what was written in the last minutes may still be in its memory. Of Cassandra, rows and
    partitions are estimates; exit code 1 when a partition is larger than 100 MB: reading it is slow then. Of several stores (setting
    `store`), one after the other.

    \b
    logverse storage stats
    LOGVERSE_STORE=mongodb logverse storage stats -o json
    """
    from storage.stores import STORES, chosen, keyspace

    settings = settings_.load(flags)
    found: dict[str, list[TableStats]] = {}
    for name in chosen(settings):
        with closing(STORES[name](settings)) as store:
            found[name] = store.stats()
    large = [(name, one.table) for name, tables in found.items() for one in tables if one.too_large]
    if output == "json":
        stores = [_whole(name, keyspace(name, settings), tables) for name, tables in found.items()]
        echo_json(stores[0] if len(stores) == 1 else {"stores": stores})
        return 1 if large else 0
    for name, tables in found.items():
        click.echo(f"{name} {printable(keyspace(name, settings))}")
        echo_rows([_row(one) for one in tables], output)
    for name, table in large:
        _warn(name, table)
    return 1 if large else 0


def _warn(name: str, table: str) -> None:
    from storage.stats import LARGEST_MIB

    click.echo(click.style(f"{name}: {table} has a partition of more than {LARGEST_MIB} MB", fg="red", bold=True))
    if table.startswith("events"):
        click.echo("  → more shards for buckets to come: a row in table sharding whose `since` lies ahead, and before it has come")
        click.echo("    logverse job upgrade history (what runs with the old number looks for rows elsewhere)")


def _whole(name: str, keyspace: str, tables: list[TableStats]) -> dict[str, Any]:
    return {"store": name, "keyspace": keyspace, "tables": [asdict(one) | {"too_large": one.too_large} for one in tables]}


def _row(one: TableStats) -> dict[str, Any]:
    first = {
        "table": one.table, "kept": durations.said(1000 * one.kept_s) if one.kept_s else "for ever",
        "rows": "-" if one.rows is None else f"{one.rows:,}",
    }  # fmt: skip
    if one.partitions is None:
        return first | {"mean row": _size(one.mean_bytes), "on disk": _size(one.disk_mib << 20)}
    sizes = {"mean partition": _size(one.mean_bytes), "largest": _size((one.largest_mib or 0) << 20)}
    return first | {"partitions": f"{one.partitions:,}", **sizes, "on disk": _size(one.disk_mib << 20)}


def _size(count: int) -> str:
    """
    >>> _size(0), _size(70_277), _size(5 << 30)
    ('0 B', '69 KiB', '5.0 GiB')
    """
    size, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.1f} {units[0]}" if units[0] in ("GiB", "TiB") else f"{size:.0f} {units[0]}"
