"""Entry of the history job, started by `flink run` on the machine that submits: plans the graph and hands it to the cluster."""

from __future__ import annotations

import argparse
from pathlib import Path

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from flink_jobs import connect, history_graph
from flink_jobs.history_settings import HistorySettings
from flink_jobs.lasting import FOR_EVER, lasting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, type=Path, help="file with the job's settings, JSON")
    settings = HistorySettings.from_json(parser.parse_args().settings.read_bytes())
    env = StreamExecutionEnvironment.get_execution_environment()
    env.configure(configured(settings))
    t_env = StreamTableEnvironment.create(env)
    history_graph.configure(env, t_env, settings)
    connect.create_raw(t_env, settings)
    connect.create_dead_letters(t_env, settings)
    for build in (history_graph.build_series, history_graph.build):
        statements = t_env.create_statement_set()
        statements.add_insert("dead_letters", build(t_env, connect.keeper_of(settings), settings))
        statements.attach_as_datastream()  # planned now, with what `build` has set up
    env.execute(settings.job_name)


def configured(settings: HistorySettings) -> Configuration:
    """While the store is away the job waits, and no checkpoint passes it: that must never end the job."""
    configuration = Configuration()
    for name, value in lasting(settings.checkpoint_interval_ms, FOR_EVER).items():
        configuration.set_string(name, value)
    return configuration


if __name__ == "__main__":
    main()
