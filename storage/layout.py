"""Where an event lies: its time bucket and its shard. Functions of the event alone, so that a replay finds the same row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

from logverse.instant import Millis

# Ten minutes of 5,000 events/s are 3 million rows of about 500 bytes, 1.5 GB; a partition is to stay under 100 MB.
BUCKET_MS: Millis = 600_000
SHARDS = 32
DAY_MS: Millis = 86_400_000

# What Cassandra takes as part of a key, in bytes; the other stores refuse the same rows: the same events in, the same answers out.
LONGEST_KEY = 65_535


def bucket_of(at: Millis) -> Millis:
    """Start of the bucket that holds this event time.

    >>> bucket_of(1_700_000_123_456)
    1699999800000
    """
    return at - at % BUCKET_MS


def day_of(at: Millis) -> Millis:
    """The first instant of its day in UTC.

    >>> day_of(1_700_000_123_456)
    1699920000000
    """
    return at - at % DAY_MS


def month_of(at: Millis) -> Millis:
    """The first instant of its month in UTC.

    >>> month_of(1_700_000_123_456)
    1698796800000
    """
    return day_of(at) - (datetime.fromtimestamp(at / 1000, UTC).day - 1) * DAY_MS


@dataclass(frozen=True, slots=True)
class Sharding:
    """How many shards a bucket has: fixed for a bucket for all time. `epochs` are (first bucket, shards), oldest first."""

    epochs: Sequence[tuple[Millis, int]] = ((0, SHARDS),)

    def shards(self, bucket: Millis) -> int:
        """The number of shards of this bucket.

        >>> Sharding(((0, 8), (600_000, 32))).shards(1_200_000)
        32
        """
        return next((count for since, count in reversed(self.epochs) if bucket >= since), self.epochs[0][1])

    def shard_of(self, bucket: Millis, uid: str) -> int:
        """The shard of an event with this uid. CRC-32 (zlib): the same in every process and version."""
        return crc32(uid.encode("utf-8", "surrogatepass")) % self.shards(bucket)
