"""The only file with connectors: where events come from and where records go to, and the store that history is kept in."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from pyflink.common import Duration, WatermarkStrategy
from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from flink_jobs import board, tables
from flink_jobs.history_settings import HistorySettings
from flink_jobs.judging import Row
from flink_jobs.keeper import READ, SUMMARIES, History, Keeper, Refusal, SeriesKeeper
from flink_jobs.rules.forms import literal
from flink_jobs.settings import JobSettings
from logverse import instant
from logverse.settings import Settings
from logverse.template import LABEL
from logverse.topics import LOGS, RECORD_BYTES, named
from storage.policy import Policies
from storage.rows import RefusedRow, StoredAlert, StoredAnomaly, StoredEvent
from storage.series import SeriesWriter

# What the job writes to; the record itself says which (column `topic`).
WRITTEN = ("alerts", "alerts.state", "anomalies", "templates", "inventory", "rules.status", "summaries", "logs.late")


def create_events(t_env: StreamTableEnvironment, settings: JobSettings) -> None:
    """Table `events` over the three log topics. What is no JSON is dropped here; the history job keeps it aside in logs.dlq."""
    columns = ", ".join(f"`{name}` {kind}" for name, kind in tables.DECODED.items())
    options = {
        "connector": "kafka",
        "topic": ";".join(named(topic, settings.topic_prefix) for topic in LOGS.values()),
        "properties.group.id": named(settings.job_name, settings.topic_prefix),
        "scan.startup.mode": "group-offsets",
        "properties.auto.offset.reset": "earliest",
        "format": "json",
        "json.ignore-parse-errors": "true",
        "json.timestamp-format.standard": "ISO-8601",
        **({"scan.bounded.mode": "latest-offset", "scan.startup.mode": "earliest-offset"} if settings.bounded else {}),
        **_properties(settings.kafka),
    }
    t_env.execute_sql(
        f"""CREATE TEMPORARY TABLE `events` ({columns}, `appended` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
        {tables.time_columns(settings)}) WITH ({_with(options)})"""
    )


def create_records(t_env: StreamTableEnvironment, settings: JobSettings) -> None:
    """Table `records` (topic, key, value): at least once; whoever reads them knows repeats by their ids."""
    options = {
        "connector": "kafka",
        "topic": ";".join(named(topic, settings.topic_prefix) for topic in WRITTEN),
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": "at-least-once",
        "properties.linger.ms": "5",
        "properties.compression.type": "lz4",
        "properties.max.request.size": str(RECORD_BYTES),
        **_properties(settings.kafka),
    }
    t_env.execute_sql(
        f"""CREATE TEMPORARY TABLE `records` (`key` STRING, `value` STRING, `topic` STRING METADATA FROM 'topic')
        WITH ({_with(options)})"""
    )


def told_stream(t_env: StreamTableEnvironment, settings: JobSettings) -> DataStream:
    """The rules and what else is said to the job (`operators.TOLD`), each topic from its beginning and in its order.

    Soon idle, so that it never holds up event time. An empty record, which somebody's tool may have written, is left out.
    """
    topics = ("rules", *board.TOPICS)
    options = {
        "connector": "kafka",
        "topic": ";".join(named(topic, settings.topic_prefix) for topic in topics),
        "properties.group.id": named(f"{settings.job_name}-rules", settings.topic_prefix),
        "scan.startup.mode": "earliest-offset",
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        **({"scan.bounded.mode": "latest-offset"} if settings.bounded else {}),
        **_properties(settings.kafka),
    }
    t_env.execute_sql(
        f"CREATE TEMPORARY TABLE `told` (`key` STRING, `value` STRING, `topic` STRING METADATA VIRTUAL) WITH ({_with(options)})"
    )
    # The job's own records on topic `templates` are nobody's word.
    rows = t_env.sql_query(
        f"""SELECT SUBSTRING(`topic` FROM {len(named("", settings.topic_prefix)) + 1}) AS `topic`, `value` FROM `told`
        WHERE `value` IS NOT NULL AND (`topic` <> {literal(named("templates", settings.topic_prefix))} OR `key` LIKE '{LABEL}%')"""
    )
    # No watermark of its own: a rule's time is the clock of whoever applied it, and must not become event time.
    timeless = WatermarkStrategy.no_watermarks().with_idleness(Duration.of_millis(500))
    return t_env.to_data_stream(rows).assign_timestamps_and_watermarks(timeless).name("told").uid("told").set_parallelism(1)


def create_raw(t_env: StreamTableEnvironment, settings: HistorySettings) -> None:
    """Tables `raw` and, of summaries, `raw_summaries`, over all that the history reads: the bytes as they are, and where they stood."""
    for table, topics in (
        ("raw", [topic for topic in READ if READ[topic] != SUMMARIES]),
        ("raw_summaries", [topic for topic in READ if READ[topic] == SUMMARIES]),
    ):
        _create_raw(t_env, settings, table, topics)


def _create_raw(t_env: StreamTableEnvironment, settings: HistorySettings, table: str, topics: Sequence[str]) -> None:
    options = {
        "connector": "kafka",
        "topic": ";".join(named(topic, settings.topic_prefix) for topic in topics),
        "properties.group.id": settings.job_name,
        "scan.startup.mode": "group-offsets",
        "properties.auto.offset.reset": "earliest",
        "format": "raw",
        **({"scan.bounded.mode": "latest-offset", "scan.startup.mode": "earliest-offset"} if settings.bounded else {}),
        **_properties(settings.kafka),
    }
    t_env.execute_sql(
        f"""CREATE TEMPORARY TABLE `{table}` (`value` BYTES, `topic` STRING METADATA VIRTUAL, `partition` INT METADATA VIRTUAL,
        `offset` BIGINT METADATA VIRTUAL, `at` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
        `appended` AS CAST(EXTRACT(EPOCH FROM `at`) AS BIGINT) * 1000 + MOD(CAST(EXTRACT(MILLISECOND FROM `at`) AS BIGINT), 1000)
        ) WITH ({_with(options)})"""
    )


def create_dead_letters(t_env: StreamTableEnvironment, settings: HistorySettings) -> None:
    """Table `dead_letters` (letter, JSON): at least once; each has an id of its place, so that a repeat is known."""
    options = {
        "connector": "kafka",
        "topic": named("logs.dlq", settings.topic_prefix),
        "format": "raw",
        "sink.delivery-guarantee": "at-least-once",
        "properties.linger.ms": "20",
        "properties.compression.type": "lz4",
        "properties.max.request.size": str(RECORD_BYTES),
        **_properties(settings.kafka),
    }
    t_env.execute_sql(f"CREATE TEMPORARY TABLE `dead_letters` (`letter` STRING) WITH ({_with(options)})")


def keeper_of(settings: HistorySettings) -> Callable[[], Keeper]:
    """Makes the keeper where the records are. It travels as a pickle, with the store's password in it and nothing of Kafka's."""
    return _KeeperOf(settings.store, settings.secrets, settings.topic_ids, settings.topic_prefix)


@dataclass(frozen=True)
class _KeeperOf:
    """A class and no partial: a partial shows its arguments to whoever prints it."""

    store: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    topic_ids: Mapping[str, str] = field(repr=False)
    prefix: str

    def __call__(self) -> Keeper:
        return Keeper(partial(_opened, self.store, self.secrets), self.topic_ids, self.prefix, instant.now, time.sleep)


def _opened(store: Mapping[str, str], secrets: Mapping[str, str]) -> History:
    """The way to the stores that the settings name; TryAgain while one is away. The drivers are imported where they are used."""
    from storage.stores import STORES, chosen

    with ExitStack() as opened, _as_files(secrets) as files:
        settings = Settings(**{**store, **files})
        found = {name: opened.enter_context(closing(STORES[name](settings))) for name in chosen(settings)}
        first = next(iter(found.values()))
        shelves = {name: Shelf(store, SeriesWriter(store.series)) for name, store in found.items()}
        return Shelves(shelves, Policies(first.policies()), opened.pop_all().close)


@contextmanager
def _as_files(secrets: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """By setting, the path of a file with its secret: in a folder that only we read, gone once the store is open."""
    with tempfile.TemporaryDirectory(prefix="logverse-") as folder:
        files = {name: Path(folder) / name for name in secrets}
        for name, path in files.items():
            path.touch(mode=0o600)
            path.write_text(secrets[name], encoding="utf-8")
        yield {name: str(path) for name, path in files.items()}


class Saving(Protocol):
    """Of a store's contract (storage/store.py) what writes."""

    def save_events(self, events: Sequence[StoredEvent]) -> Sequence[Refusal]: ...
    def save_alerts(self, alerts: Sequence[StoredAlert]) -> Sequence[Refusal]: ...
    def save_anomalies(self, anomalies: Sequence[StoredAnomaly]) -> Sequence[Refusal]: ...


