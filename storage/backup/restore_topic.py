"""Archived records back into topics: each once, also when a restore was killed in between; in the order of its partition."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from logverse.errors import TryAgain
from logverse.event import LOG_TYPES
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topic_range import TopicRanges
from logverse.topic_reader import quiet, read_to_end
from logverse.topic_writer import translated
from logverse.topics import LOGS, RECORD_BYTES, named
from storage.backup.restore_choice import COMPACTED
from storage.backup.restore_progress import Progress
from storage.backup.restore_reading import Archived, Part

HEADER = "logverse.restored"  # of every restored record: topic id, partition and offset that it had
PATIENCE_S = 60.0
_LISTEN_EACH = 64  # records, for their acknowledgements: each time costs as much as a record
# As a producer's (producers/publisher.py), for batches that nobody waits for.
TUNED = {
    "enable.idempotence": True,
    "linger.ms": 20,
    "batch.size": 524_288,
    "compression.type": "lz4",
    "queue.buffering.max.kbytes": 65_536,
}
_MINE: dict[str, Any] = {"message.timeout.ms": int(PATIENCE_S * 1000), "message.max.bytes": RECORD_BYTES}


class IntoTopic:
    """A Sink. The topics of these settings' prefix are there already. `whole` writes into an event what only its place said of it (its
    uid, its time), since its place is another one now; None for what is no event.

    Heartbeats and what is malformed are left out of log topics. On a compacted topic a key that is there already stays as it is: what
    came later is newer. `live`: others write to these topics too.
    """

    def __init__(self, settings: Settings, whole: Callable[[Archived], bytes | None], progress: Progress) -> None:
        self._settings, self._whole, self._progress = settings, whole, progress
        self._producer = client(Producer, client_config(settings) | TUNED | _MINE, logger=quiet())
        self._ranges = TopicRanges(settings)
        self._ends: dict[str, dict[int, int]] = {}
        self._held: dict[str, set[bytes]] = {}

    def put(self, part: Part) -> Counter[str]:
        counts: Counter[str] = Counter()
        if part.rows is None:
            return counts
        topic = named(part.file.span.topic, self._settings.topic_prefix)
        held = self._keys(part.file.span.topic, topic)
        there = self._there(topic, part.file.name)
        failed: list[KafkaError] = []
        ends = self._ends[topic]

        def heard(error: KafkaError | None, message: Any) -> None:
            if error:
                failed.append(error)
            else:
                ends[message.partition()] = message.offset() + 1

        for record in part.records():
            value = self._value(record)
            place = f"{record.topic_id}/{record.partition}/{record.offset}"
            if value is None and record.topic in LOGS.values():
                counts["heartbeats" if record.log_type == "heartbeat" else "malformed"] += 1
            elif record.key is not None and record.key in held:
                counts["newer"] += 1
            elif place not in there:
                self._produce(topic, record, value, place, heard)
                counts["records"] += 1
            else:
                counts["records"] += 1
        self._settle(topic, failed)
        return +counts

    def close(self) -> None:
        self._ranges.close()

    def _value(self, record: Archived) -> bytes | None:
        if record.topic not in LOGS.values():
            return record.value
        return self._whole(record) if record.log_type in (*LOG_TYPES, None) else None

    def _there(self, topic: str, file: str) -> set[str]:
        """What an attempt that was cut short has written of this row group: it lies behind the ends that it wrote down before.

        Kafka is asked for the ends once; from then on those of our own records do, behind which others may have written.
        """
        again = self._progress.marks.get("file") == file
        if again or topic not in self._ends:
            self._ends[topic] = {number: end for (_, number), (end, _) in self._ranges.between(topic, 2**62, 2**62).items()}
        now = self._ends[topic]
        if not again:
            self._progress.mark({"file": file, "ends": {str(number): end for number, end in now.items()}})
            return set()
        before = {int(number): end for number, end in self._progress.marks["ends"].items()}
        behind = {(topic, number): (before.get(number, 0), end) for number, end in now.items()}
        return {
            value.decode() for message in self._ranges.read(behind) for name, value in message.headers() or () if name == HEADER and value
        }

    def _keys(self, short: str, topic: str) -> set[bytes]:
        """The keys that a compacted topic has from others than this restore."""
        if short not in COMPACTED:
            return set()
        if topic not in self._held:
            found = read_to_end(self._settings, topic, timeout_s=PATIENCE_S)
            self._held[topic] = {key for message in found if (key := message.key()) and not _is_ours(message)}
        return self._held[topic]

    def _produce(self, topic: str, record: Archived, value: bytes | None, place: str, heard: Callable[[Any, Any], None]) -> None:
        mine: tuple[str, str | bytes | None] = (HEADER, place.encode())
        headers = [*(one for one in record.headers if one[0] != HEADER), mine] if record.headers else [mine]
        partition = record.partition % len(self._ends[topic])
        while True:
            try:
                self._producer.produce(topic, value, record.key, partition=partition, headers=headers, on_delivery=heard)
                if not record.offset % _LISTEN_EACH:
                    self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as error:
                raise translated(error.args[0], topic) from error

    def _settle(self, topic: str, failed: list[KafkaError]) -> None:
        until = time.monotonic() + PATIENCE_S
        while (left := self._producer.flush(1.0)) and time.monotonic() < until:
            pass
        if failed:
            raise translated(failed[0], topic)
        if left:
            raise TryAgain(f"Kafka did not acknowledge {left:,} records of {topic}")


def _is_ours(message: Any) -> bool:
    return any(name == HEADER for name, _ in message.headers() or ())
