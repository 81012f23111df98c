"""Runs the whole graph on events from a file, in a mini-cluster of this process: a JVM, no servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import orjson
import pytest

from logverse.event import LogEvent
from logverse.rule import Rule

Run = Callable[[Iterable[LogEvent | bytes], Iterable[Rule]], list[tuple[str, str, dict]]]


@pytest.fixture(scope="session")
def flink_settings() -> dict[str, str]:
    return {"python.fn-execution.bundle.time": "100", "taskmanager.numberOfTaskSlots": "4"}


@pytest.fixture
def run(tmp_path: Path, flink_settings: dict[str, str]) -> Run:
    """The records (topic, key, value) that the graph makes of these events under these rules."""
    from pyflink.common import Configuration, Types
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    from flink_jobs import graph, tables
    from flink_jobs.settings import JobSettings

    def run(events: Iterable[LogEvent | bytes], rules: Iterable[Rule]) -> list[tuple[str, str, dict]]:
        settings = JobSettings(kafka={}, parallelism=1, rules=tuple(rules))
        configuration = Configuration()
        for name, value in flink_settings.items():
            configuration.set_string(name, value)
        env = StreamExecutionEnvironment.get_execution_environment(configuration)
        t_env = StreamTableEnvironment.create(env)
        graph.configure(env, t_env, settings)
        path = tmp_path / "events.jsonl"
        path.write_bytes(b"\n".join(event if isinstance(event, bytes) else _appended(event) for event in events))
        columns = ", ".join(f"`{name}` {kind}" for name, kind in tables.DECODED.items())
        t_env.execute_sql(
            f"CREATE TEMPORARY TABLE `events` ({columns}, `appended` TIMESTAMP_LTZ(3), {tables.time_columns(settings)}) WITH "
            f"('connector'='filesystem', 'path'='{path.as_uri()}', 'format'='json', 'json.ignore-parse-errors'='true', "
            "'json.timestamp-format.standard'='ISO-8601')"
        )
        told = env.from_collection([rule.to_json().decode() for rule in settings.rules], type_info=Types.STRING())
        with graph.build(t_env, told, settings).execute().collect() as rows:
            return [(topic, key, _value(value)) for key, value, topic in rows]

    return run


def _appended(event: LogEvent) -> bytes:
    """The event's record with the time that a broker would have given it: at once."""
    flat = orjson.loads(event.to_json())
    return orjson.dumps({**flat, "appended": flat["timestamp"]})


def _value(text: str) -> dict:
    found: dict = orjson.loads(text)
    return found