class Shelf(NamedTuple):
    """A store, and what rolls up the series in it: each store's by what it has itself."""

    store: Saving
    series: SeriesKeeper


class Shelves:
    """The job's plain rows as the stores': the packages share no type. What is saved is saved in every store, and what one of them will
    never take is refused. `policies` decide for all, so that all hold the same."""

    def __init__(self, shelves: Mapping[str, Shelf], policies: Policies, close: Callable[[], None]) -> None:
        self._shelves = shelves
        self.keeps, self.close = policies.keeps, close

    def save_events(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        events = list(map(StoredEvent._make, rows))
        return self._in_each(lambda shelf: shelf.store.save_events(events))

    def save_alerts(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        alerts = list(map(StoredAlert._make, rows))
        return self._in_each(lambda shelf: shelf.store.save_alerts(alerts))

    def save_anomalies(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        anomalies = list(map(StoredAnomaly._make, rows))
        return self._in_each(lambda shelf: shelf.store.save_anomalies(anomalies))

    def save_summaries(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        records = [(position, value) for position, value in rows]
        return self._in_each(lambda shelf: shelf.series.save(records))

    def _in_each(self, save: Callable[[Shelf], Sequence[Refusal]]) -> Sequence[Refusal]:
        """One after the other: while one is away the job waits, and what it then does again is there once. The first reason counts."""
        found: dict[int, Refusal] = {}
        for name, shelf in self._shelves.items():
            for one in save(shelf):
                reason = one.reason if len(self._shelves) == 1 else f"{name}: {one.reason}"
                found.setdefault(one.place, RefusedRow(one.place, reason))
        return list(found.values())


def _properties(kafka: Mapping[str, str]) -> dict[str, str]:
    return {f"properties.{name}": value for name, value in kafka.items()}


def _with(options: Mapping[str, str]) -> str:
    return ", ".join(f"{literal(name)} = {literal(value)}" for name, value in options.items())
