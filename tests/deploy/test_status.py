"""What `status`, `doctor`, `logs` and `down` say about a home where nothing runs, and how their rows look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.doctor import CHECKS, machine, outcome
from deploy.doctor.cluster import checkpoint_finding
from deploy.doctor.finding import Finding, Patient
from deploy.local import overview, stack, state
from deploy.local.home import Home
from deploy.local.servers import SERVERS
from deploy.local.state import JobState, ProcessState, StackState
from logverse.cli.main import logverse
from logverse.errors import TryAgain, WrongSettings
from logverse.settings import Settings

MINUTE = 60_000


def run(home: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(logverse, ["--home", str(home), *arguments], standalone_mode=False)
    return (done.return_value or 0) if not done.exception else 2, done.output + str(done.exception or "")


def test_status_of_nothing_is_stopped_and_says_what_to_do(tmp_path: Path) -> None:
    """Exit code 1, every server listed, nothing created in the home."""
    code, said = run(tmp_path / "none", "status")

    assert code == 1
    assert all(f"{name:<12} stopped".split() == line.split()[:2] for name, line in zip(SERVERS, said.splitlines()[1:], strict=False))
    assert f"no stack is up in {tmp_path / 'none'} → logverse up" in said
    assert not (tmp_path / "none").exists()


def test_status_after_a_reboot_does_not_believe_the_old_state(tmp_path: Path) -> None:
    """The file says ready, nobody holds the lock, no process has the mark: stopped."""
    home = Home(tmp_path)
    home.make()
    state.write(home, StackState(1, 4711, False, (ProcessState("kafka", "server", "ready", 4711),)))

    seen = overview.look(home, now=2)

    assert (seen["ready"], [one["state"] for one in seen["processes"]], seen["supervisor"]["pid"]) == (False, ["stopped"], None)


def test_state_survives_its_file(tmp_path: Path) -> None:
    """What the supervisor writes is what readers get."""
    home = Home(tmp_path)
    home.make()
    written = StackState(
        5, 7, True, (ProcessState("kafka", "server", "failed", None, "127.0.0.1:1", 3, "why", "log"),), (JobState("detect", "waiting"),)
    )

    state.write(home, written)

    assert state.read(home) == written


def test_a_failure_names_process_port_line_and_log(tmp_path: Path) -> None:
    """What `up` says when a server does not come up."""
    one = ProcessState("kafka", "server", "failed", None, "127.0.0.1:29092", 6, "ended with exit code 1: Address already in use")

    said = stack.failure(Home(tmp_path), one)

    assert (
        said == f"kafka (port 29092) is not ready: ended with exit code 1: Address already in use\n  → its log: {tmp_path}/logs/kafka.log"
    )


def test_wiping_deletes_what_the_stack_made_and_nothing_else(tmp_path: Path) -> None:
    """The user's own files in the home stay; a folder behind a link is not followed."""
    home, outside = Home(tmp_path / "home"), tmp_path / "outside"
    home.make()
    outside.mkdir()
    (outside / "precious").write_text("x")
    (home / "data" / "link").symlink_to(outside)
    (home / "logverse.yaml").write_text("topic_prefix: a\n")

    stack.wipe(home)

    assert [path.name for path in home.path.iterdir()] == ["logverse.yaml"]
    assert (outside / "precious").exists()


def test_down_of_nothing_is_no_error_and_wipe_asks(tmp_path: Path) -> None:
    """Idempotent; without a yes nothing is deleted."""
    Home(tmp_path).make()

    assert run(tmp_path, "down") == (0, "nothing was running\n")
    assert run(tmp_path, "down", "--wipe")[0] == 2
    assert (tmp_path / "data").exists()
    assert run(tmp_path, "down", "--wipe", "--yes") == (0, "nothing was running; wiped\n")


def test_logs_names_those_there_are(tmp_path: Path) -> None:
    """An unknown name is answered with the known ones; a log's escapes do not reach the terminal."""
    Home(tmp_path).make()
    (tmp_path / "logs" / "kafka.log").write_text("one\n\x1b[31mtwo\n")

    assert "no log of 'kafak': kafka" in run(tmp_path, "logs", "kafak")[1]
    assert run(tmp_path, "logs", "kafka", "-n", "1") == (0, "\\x1b[31mtwo\n")


