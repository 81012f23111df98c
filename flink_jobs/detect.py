"""Entry of the detect job, started by `flink run` on the machine that submits: plans the graph and hands it to the cluster."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from flink_jobs import connect, graph
from flink_jobs.lasting import BOUNDED, lasting
from flink_jobs.settings import JobSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, type=Path, help="file with the job's settings, JSON")
    settings = JobSettings.from_json(parser.parse_args().settings.read_bytes())
    env = StreamExecutionEnvironment.get_execution_environment()
    env.configure(configured(settings))
    t_env = StreamTableEnvironment.create(env)
    graph.configure(env, t_env, settings)
    connect.create_events(t_env, settings)
    connect.create_records(t_env, settings)
    records = graph.build(t_env, connect.told_stream(t_env, settings), settings)
    statements = t_env.create_statement_set()
    statements.add_insert("records", records)
    statements.attach_as_datastream()
    env.execute(settings.job_name)


def configured(settings: JobSettings) -> Configuration:
    """How the job runs, wherever it does."""
    configuration = Configuration()
    bundles = {"python.fn-execution.bundle.time": "100", "python.fn-execution.bundle.size": "10000"}
    how = BOUNDED | {"python.executable": sys.executable} if settings.bounded else lasting(settings.checkpoint_interval_ms)
    for name, value in {**how, **bundles}.items():
        configuration.set_string(name, value)
    return configuration


if __name__ == "__main__":
    main()
