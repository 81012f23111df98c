"""`logverse produce`: what it understands, what it says when it does not, what it leaves for the supervisor."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from logverse.cli.main import logverse
from logverse.errors import WrongSettings
from producers.account import Account, Totals
from producers.metrics import Measured, ProducerMetrics, serve
from producers.progress import Progress
from producers.sources import patterns

GAUGES = {"lag_bytes": 2_500_000, "in_flight_records": 17, "kafka_up": 0, "disorder_seconds": 1.5}


def run(tmp_path: Path, *arguments: str) -> Result:
    home = ["--home", str(tmp_path / "home"), "--bootstrap-servers", "127.0.0.1:9"]
    return CliRunner().invoke(logverse, [*home, "produce", *arguments])


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["nowhere.log", "--service", "web", "--no-follow"], "nowhere.log: no such file"),
        ([".", "--service", "web"], "not a regular file"),
        (["a.log", "--service", "../web"], "--service"),
        (["a.log", "--service", "web", "--type", "runes"], "--type"),
        (["a.log", "--service", "web", "--poll", "fast"], "--poll"),
        (["a.log", "--service", "web", "--watermark-delay", "0s"], "--watermark-delay"),
        (["a.log", "--service", "web", "--detach", "--no-follow"], "--detach"),
        (["a.log"], "--service"),
        (["a.log", "-", "--service", "web"], "-: stands beside"),
        (["syslog://web:1514", "--service", "web"], "syslog://web:1514"),
        (["tcp://127.0.0.1:1514", "--service", "web"], "tcp://"),
        (["syslog://127.0.0.1:1514", "--service", "web", "--no-follow"], "--no-follow"),
        (["-", "--service", "web", "--detach"], "--detach"),
        (["a.log", "--service", "web", "--config", "a.yaml"], "--config"),
        (["a.log", "--service", "web", "--from", "everywhere"], "--from"),
    ],
)
def test_mistakes_are_named_before_anything_starts(tmp_path: Path, arguments: list[str], what: str) -> None:
    """A mistake on the command line ends in a message with its place and its remedy, before Kafka is asked."""
    error = run(tmp_path, *arguments).exception

    assert isinstance(error, WrongSettings)
    assert what in str(error)
    assert error.remedy


def test_detach_leaves_an_entry_for_the_supervisor(tmp_path: Path) -> None:
    """The entry holds all that a process started elsewhere needs: absolute names, global flags, every option."""
    result = run(tmp_path, "logs/*.log", "--service", "web", "--detach", "--metrics-port", "9108", "--host", "h")

    entry = orjson.loads((tmp_path / "home" / "services" / "produce-web.json").read_bytes())
    assert entry["name"] == "produce-web"
    assert entry["arguments"] == [
        "--bootstrap-servers", "127.0.0.1:9", "produce", str(Path.cwd() / "logs/*.log"), "--service", "web", "--type", "auto",
        "--host", "h", "--poll", "200ms", "--watermark-delay", "1s",
        "--checkpoint", str(tmp_path / "home" / "producers" / "web.json"), "--metrics-port", "9108",
    ]  # fmt: skip
    assert "logverse up" in result.output


def test_detach_keeps_what_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor's process has another environment: what ours says becomes flags."""
    monkeypatch.setenv("LOGVERSE_TOPIC_PREFIX", "team-a")
    monkeypatch.setenv("LOGVERSE_BOOTSTRAP_SERVERS", "kafka:9092")
    home = tmp_path / "home"

    CliRunner().invoke(logverse, ["--home", str(home), "produce", "a.log", "--service", "web", "--detach"], catch_exceptions=False)

    entry = orjson.loads((home / "services" / "produce-team-a.web.json").read_bytes())
    assert entry["arguments"][:5] == ["--bootstrap-servers", "kafka:9092", "--topic-prefix", "team-a", "produce"]
    assert "--host" not in entry["arguments"]


