"""Real logs of others: every line accounted for, and field values as plain text tools count them."""

from __future__ import annotations

import csv
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zstandard

DATA = Path(__file__).parents[2].parent / "shared" / "data"
AUTH = DATA / "auth" / "elastic_suspicious_login_auth.log.zst"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")


def shell(command: str, path: Path) -> str:
    """What plain text tools say of this file."""
    data = path.read_bytes()
    plain = zstandard.ZstdDecompressor().stream_reader(data).read() if path.suffix == ".zst" else data
    return subprocess.run(["bash", "-c", command], input=plain, capture_output=True, check=True).stdout.decode()


def counted(command: str, path: Path = AUTH) -> int:
    return int(shell(f"{command} | wc -l", path))


def tally(command: str, path: Path = AUTH) -> Counter[str]:
    """Lines of what the command prints, and how often each is there."""
    return Counter(shell(command, path).splitlines())


@pytest.fixture
def auth(workshop: Any) -> Any:
    """The producer after reading the real auth.log, of which `--type auto` is to find out what it is."""
    (workshop.folder / "auth.log.zst").symlink_to(AUTH)
    workshop.events_read = workshop.read_to_end("auth.log.zst", log_type="auto")
    return workshop


def test_every_line_of_auth_log_is_an_event(auth: Any) -> None:
    """7,121 lines, each of them an event in its order, of the program and process that wrote it, none without a time."""
    account, events = auth.account, auth.events_read

    assert (account.lines, account.events, account.dead_letters.total(), account.lines_without_time) == (7121, 7121, 0, 0)
    assert [event["body"].rstrip() for event in events] == [
        line.rstrip() for line in shell(r"sed -E 's/^.{15} \S+ [^:]+: ?//'", AUTH).splitlines()
    ]
    assert [event["timestamp"][5:19].replace("T", " ") for event in events] == shell(
        "awk '{split(\"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec\", m, \" \"); for (i in m) n[m[i]] = i; "
        'printf "%02d-%02d %s\\n", n[$1], $2, $3}\'', AUTH,
    ).splitlines()  # fmt: skip
    programs = tally(r"awk '{print $5}' | sed -E 's/(\[.*)?:$//'")
    assert Counter(event["attributes"]["log.syslog.appname"] for event in events) == programs
    assert "syslog (200 of 200 lines fit)" in " ".join(auth.said)


def test_logins_of_auth_log_are_activity(auth: Any) -> None:
    """628 failed passwords and 178 invalid users come out as failed logins, with user and address as `sed` finds them."""
    logins = [event for event in auth.events_read if event.get("event_name") == "user.login"]
    failed = [event for event in logins if event["event.outcome"] == "failure" and "event.count" not in event["attributes"]]
    passwords = [event for event in failed if event["attributes"].get("authentication.method") == "password"]
    invalid = [event for event in failed if event["body"].startswith("Invalid user")]

    assert {event["log.type"] for event in logins} == {"activity"}
    assert len(passwords) == 628 == counted("grep -E '\\]: Failed password'")
    assert len(invalid) == 178 == counted("grep 'Invalid user'")
    ours = Counter(f"{event.get('user.name', '')} {event['client.address']} {event['attributes']['client.port']}" for event in passwords)
    assert ours == tally(r"sed -nE 's/.*\]: Failed password for (invalid user )?(.*) from (\S+) port ([0-9]+) ssh2$/\2 \3 \4/p'")
    users = Counter(f"{event.get('user.name', '')} {event['client.address']}" for event in invalid)
    assert users == tally(r"sed -nE 's/.*: Invalid user (.*) from (\S+)$/\1 \2/p'")
    good = Counter(f"{event['user.name']} {event['client.address']}" for event in logins if event["event.outcome"] == "success")
    assert good == tally(r"sed -nE 's/.*\]: Accepted \S+ for (\S+) from (\S+) port.*/\1 \2/p'")


def test_commands_and_sessions_of_auth_log(auth: Any) -> None:
    """sudo's commands with who ran them as whom, and every session that was opened and closed."""
    events = auth.events_read
    named = Counter(event.get("event_name") for event in events)

    commands = Counter(
        f"{event['user.name']} {event['attributes']['user.effective.name']} {event['attributes']['process.command_line']}"
        for event in events if event.get("event_name") == "user.command"
    )  # fmt: skip
    assert commands == tally(r"sed -nE 's/.* sudo: +(\S+) : .*USER=(\S+) ; COMMAND=(.*)/\1 \2 \3/p'")
    assert named["session.start"] == counted("grep -E 'session opened for user|New session'")
    assert named["session.end"] == counted("grep -E 'session closed for user|Removed session'")


