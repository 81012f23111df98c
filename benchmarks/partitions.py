"""How large a partition gets at 5,000 events/s of one service: `python -m benchmarks.partitions`.

Writes one whole partition: those of ten minutes' real access log lines that fall into one of the bucket's shards, with the times and
identities that they would have at that rate. Has Cassandra write it to disk, and shows what `logverse storage stats` says of it. Starts a
stack of its own, or takes the Cassandra of --cassandra HOST:PORT, where a keyspace of the run's own is made and dropped.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from benchmarks.query import MIDNIGHT, keyspaced, templates
from logverse import instant
from logverse.identity import digest
from storage.cassandra.stats import LARGEST_MIB, TableStats, stats
from storage.cassandra.store import CassandraStore, opened
from storage.layout import BUCKET_MS, Sharding
from storage.rows import StoredEvent

TABLE = "events_http"
PATIENCE_S = 300.0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cassandra", metavar="HOST:PORT", help="default: a stack of its own")
    parser.add_argument("--rate", type=int, default=5_000, help="events a second of the service")
    options = parser.parse_args([] if arguments is None else arguments)
    with keyspaced(options.cassandra) as settings:
        store = opened(settings)
        try:
            rows = list(partition(options.rate))
            for start in range(0, len(rows), 10_000):
                if refused := store.save_events(rows[start : start + 10_000]):
                    sys.exit(f"error: refused {refused[0].reason}")
            print(
                f"one partition of {options.rate:,} events/s: {len(rows):,} rows, {sum(len(row.record) for row in rows):,} bytes of records"
            )
            largest = on_disk(store).largest_mib
            print(f"  on disk {largest} MiB, before compression (goal < {LARGEST_MIB}): {'reached' if largest < LARGEST_MIB else 'MISSED'}")
        finally:
            store.close()


def partition(rate: int) -> Iterator[StoredEvent]:
    """The events of shard 0 of one bucket."""
    lines, sharding = templates(), Sharding()
    for number in range(rate * BUCKET_MS // 1000):
        uid = digest("bench", number)
        if sharding.shard_of(MIDNIGHT, uid):
            continue
        line, at = lines[number % len(lines)], MIDNIGHT + number * 1000 // rate
        record = line.record.replace(b"@TIME@", instant.written(at).encode()).replace(b"@UID@", uid.encode())
        yield StoredEvent("http", "web", at, uid, 9, line.status, line.route, line.client, None, None, None, record)


def on_disk(store: CassandraStore) -> TableStats:
    """The table's figures once its rows have left Cassandra's memory."""
    store.session.execute(f"ALTER TABLE {TABLE} WITH memtable_flush_period_in_ms = 1000")
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = next(one for one in stats(store.session) if one.table == TABLE)
        if found.largest_mib:
            return found
        time.sleep(1)
    sys.exit(f"error: nothing on disk within {PATIENCE_S:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
