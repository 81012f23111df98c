"""Topics in memory for the tests of backup: partitions with records, what Kafka deleted of them, and transactions left open."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from logverse.event import LogEvent
from storage.backup import archive
from storage.backup.columns import Records
from storage.backup.cutting import Sizes
from storage.backup.plan import Part
from storage.backup.reading import Piece
from storage.backup.run import Backup
from storage.backup.targets.folder import Folder

NOON = 1_700_006_400_000
HOUR = 3_600_000


def event(uid, at=NOON, service="web", log_type="http", **more):
    """The value of a record with an event."""
    return LogEvent(at, at, log_type, service, 9, "GET / 200", uid, {"http.response.status_code": 200, **more}).to_json()


@dataclass
class Partition:
    """Records by offset: (appended, key, value, headers). Offsets that are not there are holes."""

    records: dict[int, tuple] = field(default_factory=dict)
    low: int = 0
    high: int = 0

    def put(self, value, at=NOON, key=None, headers=None):
        self.records[self.high] = (at, key, value, headers)
        self.high += 1

    def hole(self, count=1):
        self.high += count

    def delete_before(self, offset):
        self.low = offset
        self.records = {number: record for number, record in self.records.items() if number >= offset}


class Topics:
    """A Source over partitions by (topic, number). `ids` are the topics'; a topic made anew gets another."""

    def __init__(self, **ids):
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.ids = ids
        self.during = lambda place, offset: None  # called before a piece is given out
        self.batch = 100
        self.read_spans = []

    def __getitem__(self, place):
        return self.partitions.setdefault(place, Partition())

    def recreate(self, topic):
        self.partitions = {place: partition for place, partition in self.partitions.items() if place[0] != topic}
        self.ids[topic] = f"{self.id_of(topic)}x"

    def id_of(self, topic):
        return self.ids.get(topic, f"/id+of-{topic}")

    def parts(self):
        return [Part(topic, self.id_of(topic), number, one.low, one.high) for (topic, number), one in sorted(self.partitions.items())]

    def reader(self):
        return self

    def close(self):
        pass

    def read(self, span):
        self.read_spans.append(span)
        partition, at = self[span.topic, span.partition], span.start
        while at < span.next:
            self.during((span.topic, span.partition), at)
            if at < partition.low:
                yield Piece(Records(span.topic, span.partition), min(partition.low, span.next), deleted=at)
                at = min(partition.low, span.next)
                continue
            until = min(at + self.batch, span.next)
            found = [(offset, *partition.records[offset]) for offset in range(at, until) if offset in partition.records]
            columns = [list(column) for column in zip(*found, strict=True)] or [[], [], [], [], []]
            offsets, appended, keys, values, headers = columns
            at = until
            yield Piece(Records(span.topic, span.partition, offsets, appended, keys, values, headers), until)


@dataclass
class World:
    """Topics, a target and this machine's spool folder."""

    root: Path
    topics: Topics = field(default_factory=Topics)
    now: int = NOON + HOUR // 2
    sizes: Sizes = field(default_factory=lambda: Sizes(group_rows=100, file_rows=1000))
    runs: int = 0

    @property
    def target(self):
        return Folder(self.root / "target")

    def archive(self):
        return archive.read(self.target)

    def backup(self, run="", machine="spool", **more):
        """A backup that is ready to run."""
        self.runs += 1
        spool = self.root / machine / (run or f"run-{self.runs}")
        given = {"clock": lambda: self.now, "sizes": self.sizes, "sleep": lambda _: None} | more
        target = given.pop("target", self.target)
        return Backup(self.topics, target, archive.read(target), spool, **given)

    def names(self, folder="data"):
        return [found.name for found in self.target.list(folder)]

    def rows(self):
        """Every archived record: (topic id, partition, offset) → (appended, key, value, headers)."""
        from pyarrow import parquet

        found = {}
        for file in self.archive().files.values():
            with self.target.open(file.name) as opened:
                for row in parquet.read_table(opened).to_pylist():
                    place = (file.span.topic_id, row["partition"], row["offset"])
                    assert place not in found, "archived twice"
                    headers = row["headers"] and [(one["name"], one["value"]) for one in row["headers"]]
                    found[place] = (int(row["appended"].timestamp() * 1000), row["key"], row["value"], headers)
        return found

    def expected(self):
        """The same of the topics as they are."""
        return {
            (self.topics.id_of(topic), number, offset): record
            for (topic, number), partition in self.topics.partitions.items()
            for offset, record in partition.records.items()
        }


def damaged(world, name, at):
    """Flips a bit of a file of the target."""
    path = world.target.root / name
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)