FORMS = {"Apache": "apache-error", "OpenSSH": "syslog", "Zookeeper": "zookeeper", "HDFS": "hdfs"}


@pytest.mark.parametrize("name", FORMS)
def test_loghub_samples_are_understood(workshop: Any, name: str) -> None:
    """2,000 lines of each system: `auto` finds the form, no line is lost, and level, time and message are those of loghub's own table."""
    folder = DATA / "loghub_2k" / name
    (workshop.folder / "a.log").symlink_to(folder / f"{name}_2k.log")
    with (folder / f"{name}_2k.log_structured.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    events = workshop.read_to_end("a.log", log_type="auto")

    assert len(events) == len(rows) == 2000 == int(shell("grep -c ^", folder / f"{name}_2k.log"))
    assert workshop.account.dead_letters.total() == workshop.account.lines_without_time == 0
    assert [whole(event) for event in events] == [row["Content"].strip() for row in rows]
    assert [event["timestamp"][5:19] for event in events] == [clock(name, row) for row in rows]
    assert any(f"is read as {FORMS[name]} (200 of 200 lines fit)" in text for text in workshop.said)


def whole(event: dict[str, Any]) -> str:
    """The message with the client that Apache has in front of it."""
    client = f"[client {event['client.address']}] " if event["log.type"] == "error" and "client.address" in event else ""
    return (client + event["body"]).strip()


def clock(name: str, row: dict[str, str]) -> str:
    """Month, day and time as loghub's table has them."""
    if name == "HDFS":
        return f"{row['Date'][2:4]}-{row['Date'][4:]}T{row['Time'][:2]}:{row['Time'][2:4]}:{row['Time'][4:]}"
    if name == "Zookeeper":
        return f"{row['Date'][5:]}T{row['Time'][:8]}"
    _, month, day, time, *_ = row["Time"].split() if name == "Apache" else ("", row["Date"], row["Day"], row["Time"])
    return f"{1 + 'JanFebMarAprMayJunJulAugSepOctNovDec'.index(month) // 3:02d}-{int(day):02d}T{time}"


@pytest.mark.parametrize("name", ["Apache", "Zookeeper", "HDFS"])
def test_levels_are_those_of_the_lines(workshop: Any, name: str) -> None:
    """How many lines of each level there are, `awk` and we agree on."""
    path = DATA / "loghub_2k" / name / f"{name}_2k.log"
    column = {"Apache": r"awk -F'[][]' '{print $4}'", "Zookeeper": "awk '{print $4}'", "HDFS": "awk '{print $4}'"}[name]
    known = {"notice": 10, "error": 17, "INFO": 9, "WARN": 13, "ERROR": 17}
    (workshop.folder / "a.log").symlink_to(path)

    events = workshop.read_to_end("a.log", log_type=FORMS[name])

    assert Counter(event["severity_number"] for event in events) == {known[level]: count for level, count in tally(column, path).items()}


@pytest.mark.parametrize(("name", "count", "delay"), [("nginx_logs", 51_462, "60s"), ("apache_logs", 10_000, "60s")])
def test_web_logs_are_counted_as_awk_counts_them(workshop: Any, name: str, count: int, delay: str) -> None:
    """Statuses, methods and bytes of the real access logs; `auto` says how disordered their times are."""
    packed = DATA / "http" / f"{name}.log.zst"
    (workshop.folder / "a.log.zst").symlink_to(packed)

    events = workshop.read_to_end("a.log.zst", log_type="auto")

    assert len(events) == count == counted("cat", packed)
    assert Counter(str(event["http.response.status_code"]) for event in events) == tally("awk '{print $9}'", packed)
    assert Counter(event["http.request.method"] for event in events) == tally("awk '{print substr($6, 2)}'", packed)
    assert sum(event.get("http.response.body.size", 0) for event in events) == int(
        shell("awk '{s += $10} END {printf \"%.0f\", s}'", packed)
    )
    assert any("is read as access (200 of 200 lines fit)" in text and f"--watermark-delay {delay}" in text for text in workshop.said)
