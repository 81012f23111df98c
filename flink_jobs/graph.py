"""The detect job's pipeline, top to bottom: events in, records for topics out. It knows no broker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pyflink.common import Types
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import Schema, StreamTableEnvironment, Table

from flink_jobs import tables
from flink_jobs.operators import ACROSS, RECORD, RULES, WORDS, Evaluate
from flink_jobs.rules.conditions import Conditions
from flink_jobs.rules.reach import Reach
from flink_jobs.settings import JobSettings
from logverse.identity import digest


def configure(env: StreamExecutionEnvironment, t_env: StreamTableEnvironment, settings: JobSettings) -> None:
    """What the graph needs of Flink to be right, wherever it runs."""
    env.set_parallelism(settings.parallelism)
    env.set_max_parallelism(settings.max_parallelism)
    env.set_buffer_timeout(10)
    env.get_config().set_auto_watermark_interval(50)
    for name, value in {
        # Two-phase window aggregation dropped rows when a source partition was idle.
        "table.optimizer.agg-phase-strategy": "ONE_PHASE",
        "table.exec.source.idle-timeout": f"{settings.idle_timeout_ms} ms",
        "table.exec.uid.generation": "ALWAYS",
        "table.exec.uid.format": f"{version(settings)}_<id>_<transformation>",
        "table.local-time-zone": "UTC",
    }.items():
        t_env.get_config().set(name, value)


def version(settings: JobSettings) -> str:
    """Part of every SQL operator's uid: other SQL must not take over the state of the old one, the same SQL must.

    The SQL follows from the rules (an `any` rule adds a branch), and then operators change place.
    """
    return digest(*views(settings).values(), tables.records(settings))[:8]


def build(t_env: StreamTableEnvironment, told: DataStream, settings: JobSettings) -> Table:
    """Records (key, value, topic) for all that is found, confirmations, summaries and what came too late, out of table `events`.

    `told` are the rules and what else is said to the job, rows of type `operators.TOLD`.
    """
    reach = Reach.of(settings.rules)
    left = leave_sql(t_env, settings)
    heard = told.broadcast(RULES, WORDS)
    settings = replace(settings, kafka={})  # the operators travel as pickles: no secrets in them
    rows = t_env.to_data_stream(left)
    within = (
        rows.key_by(_key, key_type=Types.STRING())
        .connect(heard)
        .process(Evaluate(settings, reach, across=False), output_type=RECORD)
        .name("evaluate rules")
        .uid("evaluate-rules")
    )
    across = (
        within.get_side_output(ACROSS)
        .key_by(_key, key_type=Types.STRING())
        .connect(heard)
        .process(Evaluate(settings, reach, across=True), output_type=RECORD)
        .name("evaluate rules across services")
        .uid("evaluate-rules-across")
    )
    decided = t_env.from_data_stream(within.union(across))
    return decided.union_all(t_env.sql_query(tables.records(settings)))


def leave_sql(t_env: StreamTableEnvironment, settings: JobSettings) -> Table:
    """All the SQL over `events`, ending in what the rules must see. Creates view `left`: everything that left, for `tables.records`.

    The rows pass through a DataStream once: what is made from it afterwards shares the one scan of the source, which two
    `to_data_stream` over the same views would not.
    """
    for name, query in views(settings).items():
        t_env.create_temporary_view(name, t_env.sql_query(query))
    leaving = t_env.to_data_stream(t_env.from_path("leaving"))
    schema = (
        Schema.new_builder()
        .column("kind", "STRING")
        .column("service", "STRING")
        .column("at", "BIGINT")
        .column("items", "STRING")
        .column("more", "STRING")
        # Without a rowtime column the watermarks would end here, and with them every event-time timer behind.
        .column_by_expression("rowtime", "TO_TIMESTAMP_LTZ(`at`, 3)")
        .watermark("rowtime", "SOURCE_WATERMARK()")
        .build()
    )
    t_env.create_temporary_view("left", t_env.from_data_stream(leaving, schema))
    return t_env.sql_query(tables.for_python())


def views(settings: JobSettings) -> dict[str, str]:
    """The SQL of a job with these settings, by name (see `tables.views`)."""
    reach = Reach.of(settings.rules)
    clauses = {name: Conditions(where).sql() for name, where in reach.clauses.items()}
    wanted = {view: _one_of(reach.about.get(view, ({},))) for view in reach.views if view != "traffic"}
    return tables.views(settings, clauses, wanted)


def _one_of(wheres: Iterable[Mapping[str, Any]]) -> str:
    return " OR ".join(f"({Conditions(where).sql()})" for where in wheres)


def _key(row) -> str:
    return row[1]
