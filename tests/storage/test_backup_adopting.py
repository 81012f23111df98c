"""Whole files that no manifest speaks of are taken in, whoever promised them once; what is none of ours is let be."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from storage.backup import joins
from tests.storage.backup_world import HOUR, NOON, World, damaged
from tests.storage.test_backup_run import fill


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_what_only_a_broken_manifest_promised_is_taken_in_again(world):
    """Also when Kafka has none of it any more, and however long ago it was: what lies there is all that is left, and no gap."""
    fill(world)
    world.backup().run()
    expected = world.rows()
    for day in (1, 2):
        world.now = NOON + day * 24 * HOUR + HOUR
        fill(world, 50, since=250 + 86_400 * day)
        world.backup().run()
    expected |= world.expected()
    for number in (0, 1):
        world.topics["logs.http", number].delete_before(140)
    damaged(world, "manifests/00000001.json", 99)

    outcome = world.backup().run()

    assert (outcome.adopted, outcome.gaps, world.rows()) == (2, [], expected)
    assert all("0000001" in problem for problem in joins.problems(world.archive()))


def test_files_that_are_none_of_ours_are_let_be(world):
    """Whoever may write to the target may put anything there: Parquet without rows or statistics, or of another topic."""
    fill(world)
    day = world.target.root / "data/type=http/dt=2023-11-15/hour=00"
    day.mkdir(parents=True)
    about = {"logverse.topic_id": world.topics.id_of("logs.http"), "logverse.partition": "0", "logverse.start": "0"}
    offsets = pa.table({"offset": pa.array([0], pa.int64())})
    pq.write_table(offsets.slice(0, 0).replace_schema_metadata(about | {"logverse.topic": "logs.http"}), day / "a.parquet")
    pq.write_table(offsets.replace_schema_metadata(about), day / "b.parquet", write_statistics=False)
    pq.write_table(offsets.replace_schema_metadata(about | {"logverse.topic": "rules"}), day / "c.parquet")

    outcome = world.backup().run()

    assert (outcome.adopted, outcome.rows) == (0, 250)
    assert {file.span.topic for file in world.archive().files.values()} == {"logs.http"}
