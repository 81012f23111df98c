"""How long each table keeps its rows: the keep_* settings as times to live."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from logverse import durations
from logverse.settings import Settings
from storage.schema.migrations import Migration

# Table → the settings whose longest it keeps. What only points to events of every type stays as long as any of them.
KEPT: dict[str, tuple[str, ...]] = {
    "events_http": ("keep_http",),
    "events_error": ("keep_error",),
    "events_activity": ("keep_activity",),
    "activity_by_user": ("keep_activity",),
    "buckets": ("keep_http", "keep_error", "keep_activity", "keep_anomalies"),
    "services": ("keep_http", "keep_error", "keep_activity", "keep_anomalies"),
    "alerts": ("keep_alerts",),
    "alerts_by_id": ("keep_alerts",),
    "anomalies": ("keep_anomalies",),
    "series_1s": ("keep_series_1s",),
    "series_1m": ("keep_series_1m",),
    "series_1h": ("keep_series_1h",),
}
# What says where others lie outlives them: it is written up to a day before them (writing.py of each store).
LONGER: dict[str, int] = dict.fromkeys(("buckets", "services"), 7 * 86_400)  # seconds
_DECLARED = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) .*\bdefault_time_to_live = (\d+)", re.I)


def wanted(settings: Settings) -> dict[str, int]:
    """Seconds to live of each table's rows, from when they were written.

    >>> wanted(Settings(keep_series_1s="2h"))["series_1s"]
    7200
    """
    kept = {table: max(durations.read(getattr(settings, name)) // 1000 for name in names) for table, names in KEPT.items()}
    return {table: seconds + LONGER.get(table, 0) for table, seconds in kept.items()}


def declared(migrations: Sequence[Migration]) -> dict[str, int]:
    """Seconds to live that the migrations give their tables."""
    statements = [statement for one in migrations for statement in one.statements]
    return {found[1]: int(found[2]) for statement in statements if (found := _DECLARED.match(statement))}


def changes(wanted: Mapping[str, int], there: Mapping[str, int]) -> dict[str, str]:
    """Table → the statement that gives it the wanted time to live, for those that have another."""
    return {
        table: f"ALTER TABLE {table} WITH default_time_to_live = {seconds}"
        for table, seconds in wanted.items()
        if table in there and there[table] != seconds
    }
