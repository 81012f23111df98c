"""Runs the whole graph on events from a file, in a mini-cluster of this process: a JVM, no servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest

from logverse.event import LogEvent
from logverse.rule import Rule

Records = list[tuple[str, str, dict]]
Run = Callable[..., Records]


@pytest.fixture(scope="session")
def flink_settings() -> dict[str, str]:
    # The cluster is in this process: who does not answer it is a machine that was stopped for a while.
    patience = {"heartbeat.timeout": "3600000", "heartbeat.interval": "60000"}
    return {"python.fn-execution.bundle.time": "100", "taskmanager.numberOfTaskSlots": "4", **patience}


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory, flink_settings: dict[str, str]) -> Callable[..., tuple[Any, Any, Any]]:
    """Flink's two environments with table `events` over these events, and the job's settings."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    from flink_jobs import graph, tables
    from flink_jobs.settings import JobSettings

    def planned(events: Iterable[LogEvent | bytes], rules: Iterable[Rule], **more: Any) -> tuple[Any, Any, JobSettings]:
        settings = JobSettings(kafka={}, parallelism=1, rules=tuple(rules), **more)
        configuration = Configuration()
        for name, value in flink_settings.items():
            configuration.set_string(name, value)
        env = StreamExecutionEnvironment.get_execution_environment(configuration)
        t_env = StreamTableEnvironment.create(env)
        graph.configure(env, t_env, settings)
        path = tmp_path_factory.mktemp("events") / "events.jsonl"
        path.write_bytes(b"\n".join(event if isinstance(event, bytes) else _appended(event) for event in events))
        columns = ", ".join(f"`{name}` {kind}" for name, kind in tables.DECODED.items())
        t_env.execute_sql(
            f"CREATE TEMPORARY TABLE `events` ({columns}, `appended` TIMESTAMP_LTZ(3), {tables.time_columns(settings)}) WITH "
            f"('connector'='filesystem', 'path'='{path.as_uri()}', 'format'='json', 'json.ignore-parse-errors'='true', "
            "'json.timestamp-format.standard'='ISO-8601')"
        )
        return env, t_env, settings

    return planned


@pytest.fixture(scope="session")
def run(planned: Callable[..., tuple[Any, Any, Any]]) -> Run:
    """The records (topic, key, value) that the graph makes of these events under these rules, told these words (topic, JSON)."""
    from pyflink.common import Row

    from flink_jobs import graph
    from flink_jobs.operators import TOLD

    def run(events: Iterable[LogEvent | bytes], rules: Iterable[Rule], words: Iterable[tuple[str, str]] = ()) -> Records:
        env, t_env, settings = planned(events, rules)
        said = [("rules", rule.to_json().decode()) for rule in settings.rules] + list(words)
        told = env.from_collection([Row(*word) for word in said or [("rules", "")]], type_info=TOLD)
        with graph.build(t_env, told, settings).execute().collect() as rows:
            return [(topic, key, _value(value)) for key, value, topic in rows]

    return run


@pytest.fixture(scope="session")
def left(planned: Callable[..., tuple[Any, Any, Any]]) -> Callable[..., list[tuple[str, str, int, str, str]]]:
    """The rows (kind, service, at, items, more) that the SQL hands to Python."""
    from flink_jobs import graph

    def left(events: Iterable[LogEvent], rules: Iterable[Rule], **more: Any) -> list[tuple[str, str, int, str, str]]:
        _, t_env, settings = planned(events, rules, **more)
        with graph.leave_sql(t_env, settings).execute().collect() as rows:
            return [tuple(row) for row in rows]

    return left


@pytest.fixture(scope="session")
def plan(planned: Callable[..., tuple[Any, Any, Any]]) -> Callable[[Iterable[Rule]], str]:
    """How Flink would run the SQL of a job with these rules."""
    from flink_jobs import graph

    def plan(rules: Iterable[Rule]) -> str:
        _, t_env, settings = planned([], rules)
        for name, query in graph.views(settings).items():
            t_env.create_temporary_view(name, t_env.sql_query(query))
        text: str = t_env.from_path("leaving").explain()
        return text.partition("== Optimized Execution Plan ==")[2]

    return plan


def _appended(event: LogEvent) -> bytes:
    """The event's record with the time that a broker would have given it: at once."""
    flat = orjson.loads(event.to_json())
    return orjson.dumps({**flat, "appended": flat["timestamp"]})


def _value(text: str) -> dict:
    found: dict = orjson.loads(text)
    return found
