"""What of an archive is to be restored: by time, topic and service; and how much that is before anything is read."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pyarrow import parquet as pq

from logverse.instant import Millis
from logverse.topics import TOPICS
from storage.backup.archive import Archive
from storage.backup.manifest import File
from storage.backup.plan import backed_up

# What a user calls them → short name: http, error, activity, dlq, alerts, …
TYPES: dict[str, str] = {topic.removeprefix("logs."): topic for topic in backed_up(TOPICS)}
# Of these the last record of a key counts, however old: a restore begins with the first one.
COMPACTED = frozenset(name for name, topic in TOPICS.items() if topic.config.get("cleanup.policy") == "compact")


@dataclass(frozen=True, slots=True)
class Choice:
    """Records of these topics (short names) with `since` <= time < `until`, of these services, or of all when there are none.

    A record's time is its event time; of one that says none, Kafka's.
    """

    since: Millis
    until: Millis
    topics: tuple[str, ...]
    services: tuple[str, ...] = ()

    def of_file(self, file: File) -> bool:
        """Whether it may hold something of this, by what the manifest says."""
        since = self._since(file.span.topic)
        spans = [file.appended, *([file.events] if file.events else [])]
        return file.span.topic in self.topics and any(span.first < self.until and span.last >= since for span in spans)

    def of_group(self, topic: str, about: pq.RowGroupMetaData) -> bool:
        """Whether a row group may hold something of this, by its statistics; what they do not say it may."""
        found = {about.column(place).path_in_schema: about.column(place).statistics for place in range(about.num_columns)}
        events = found.get("timestamp")
        every = events is not None and events.has_min_max and events.null_count == 0  # has an event time: Kafka's decides nothing
        in_time = any(self._overlaps(topic, found.get(name)) for name in (("timestamp",) if every else ("timestamp", "appended")))
        return in_time and self._has_service(found.get("service_name"))

    def of_rows(self, topic: str, rows: pa.Table) -> pa.Table:
        """Those that are wanted."""
        at = pc.coalesce(rows.column("timestamp"), rows.column("appended")).cast(pa.int64())
        wanted = pc.and_(pc.greater_equal(at, self._since(topic)), pc.less(at, self.until))
        if self.services:
            of_them = pc.is_in(rows.column("service_name"), value_set=pa.array(self.services, pa.string()))
            wanted = pc.and_(wanted, of_them)
        return rows.filter(wanted)

    def _has_service(self, statistics: pq.Statistics | None) -> bool:
        if not self.services or statistics is None or not statistics.has_min_max:
            return True
        return any(statistics.min <= service <= statistics.max for service in self.services)

    def _since(self, topic: str) -> Millis:
        return 0 if topic in COMPACTED else self.since

    def _overlaps(self, topic: str, statistics: pq.Statistics | None) -> bool:
        if statistics is None or not statistics.has_min_max:
            return statistics is None or statistics.null_count is None
        first, last = (int(one.timestamp() * 1000) for one in (statistics.min, statistics.max))
        return first < self.until and last + 1 >= self._since(topic)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The files that have to be read, in an order that keeps each partition's; `rows` are at most restored.

    `gaps` are records of these topics that Kafka had deleted before a backup came, whenever they were; `broken` are manifests that
    cannot be read: what they promised is not known.
    """

    files: tuple[File, ...]
    gaps: int
    broken: dict[str, str]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def estimated(archive: Archive, choice: Choice) -> Estimate:
    """From the manifests alone."""
    files = [file for file in archive.files.values() if choice.of_file(file)]
    ages: dict[str, Millis] = {}
    for file in files:
        ages[file.span.topic_id] = min(ages.get(file.span.topic_id, file.appended.first), file.appended.first)
    files.sort(key=lambda file: (file.span.topic, ages[file.span.topic_id], file.span.topic_id, file.span.start, file.span.partition))
    gaps = sum(gap.rows for gap in archive.gaps if gap.span.topic in choice.topics)
    return Estimate(tuple(files), gaps, dict(archive.broken))
