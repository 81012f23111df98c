"""Jobs come back after the JobManager's death, from the newest checkpoint that is whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

from deploy.local import checkpoints
from deploy.local.home import Home
from deploy.local.life import DELAYS_MS
from deploy.local.resubmission import Job, Resubmission, adopt_in, jobs_of, submit_arguments

DETECT = Job("detect", ("job", "submit", "detect"), "aa")
HISTORY = Job("history", ("job", "submit", "history"), "bb")


def checkpoint(home: Path, job_id: str, number: int, content: bytes = checkpoints.MAGIC + b"rest") -> Path:
    path = home / "checkpoints" / job_id / f"chk-{number}"
    path.mkdir(parents=True)
    (path / "_metadata").write_bytes(content)
    return path


def plan(*jobs: Job) -> Resubmission:
    found = Resubmission(lambda job_id: Path(f"/chk/{job_id}"), lambda job, job_id: None)
    found.jobmanager_started(jobs)
    return found


def test_the_newest_whole_checkpoint_counts_numbers_not_letters(tmp_path: Path) -> None:
    """chk-10 is newer than chk-9; one without metadata, or with half of it, is none."""
    checkpoint(tmp_path, "aa", 9)
    newest = checkpoint(tmp_path, "aa", 10)
    (tmp_path / "checkpoints" / "aa" / "chk-11").mkdir()
    checkpoint(tmp_path, "aa", 12, content=b"\x49")
    checkpoint(tmp_path, "bb", 99)

    assert checkpoints.newest_whole(Home(tmp_path), "aa") == newest


def test_a_job_without_a_checkpoint_falls_back_on_what_it_was_restored_from(tmp_path: Path) -> None:
    """Two deaths in a row, the second before the first checkpoint, must not cost the state."""
    home = Home(tmp_path)
    origin = checkpoint(tmp_path, "aa", 3)
    checkpoints.remember_origin(home, "bb", origin)

    assert checkpoints.newest_whole(home, "bb") == origin
    own = checkpoint(tmp_path, "bb", 4)
    assert checkpoints.newest_whole(home, "bb") == own


def test_what_a_predecessor_left_goes_when_nobody_needs_it(tmp_path: Path) -> None:
    """Not before the job has a checkpoint of its own, and never anything outside the folder of checkpoints."""
    home = Home(tmp_path)
    origin, savepoint = checkpoint(tmp_path, "aa", 3), checkpoint(tmp_path / "elsewhere", "s", 1)
    checkpoints.remember_origin(home, "bb", origin)
    checkpoints.remember_origin(home, "cc", savepoint)
    checkpoint(tmp_path, "cc", 1)

    checkpoints.tidy(home, "bb")
    assert origin.exists()
    checkpoint(tmp_path, "bb", 4)
    checkpoints.tidy(home, "bb")
    checkpoints.tidy(home, "cc")

    assert not origin.parent.exists()
    assert savepoint.exists()


def test_a_predecessor_that_still_runs_keeps_its_own(tmp_path: Path) -> None:
    """A job may be submitted from another's checkpoint."""
    home = Home(tmp_path)
    origin = checkpoint(tmp_path, "aa", 3)
    checkpoints.remember_origin(home, "bb", origin)
    checkpoint(tmp_path, "bb", 4)

    checkpoints.tidy(home, "bb", {"aa", "bb"})

    assert origin.exists()


def test_what_no_job_has_needed_for_a_week_goes(tmp_path: Path) -> None:
    """Not what a job or the JobManager knows, not what one of them was restored from, not what is younger."""
    home, now = Home(tmp_path), 1_800_000_000_000
    for job_id in ("known", "origin", "young", "forgotten"):
        written = checkpoint(tmp_path, job_id, 1)
        at = (now - (checkpoints.KEPT_MS if job_id == "young" else checkpoints.KEPT_MS + 1000)) / 1000
        for path in (written / "_metadata", written, written.parent):
            os.utime(path, (at, at))
    checkpoints.remember_origin(home, "known", tmp_path / "checkpoints" / "origin" / "chk-1")
    os.utime(tmp_path / "checkpoints" / "known", (1, 1))

    assert checkpoints.sweep(home, {"known"}, now) == ["forgotten"]

    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["known", "origin", "young"]


