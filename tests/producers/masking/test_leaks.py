"""The leak test without servers: secrets in lines of every form are in nothing that is sent, said or kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from logverse.cli.main import logverse
from producers import run
from producers.memory import MemoryPublisher
from producers.parsers import PARSERS

from . import secrets_planted as planted


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    """The command takes Ctrl-C for itself; pytest wants it back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> MemoryPublisher:
    """What the producer hands to Kafka."""
    publisher = MemoryPublisher()
    monkeypatch.setattr(run, "KafkaPublisher", lambda *_: publisher)
    return publisher


def produce(home: Path, log: Path, form: str, *more: str) -> str:
    """Run the command on one file; everything that it said."""
    arguments = ["--home", str(home), "--bootstrap-servers", "nowhere:9", "produce", str(log), "--service", "shop", "--type", form]
    done = CliRunner().invoke(logverse, [*arguments, "--no-follow", *more])
    assert done.exit_code in (0, 1), done.output
    return done.output


FORMS = ("access", "json", "java", "syslog", "logfmt", "plain")


@pytest.mark.parametrize("form", FORMS)
def test_no_secret_leaves(tmp_path: Path, sent: MemoryPublisher, form: str) -> None:
    """Events, their keys, dead letters with their bytes, heartbeats, what the command says, checkpoint and status: no secret in them."""
    (tmp_path / "logs").mkdir()
    logs = planted.files(tmp_path / "logs")

    told = produce(tmp_path / "home", logs[form], form, "--masking", "default")

    assert len(sent.records) >= len(planted.SECRETS)
    assert [leak for record in sent.records for leak in planted.of_record(*record)] == []
    assert [leak for beat in sent.beats for leak in planted.leaks("a heartbeat", beat)] == []
    assert planted.leaks("what the command says", told.encode()) == []
    assert planted.below(tmp_path, logs.values()) == []
    assert "masked: " in told


@pytest.mark.parametrize("form", FORMS)
def test_the_look_would_find_them(tmp_path: Path, sent: MemoryPublisher, form: str) -> None:
    """Without a policy every kind of secret is found in what is sent: the test above looks where they would be."""
    (tmp_path / "logs").mkdir()

    produce(tmp_path / "home", planted.files(tmp_path / "logs")[form], form)

    found = {leak.split(" in ")[0] for record in sent.records for leak in planted.of_record(*record)}
    assert found >= {kind.split(" in ")[0] for kind in planted.SECRETS}


def test_forms_are_those_of_the_dict() -> None:
    """Every form that secrets are planted in is one that producers read."""
    assert set(FORMS) <= set(PARSERS)
