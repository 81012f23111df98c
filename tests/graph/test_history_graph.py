"""The history job's graph on a mini-cluster: every record reaches the keeper once, by the right door, and dead letters come out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import orjson
import pytest

from flink_jobs.history_settings import HistorySettings
from flink_jobs.keeper import Keeper, Refusal, Row
from logverse.event import LogEvent, heartbeat

pytestmark = pytest.mark.flink

AT = 1_790_000_000_000
SETTINGS = HistorySettings(
    kafka={"sasl.jaas.config": "secret"}, parallelism=1, batch_rows=50, batch_summaries=20, batch_ms=200, large_characters=2_000
)


class Notes:
    """Writes down what it is to keep, a line a batch: the keeper works in another process."""

    def __init__(self, path: str) -> None:
        self._path = path

    def keeps(self, log_type: str, *_: object) -> bool:
        return True

    def save_events(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        with Path(self._path).open("a") as file:
            file.write(json.dumps([[row[1], row[3], row[2]] for row in rows]) + "\n")
        return []

    save_alerts = save_anomalies = save_events

    def save_summaries(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        with Path(self._path).open("a") as file:
            file.write(json.dumps([id(self), *(position for position, _ in rows)]) + "\n")
        return []

    def close(self) -> None: ...


def keeper(path: str) -> Keeper:
    return Keeper(partial(Notes, path), {}, "", lambda: 0, lambda _: None)


def event(number: int, body: str = "short") -> bytes:
    return LogEvent(AT + number, AT, "http", "web", 9, body, f"uid-{number}").to_json()


@pytest.fixture
def environments(flink_settings: dict[str, str]) -> tuple[Any, Any]:
    """The stream and the table environment as the job configures them. What the keeper needs travels by value: a worker has no tests."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    from flink_jobs import history_graph

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    configuration = Configuration()
    for name, value in flink_settings.items():
        configuration.set_string(name, value)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    t_env = StreamTableEnvironment.create(env)
    history_graph.configure(env, t_env, SETTINGS)
    return env, t_env


def run(environments: tuple[Any, Any], values: Sequence[bytes | None], notes: Path) -> tuple[list[list[list[Any]]], list[dict[str, Any]]]:
    """What was kept, by batch, and the dead letters."""
    from flink_jobs import history_graph

    _, t_env = environments
    put(t_env, "raw", "logs.http", values)
    with history_graph.build(t_env, partial(keeper, str(notes)), SETTINGS).execute().collect() as letters:
        found = [orjson.loads(letter[0]) for letter in letters]
    return [json.loads(line) for line in notes.read_text().splitlines()], found


def put(t_env: Any, table: str, topic: str, values: Sequence[bytes | None]) -> None:
    """The table of these records of this topic."""
    from pyflink.table import DataTypes

    row = DataTypes.ROW(
        [
            DataTypes.FIELD("topic", DataTypes.STRING()),
            DataTypes.FIELD("partition", DataTypes.INT()),
            DataTypes.FIELD("offset", DataTypes.BIGINT()),
            DataTypes.FIELD("appended", DataTypes.BIGINT()),
            DataTypes.FIELD("value", DataTypes.BYTES()),
        ]
    )
    rows = [(topic, 1, number, AT + number, value if value is None else bytearray(value)) for number, value in enumerate(values)]
    t_env.create_temporary_view(table, t_env.from_elements(rows, row))


def test_all_summaries_go_to_one_keeper(environments: tuple[Any, Any], tmp_path: Path) -> None:
    """Small and large: who rolls a minute up must know all of its parts. In batches of their own size."""
    from flink_jobs import history_graph

    _, t_env = environments
    notes = tmp_path / "notes"
    put(t_env, "raw_summaries", "summaries", [b"x" * (5_000 if number % 5 == 0 else 50) for number in range(100)])

    with history_graph.build_series(t_env, partial(keeper, str(notes)), SETTINGS).execute().collect() as letters:
        assert list(letters) == []

    batches = [json.loads(line) for line in notes.read_text().splitlines()]
    assert len({keeper for keeper, *_ in batches}) == 1
    assert sorted(int(position.rpartition(":")[2]) for _, *positions in batches for position in positions) == list(range(100))
    assert 1 < max(len(batch) - 1 for batch in batches) <= SETTINGS.batch_summaries


def test_every_record_is_kept_once(environments: tuple[Any, Any], tmp_path: Path) -> None:
    """In batches, large ones one by one; what cannot be kept comes out as a dead letter with its place."""
    small = [event(number) for number in range(120)]
    large = [event(number, "x" * 3_000) for number in range(1000, 1010)]
    odd = [None, b"", b"gar\nbage \xff", heartbeat(AT, "web"), b"y" * 5_000]

    batches, letters = run(environments, [*small, *large, *odd], tmp_path / "notes")

    kept = Counter(uid for batch in batches for _, uid, _ in batch)
    assert kept == Counter([f"uid-{number}" for number in (*range(120), *range(1000, 1010))])
    assert max(map(len, batches)) > 30
    assert all(len(batch) == 1 for batch in batches if any(int(uid[4:]) >= 1000 for _, uid, _ in batch))
    assert sorted((letter["origin"]["offset"], letter["reason"]) for letter in letters) == [
        (130, "empty record"),
        (131, "not JSON"),
        (132, "not JSON"),
        (134, "not JSON"),
    ]


def test_every_operator_has_a_name_and_an_identity(environments: tuple[Any, Any], tmp_path: Path) -> None:
    """And a largest parallelism: a savepoint of today is found by the operators of tomorrow."""
    from pyflink.java_gateway import get_gateway

    from flink_jobs import history_graph

    env, t_env = environments
    for table in ("raw", "raw_summaries"):
        t_env.execute_sql(
            f"CREATE TEMPORARY TABLE `{table}` (`topic` STRING, `partition` INT, `offset` BIGINT, `appended` BIGINT, `value` BYTES) "
            "WITH ('connector' = 'datagen', 'number-of-rows' = '1')"
        )
    t_env.execute_sql("CREATE TEMPORARY TABLE `dead_letters` (`letter` STRING) WITH ('connector' = 'blackhole')")
    for build in (history_graph.build_series, history_graph.build):
        statements = t_env.create_statement_set()
        statements.add_insert("dead_letters", build(t_env, partial(keeper, str(tmp_path / "notes")), SETTINGS))
        statements.attach_as_datastream()

    java_util = get_gateway().jvm.java.util
    nodes = list(java_util.ArrayList(env._j_stream_execution_environment.getStreamGraph(True).getStreamNodes()))

    assert len(nodes) >= 8
    assert len({node.getTransformationUID() for node in nodes}) == len(nodes)
    assert [node.getOperatorName() for node in nodes if not node.getTransformationUID()] == []
    assert {node.getMaxParallelism() for node in nodes} == {SETTINGS.max_parallelism}


def test_the_function_that_travels_has_the_stores_secret_only() -> None:
    """Kafka's way in is in the connectors, not in the pickles."""
    from flink_jobs import connect

    settings = HistorySettings({"sasl.jaas.config": "kafka-secret"}, secrets={"cassandra_password_file": "store-secret"})

    pickled = cloudpickle.dumps(connect.keeper_of(settings))

    assert b"kafka-secret" not in pickled
    assert pickled.count(b"store-secret") == 1
    assert "secret" not in repr(settings)
