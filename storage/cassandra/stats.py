"""How much Cassandra holds for us, and for how long: what `logverse storage stats` shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from storage.cassandra.connection import Session
from storage.stats import TableStats


def stats(session: Session) -> list[TableStats]:
    """Every table of the session's keyspace, by name."""
    keyspace = session.keyspace
    kept = _read(session, "SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ?", keyspace)
    disk = dict(_read(session, "SELECT table_name, mebibytes FROM system_views.disk_usage WHERE keyspace_name = ?", keyspace))
    largest = dict(_read(session, "SELECT table_name, mebibytes FROM system_views.max_partition_size WHERE keyspace_name = ?", keyspace))
    rows, sizes = _rows(session, keyspace), _sizes(session, keyspace)
    return [
        TableStats(table, seconds, rows.get(table), *sizes.get(table, (0, 0)), largest.get(table, 0), disk.get(table, 0))
        for table, seconds in sorted(kept)
    ]


def _rows(session: Session, keyspace: str) -> Mapping[str, int]:
    """Indexes number the rows of each SSTable from 0; the greatest number that one of them has is within a few of the rows."""
    text = "SELECT table_name, sstable_name, max_row_id FROM system_views.sai_sstable_indexes WHERE keyspace_name = ?"
    greatest: dict[tuple[str, str], int] = {}
    for table, sstable, last in _read(session, text, keyspace):
        greatest[table, sstable] = max(last + 1, greatest.get((table, sstable), 0))
    rows: defaultdict[str, int] = defaultdict(int)
    for (table, _), count in greatest.items():
        rows[table] += count
    return rows


def _sizes(session: Session, keyspace: str) -> Mapping[str, tuple[int, int]]:
    """Partitions and their mean size in bytes, by table."""
    text = "SELECT table_name, partitions_count, mean_partition_size FROM system.size_estimates WHERE keyspace_name = ?"
    found: dict[str, tuple[int, int]] = {}
    for table, count, mean in _read(session, text, keyspace):
        before, size = found.get(table, (0, 0))
        together = before + count
        found[table] = together, (before * size + count * mean) // together if together else 0
    return found


def _read(session: Session, text: str, keyspace: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.execute(session.prepare(text), (keyspace,))]
