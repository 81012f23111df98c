"""One variant of the detect benchmark, run to the end of its topics: `python -m benchmarks.detect_variant VARIANT BROKERS PREFIX RULES`."""

from __future__ import annotations

import json
import os
import sys
import threading
import time

import psutil
from pyflink.common import Configuration, Row
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment, Table

from benchmarks import rules_200
from deploy.local.jars import jars_of
from flink_jobs import connect, graph, tables
from flink_jobs.operators import TOLD
from flink_jobs.rules.files import DEFAULTS, read_rules
from flink_jobs.settings import JobSettings

PLAIN = """SELECT `service.name` AS `key`, CONCAT_WS(' ', CAST(COUNT(*) AS STRING),
    CAST(COUNT(*) FILTER (WHERE `http.response.status_code` >= 500) AS STRING),
    CAST(AVG(`http.server.request.duration`) AS STRING), CAST(MAX(`http.server.request.duration`) AS STRING)) AS `value`, 'plain' AS `topic`
  FROM TUMBLE(TABLE `events`, DESCRIPTOR(`ts`), INTERVAL '10' SECOND) GROUP BY `service.name`, `window_start`, `window_end`"""

AS_ON_A_CLUSTER = {"_python_worker_execution_mode": "process"}  # a Python worker a slot, not threads of this process


def main() -> None:
    variant, brokers, prefix, which = sys.argv[1:]
    os.environ.update(AS_ON_A_CLUSTER)
    spent = Spent()
    rules = rules_200.rules() if which == "200" else read_rules(DEFAULTS)
    settings = JobSettings(kafka={"bootstrap.servers": brokers}, topic_prefix=prefix, rules=tuple(rules), bounded=True)
    configuration = Configuration()
    configuration.set_string("pipeline.jars", ";".join(path.as_uri() for path in jars_of("flink")))
    configuration.set_string("python.fn-execution.bundle.time", "100")
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    t_env = StreamTableEnvironment.create(env)
    graph.configure(env, t_env, settings)
    connect.create_events(t_env, settings)
    table = {"plain-window": plain, "sql-only": sql_only, "detect": detect, "rows": rows}[variant](env, t_env, settings)
    began = time.monotonic()
    if variant == "rows":
        with table.execute().collect() as counts:
            crossing, most = max((tuple(count) for count in counts), default=(0, 0))
            print(json.dumps({"rows": crossing, "most_clients": most}))
    else:
        to_nowhere(t_env, table)
        print(json.dumps({"seconds": time.monotonic() - began, "cpu_s": spent.seconds()}))


def plain(_env: StreamExecutionEnvironment, t_env: StreamTableEnvironment, _settings: JobSettings) -> Table:
    """The job that open engines were measured with: decode, ten-second windows, five figures."""
    return t_env.sql_query(PLAIN)


def sql_only(_env: StreamExecutionEnvironment, t_env: StreamTableEnvironment, settings: JobSettings) -> Table:
    """All the SQL of the detect job: what would go to Python and what goes to topics."""
    rows = graph.leave_sql(t_env, settings)
    t_env.create_temporary_view("for_python", rows)
    key_value = t_env.sql_query("SELECT `service` AS `key`, CONCAT(`items`, `more`) AS `value`, `kind` AS `topic` FROM `for_python`")
    return key_value.union_all(t_env.sql_query(tables.records(settings)))


def detect(env: StreamExecutionEnvironment, t_env: StreamTableEnvironment, settings: JobSettings) -> Table:
    """The whole graph."""
    told = env.from_collection([Row("rules", rule.to_json().decode()) for rule in settings.rules], type_info=TOLD)
    return graph.build(t_env, told, settings)


def rows(env: StreamExecutionEnvironment, t_env: StreamTableEnvironment, settings: JobSettings) -> Table:
    """How many rows cross into Python, and the most clients that one of them names."""
    sql_only(env, t_env, settings)
    clients = "(CHAR_LENGTH(`more`) - CHAR_LENGTH(REPLACE(`more`, '[\"clients\"', ''))) / 10"
    return t_env.sql_query(f"SELECT COUNT(*), MAX(COALESCE({clients}, 0)) FROM `for_python`")


def to_nowhere(t_env: StreamTableEnvironment, table: Table) -> None:
    t_env.execute_sql("CREATE TEMPORARY TABLE `nowhere` (`key` STRING, `value` STRING, `topic` STRING) WITH ('connector' = 'blackhole')")
    table.execute_insert("nowhere").wait()


class Spent:
    """User and system time of this process, its JVM and the Python workers, which are gone when their job is over: looked at meanwhile."""

    def __init__(self) -> None:
        self._seen: dict[psutil.Process, float] = {}
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            self._look()

    def _look(self) -> None:
        me = psutil.Process()
        for process in (me, *me.children(recursive=True)):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            self._seen[process] = times.user + times.system

    def seconds(self) -> float:
        """CPU seconds so far; to be asked once."""
        self._over.set()
        self._watcher.join()
        self._look()
        return sum(self._seen.values())


if __name__ == "__main__":
    main()