def test_detach_refuses_what_no_flag_can_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that only the environment names would be missing later: they belong into the file, and then all is well."""
    monkeypatch.setenv("LOGVERSE_SASL_USERNAME", "ann")

    error = run(tmp_path, "a.log", "--service", "web", "--detach").exception
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "logverse.yaml").write_text("sasl_username: ann\n")
    after = run(tmp_path, "a.log", "--service", "web", "--detach")

    assert isinstance(error, WrongSettings)
    assert "sasl_username" in str(error)
    assert "logverse.yaml" in error.remedy
    assert after.exit_code == 0


def test_folder_that_may_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log in a folder of other people's is named with the way in, not with a stack trace."""
    plain = Path.stat

    def stat(path: Path, **more: bool) -> os.stat_result:
        if "closed" in path.parts:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return plain(path, **more)

    monkeypatch.setattr(Path, "stat", stat)

    error = run(tmp_path, str(tmp_path / "closed" / "access.log"), "--service", "web").exception

    assert isinstance(error, WrongSettings)
    assert "adm" in error.remedy


@pytest.mark.parametrize(("shut", "refused"), [(["containers"], True), (["a", "b"], True), (["a"], False), ([], False)])
def test_folders_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shut: list[str], refused: bool) -> None:
    """A glob over folders of which none may be listed, as Docker's are, would find nothing for ever: it is refused with the way in."""
    for name in ("a", "b"):
        (tmp_path / "containers" / name).mkdir(parents=True)
    plain = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name not in shut and plain(path, mode))
    pattern = str(tmp_path / "containers" / "*" / "*-json.log")

    error = None
    try:
        patterns.check([pattern], follow=True)
    except WrongSettings as said:
        error = said

    assert (error is not None) == refused
    assert error is None or "Docker" in error.remedy


@pytest.mark.parametrize("place", ["file/web.json", "file"])
def test_checkpoint_where_none_can_be(tmp_path: Path, place: str) -> None:
    """A checkpoint below a file, or in the place of a folder, is the user's to mend."""
    (tmp_path / "file").write_text("")
    (tmp_path / "file.lock").mkdir()
    (tmp_path / "a.log").write_text("")

    error = run(tmp_path, str(tmp_path / "a.log"), "--service", "web", "--checkpoint", str(tmp_path / place)).exception

    assert isinstance(error, WrongSettings)
    assert "--checkpoint" in error.remedy


def test_help_teaches_and_is_quick(tmp_path: Path) -> None:
    """`produce --help` shows the forms and examples, and imports no Kafka client for it."""
    code = "import sys; from logverse.cli.main import main\ntry: main(['produce', '-h'])\nfinally: print('confluent_kafka' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "logverse produce /var/log/nginx/access.log --service web" in done.stdout
    assert done.stdout.endswith("False\n")


def test_metrics_are_served_on_loopback() -> None:
    """Prometheus finds the account under conventional names, reasons as labels."""
    account = Account(lines=5, events=3)
    account.dead_letters["not JSON"] = 2
    account.lost["kernel buffer full"] = 7
    port = serve(ProducerMetrics("web", lambda: [Measured("web", "shop", account, GAUGES)], lambda: {"kafka_up": 0}), 0)

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()

    assert 'logverse_producer_lines_total{input="web",service="shop"} 5.0' in text
    assert 'logverse_producer_dead_letters_total{input="web",reason="not JSON",service="shop"} 2.0' in text
    assert 'logverse_producer_lost_total{input="web",reason="kernel buffer full",service="shop"} 7.0' in text
    assert 'logverse_producer_lag_bytes{input="web",service="shop"} 2.5e+06' in text
    assert 'logverse_producer_kafka_up{producer="web"} 0.0' in text


def test_progress_on_a_terminal_is_one_line() -> None:
    """On a terminal one line changes in place and says what matters; facts stay above it and cannot steer the terminal."""
    out, now = Terminal(), iter(range(0, 10_000, 1000))
    account = Account()
    progress = Progress("web", Totals(lambda: [account]), out, lambda: next(now))

    account.lines = 2000
    progress.show(GAUGES)
    progress.say("a\x1b[31mb")

    assert "2,000 lines · 1,000/s · 2.5 MB to read · 17 in flight · no dead letters · Kafka is away: waiting" in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[Kweb: a\\x1b[31mb\n")


def test_progress_in_a_log_is_a_line_a_minute() -> None:
    """Without a terminal nothing flickers: one line a minute."""
    out, now = io.StringIO(), [0]
    progress = Progress("web", Totals(lambda: [Account()]), out, lambda: now[0])

    for second in range(0, 125, 5):
        now[0] = second * 1000
        progress.show(GAUGES)

    assert out.getvalue().count("\n") == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
