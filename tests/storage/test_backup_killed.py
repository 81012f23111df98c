"""A backup that is killed at any step of the write protocol promises nothing wrong, and the next one mends it."""

from __future__ import annotations

import os

import pytest

from storage.backup.parquet import Sums
from storage.backup.steps import Step
from tests.storage.backup_world import HOUR, NOON, Topics, World, event

KILLED = 77


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("step", Step, ids=lambda step: f"{int(step)}-{step.name.lower()}")
def test_killed_at_a_step(tmp_path, step, count):
    """What manifests promise is whole; the next backup completes the archive, and what was whole is not written again."""
    code = in_a_process_of_its_own(lambda: killed(tmp_path, step, count))
    assert code == (KILLED if count == 1 or step < Step.WRITE_MANIFEST else 0)
    world = World(tmp_path, topics(), now=NOON + 3 * HOUR)
    assert_kept(world)
    before = inodes(world)
    unpromised = before.keys() - world.archive().files.keys()

    outcome = world.backup("next").run()

    assert_kept(world)
    assert world.rows() == world.expected()
    assert {name: inode for name, inode in inodes(world).items() if name in before} == before, "written again"
    assert set(inodes(world)) == set(world.archive().files), "files that nothing promises"
    assert world.names("uploading") == []
    assert [path.name for path in (tmp_path / "spool").iterdir()] == []
    assert [(gap.span.start, gap.span.next) for gap in world.archive().gaps] == [(0, 37)]
    assert outcome.adopted == len(unpromised)


def topics():
    """Three partitions over three hours, one that was cut short by Kafka, one with holes."""
    made = Topics()
    for number in range(2400):
        made["logs.http", number % 2].put(event(f"u{number}"), NOON + number * HOUR // 1000)
    made["logs.http", 1].delete_before(37)
    made["rules", 0].put(b"{}", key=b"r")
    made["rules", 0].hole(5)
    made["rules", 0].put(None, NOON + 5, key=b"r", headers=[("by", b"me")])
    made["silences", 0].hole(3)
    return made


def killed(root, step, count):
    """A backup that ends at once when it is about to take the step for the n-th time. One worker: that is the same in every run."""
    left = count

    def announce(at, _):
        nonlocal left
        left -= at == step
        if left == 0:
            os._exit(KILLED)

    World(root, topics(), now=NOON + 3 * HOUR).backup("killed", announce=announce, parallel=1).run()


def in_a_process_of_its_own(work):
    """Its exit code: 0 when the work came to its end."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def assert_kept(world):
    """Every file of every manifest is there, with the bytes that it is said to have."""
    archive = world.archive()
    assert archive.broken == {}
    for file in archive.files.values():
        with world.target.open(file.name) as opened:
            assert Sums.of(opened, ()).sha256 == file.sha256


def inodes(world):
    """The files under their final names, and which they are: one that is written again is another."""
    return {name: (world.target.root / name).stat().st_ino for name in world.names()}


def test_every_step_is_told():
    """Each has its number, in order, and says what it does."""
    assert [int(step) for step in Step] == list(range(1, len(Step) + 1))
    assert all(step.about.endswith(".") for step in Step)
