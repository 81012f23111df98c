"""Table `sharding`: how many shards the buckets have, from which bucket on."""

from __future__ import annotations

from storage.cassandra.connection import Session
from storage.layout import Sharding


def read(session: Session) -> Sharding:
    """What holds in this keyspace. TryAgain while Cassandra is away."""
    rows = session.execute(session.prepare("SELECT blob_as_bigint(timestamp_as_blob(since)), shards FROM sharding WHERE scope = 'all'"))
    return Sharding(tuple(sorted((row[0], row[1]) for row in rows)))
