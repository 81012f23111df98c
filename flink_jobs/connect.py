"""The only file with connectors: where events come from and where records go to."""

from __future__ import annotations

from collections.abc import Mapping

from pyflink.common import Duration, SimpleStringSchema, WatermarkStrategy
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.datastream.connectors.kafka import KafkaOffsetsInitializer, KafkaSource
from pyflink.table import StreamTableEnvironment

from flink_jobs import tables
from flink_jobs.rules.conditions import literal
from flink_jobs.settings import JobSettings
from logverse.topics import LOGS, RECORD_BYTES, named

# What the job writes to; the record itself says which (column `topic`).
WRITTEN = ("alerts", "alerts.state", "rules.status", "summaries", "logs.late")


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


def rules_stream(env: StreamExecutionEnvironment, settings: JobSettings) -> DataStream:
    """Topic `rules` from its beginning, as JSON text. Soon idle, so that it never holds up event time."""
    source = (
        KafkaSource.builder()
        .set_topics(named("rules", settings.topic_prefix))
        .set_group_id(named(f"{settings.job_name}-rules", settings.topic_prefix))
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(SimpleStringSchema())
        .set_properties(dict(settings.kafka))
        .build()
    )
    # No watermark of its own: a rule's time is the clock of whoever applied it, and must not become event time.
    timeless = WatermarkStrategy.no_watermarks().with_idleness(Duration.of_millis(500))
    return env.from_source(source, timeless, "rules").uid("rules").set_parallelism(1)


def _properties(kafka: Mapping[str, str]) -> dict[str, str]:
    return {f"properties.{name}": value for name, value in kafka.items()}


def _with(options: Mapping[str, str]) -> str:
    return ", ".join(f"{literal(name)} = {literal(value)}" for name, value in options.items())