def test_nothing_to_restore_is_a_fresh_start(tmp_path: Path) -> None:
    """No folder, and an origin that is gone, are the same: none."""
    home = Home(tmp_path)
    checkpoints.remember_origin(home, "bb", tmp_path / "gone")

    assert checkpoints.newest_whole(home, "aa") is None
    assert checkpoints.newest_whole(home, "bb") is None


def test_jobs_return_one_at_a_time() -> None:
    """The second is submitted when the first has been, each from its checkpoint."""
    back = plan(DETECT, HISTORY)

    assert back.next(0, [DETECT, HISTORY], dict) == (DETECT, Path("/chk/aa"))
    assert back.next(0, [DETECT, HISTORY], dict) is None
    back.done("detect")
    assert back.next(0, [DETECT, HISTORY], dict) == (HISTORY, Path("/chk/bb"))
    assert [(one.name, one.state) for one in back.states()] == [("detect", "submitted"), ("history", "submitting")]


def test_what_the_user_stopped_or_submitted_meanwhile_is_left_alone() -> None:
    """A job whose file is gone, or whose id the JobManager knows, needs nobody."""
    back = plan(DETECT, HISTORY)

    assert back.next(0, [Job("detect", DETECT.arguments, "cc")], lambda: {"cc": ""}) is None
    assert back.states() == ()


def test_a_job_that_runs_under_another_id_has_returned(tmp_path: Path) -> None:
    """Its submission was taken and never noted: no second one beside it; from now on its own id counts."""
    home = Home(tmp_path)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "detect.json").write_text(json.dumps({"arguments": DETECT.arguments, "job_id": "aa", "options": {"a": 1}}))
    before = checkpoint(tmp_path, "aa", 7)
    back = Resubmission(lambda job_id: None, adopt_in(home))
    back.jobmanager_started(jobs_of(home))

    assert back.next(0, jobs_of(home), lambda: {"old": "", "new": "detect", "other": "history"}) is None

    assert [(one.name, one.state) for one in back.states()] == [("detect", "submitted")]
    assert json.loads((tmp_path / "jobs" / "detect.json").read_text()) == {
        "arguments": list(DETECT.arguments),
        "job_id": "new",
        "options": {"a": 1},
    }
    assert checkpoints.newest_whole(home, "new") == before


def test_a_refused_submission_is_tried_later_and_in_the_end_failed() -> None:
    """With the reason; until somebody asks for another attempt."""
    back, now = plan(DETECT), 0
    for delay in DELAYS_MS:
        assert back.next(now, [DETECT], dict)
        back.refused("detect", now, "no slots")
        assert back.next(now + delay - 1, [DETECT], dict) is None
        now += delay
    assert back.next(now, [DETECT], dict)

    back.refused("detect", now, "no slots")

    assert back.next(now + 10**9, [DETECT], dict) is None
    assert [(one.state, one.why) for one in back.states()] == [("failed", "no slots")]
    back.forgive(now)
    assert back.next(now, [DETECT], dict)


def test_job_files_are_read_as_they_are_written(tmp_path: Path) -> None:
    """A file that was cut off is no job."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "detect.json").write_text(json.dumps({"name": "detect", "arguments": DETECT.arguments, "job_id": "aa"}))
    (tmp_path / "jobs" / "half.json").write_text('{"name": "half", "argum')

    assert jobs_of(Home(tmp_path)) == [DETECT]


def test_an_old_restore_is_replaced() -> None:
    """A job that was itself submitted with --restore comes back from its newest checkpoint, or from none."""
    job = Job("detect", ("job", "submit", "detect", "--restore", "/old", "--delay", "1"), "aa")

    assert submit_arguments(job, Path("/new")) == ["job", "submit", "detect", "--delay", "1", "--restore", "/new"]
    assert submit_arguments(job, None) == ["job", "submit", "detect", "--delay", "1"]