def test_the_doctor_works_when_nothing_is_up(tmp_path: Path) -> None:
    """It looks at the machine, fails nothing for want of a stack, and says that one is missing."""
    _, said = run(tmp_path / "none", "doctor", "-o", "json")
    findings = json.loads(said)

    assert {"java", "disk", "memory", "supervisor"} <= {one["check"] for one in findings}
    assert [one["remedy"] for one in findings if one["check"] == "supervisor"] == ["logverse up"]
    assert not any(one["level"] == "fail" and one["check"] not in ("java", "jars", "versions", "disk") for one in findings)
    assert all(one["remedy"] for one in findings if one["level"] != "ok")


def test_the_doctor_weighs_what_the_jobs_have_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints and savepoints together; above the limit it says which ones may go."""
    Home(tmp_path).make()
    for name in ("checkpoints", "savepoints"):
        (tmp_path / name / "part").write_bytes(b"x" * 4000)
    patient = Patient(Home(tmp_path), Settings(home=str(tmp_path)), {}, 0)
    before = [one.level for one in machine.kept_state(patient)]

    monkeypatch.setattr(machine, "STATE_WARN", 7999)
    (after,) = machine.kept_state(patient)

    assert before == ["ok"]
    assert (after.level, str(tmp_path / "savepoints") in after.remedy) == ("warn", True)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_that_cannot_look_says_so(name: str) -> None:
    """No check ends the examination: what it could not do is a finding with a remedy."""
    patient = Patient(Home(Path("/nowhere/at/all")), Settings(home="/nowhere/at/all"), {"supervisor": {"pid": None}, "processes": []}, 0)

    for found in outcome(CHECKS[name], patient):
        assert found.level in ("ok", "warn", "fail")
        assert found.text
        assert found.remedy or found.level == "ok"


@pytest.mark.parametrize("error", [TryAgain("no Kafka answers"), WrongSettings("no Kafka answers", remedy="x")])
def test_an_absent_far_side_is_a_finding(error: Exception) -> None:
    """Whatever the error's kind, it is a failure with a remedy, not an abort."""

    def broken(_: Patient) -> object:
        raise error

    patient = Patient(Home(Path("/nowhere")), Settings(), {}, 0)

    found = [*outcome(broken, patient)]  # type: ignore[arg-type]
    assert [(one.level, one.text, bool(one.remedy)) for one in found] == [("fail", "no Kafka answers", True)]


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        (None, "warn"),
        ({"latest": {"completed": {"latest_ack_timestamp": 99 * MINUTE}}}, "ok"),
        ({"latest": {"completed": {"latest_ack_timestamp": 90 * MINUTE}}}, "warn"),
        ({"latest": {"completed": {"latest_ack_timestamp": 60 * MINUTE}, "failed": {"failure_message": "disk full"}}}, "fail"),
        ({"latest": {"completed": None}}, "fail"),
    ],
)
def test_old_checkpoints_are_found(answer: dict[str, object] | None, level: str) -> None:
    """Older than 5 minutes is doubtful, than 30 broken; none at all counts from the job's start."""
    found = checkpoint_finding("detect", answer, started=0, now=100 * MINUTE)

    assert found.level == level
    assert isinstance(found, Finding)
    assert ("disk full" in found.text) == (answer is not None and "failed" in str(answer))


@pytest.mark.parametrize("verb", ["up", "down", "status", "doctor"])
def test_without_the_flink_extra_each_verb_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """No stack trace about a module: the one line that mends it, and nothing created."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    code, said = run(tmp_path / "none", verb)

    assert code == 2
    assert "pip install 'logverse[flink]'" in said
    assert not (tmp_path / "none").exists()


def test_what_failed_says_whether_it_is_tried_again(tmp_path: Path) -> None:
    """A server of the alert path waits for the user; the store, and a process of ours, is tried each minute."""
    processes = [{"name": name, "state": "failed", "why": "disk full"} for name in ("kafka", "cassandra", "alerts-deliver")]

    said = overview.remarks(Home(tmp_path), {"processes": processes, "supervisor": {"pid": 1}})

    assert "cassandra failed: disk full" in said
    assert [line.split(":")[0] for line in said if "each minute" in line] == ["cassandra, alerts-deliver will be tried again each minute"]
    assert [line.split(":")[0] for line in said if "for good" in line] == ["kafka failed for good"]
