"""How much a store holds, table by table: what `logverse storage stats` shows."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_MIB = 100  # a partition beyond this is slow to read and to compact (Cassandra's own advice)


@dataclass(frozen=True, slots=True)
class TableStats:
    """One table, or collection, as the server that answered has it on its disk: what is still in its memory may not be in it.

    `kept_s` is the table's time to live in seconds, 0: for ever. `rows` is None where the store cannot tell. Partitions are Cassandra's:
    `partitions` and `mean_bytes` (of one) are its own estimates, some minutes old, `largest_mib` is the largest. A store without
    partitions has None there, and `mean_bytes` is of a row.
    """

    table: str
    kept_s: int
    rows: int | None
    partitions: int | None
    mean_bytes: int
    largest_mib: int | None
    disk_mib: int

    @property
    def too_large(self) -> bool:
        """Whether a partition is larger than LARGEST_MIB."""
        return (self.largest_mib or 0) > LARGEST_MIB
