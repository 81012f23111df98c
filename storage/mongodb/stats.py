"""How much MongoDB holds for us, and for how long."""

from __future__ import annotations

from storage.mongodb.connection import Database, translating
from storage.mongodb.living import kept
from storage.stats import TableStats


def stats(database: Database) -> list[TableStats]:
    """Every collection, by name; rows as the collection counts them, the disk with its indexes."""
    with translating():
        names = sorted(database.driver.list_collection_names())
    return [_of(database, name) for name in names if not name.startswith("system.")]


def _of(database: Database, name: str) -> TableStats:
    found = database.command({"collStats": name})
    disk = max(found.get("storageSize", 0), found["size"]) if not found.get("storageSize") else found["storageSize"]
    disk += found.get("totalIndexSize", 0)
    return TableStats(
        name, kept(database, name) or 0, int(found["count"]), None, int(found.get("avgObjSize", 0)), None, int(disk) >> 20
    )  # fmt: skip
