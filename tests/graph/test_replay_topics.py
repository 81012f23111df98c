"""A replay makes every topic that its job will ask for."""

from __future__ import annotations

import pytest

from flink_jobs import board
from logverse.cli.replay_engine import USED
from logverse.topics import LOGS

pytestmark = pytest.mark.flink


def test_a_replay_has_every_topic_that_the_job_reads_or_writes() -> None:
    """One that is missing would end the job at its first look at Kafka."""
    from flink_jobs.connect import WRITTEN

    assert {*LOGS.values(), "rules", *board.TOPICS, *WRITTEN} == set(USED)
