"""Application logs and logins of the simulator, hosts, and the faults that show in them or need them."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from logverse import instant
from logverse.cli.simulate import simulate
from producers.simulator.episodes import KINDS, Episode
from producers.simulator.files import write_all
from producers.simulator.simulation import ACTIVITY, APPLICATION, LOGS, Line, Simulation
from producers.simulator.traffic import lines

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
MINUTE = 60_000
# After Spring Boot's documentation of its default log format, not after our parser.
SPRING = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) +(?P<level>DEBUG|INFO|WARN|ERROR) 1 --- "
    r"\[\w+\] \[[\w-]+\] (?P<logger>\S+) +: (?P<text>.*)"
)


def written(*logs: str, episode: Episode | None = None, hosts: int = 1, minutes: int = 3) -> list[Line]:
    end = NOON + minutes * MINUTE
    return list(lines(Simulation(("web",), 50, 7, NOON, end, (episode,) if episode else (), logs or ("access",), hosts)))


def in_second_minute(kind: str, **more: Any) -> Episode:
    return Episode(kind, "web", NOON + MINUTE, NOON + 2 * MINUTE, KINDS[kind].usual, **more)


def within(found: list[Line]) -> list[Line]:
    return [line for line in found if NOON + MINUTE <= line.at < NOON + 2 * MINUTE]


def test_application_log_is_spring_boots_with_stack_traces() -> None:
    """Each record begins as Spring Boot's do, at the time it belongs to; errors, and only they, go on with frames and causes."""
    found = written(APPLICATION)

    assert len(found) > 3_000
    for line in found:
        first, *rest = line.text.rstrip("\n").split("\n")
        match = SPRING.fullmatch(first)
        assert match, first
        assert instant.read(match["time"]) == line.at
        assert (match["level"] == "ERROR") == any(frame.startswith("\tat ") for frame in rest)
        assert "{" not in line.text
    levels = Counter(match["level"] for line in found if (match := SPRING.match(line.text)))
    assert 0.003 < levels["ERROR"] / len(found) < 0.02
    assert any("\nCaused by: " in line.text for line in found)


def test_logins_are_json_with_outcome() -> None:
    """One object a line, users and addresses that come again, some mistyped passwords."""
    found = [orjson.loads(line.text) for line in written(ACTIVITY, minutes=10)]

    assert {entry["event_name"] for entry in found} == {"user.login"}
    assert 0.03 < sum(entry["event.outcome"] == "failure" for entry in found) / len(found) < 0.1
    assert len({entry["user.name"] for entry in found}) > 100


def test_new_error_pattern_was_never_there() -> None:
    """The new error is in its span only, with a stack trace, about 5 % of the usual lines: 0.05 · 0.5 · 64 /s · 60 s = 96, four sigma."""
    found = written(APPLICATION, episode=in_second_minute("new-error-pattern"))

    new = [line for line in found if "cannot be shown in" in line.text]
    assert new == within(new)
    assert 57 < len(new) < 135
    assert all("IllegalStateException" in line.text for line in new)


def test_pattern_rate_multiplies_a_rare_warning() -> None:
    """The rare warning comes about twenty times as often in the span, and as seldom as ever outside it."""
    usual, changed = (
        [line for line in written(APPLICATION, episode=one, minutes=20) if "Cache miss" in line.text]
        for one in (None, in_second_minute("pattern-rate"))
    )

    expected = 20 * len(usual) / 20  # twenty times a minute's share of twenty minutes
    assert abs(len(within(changed)) - expected) < 5 * expected**0.5
    assert [line for line in changed if line not in within(changed)] == [line for line in usual if line not in within(usual)]


def test_brute_force_is_one_address_failing() -> None:
    """One address fails on several names, about ten times the usual logins: 10 · 0.05 · 64 /s · 60 s = 1,920, four sigma."""
    found = [orjson.loads(line.text) for line in within(written(ACTIVITY, episode=in_second_minute("brute-force")))]

    ((address, count),) = Counter(entry["client.address"] for entry in found).most_common(1)
    attack = [entry for entry in found if entry["client.address"] == address]
    assert abs(count - 1_920) < 4 * 1_920**0.5
    assert {entry["event.outcome"] for entry in attack} == {"failure"}
    assert len({entry["user.name"] for entry in attack}) > 3


def test_scan_is_one_client_that_finds_nothing() -> None:
    """One client asks for hundreds of different paths, all 404."""
    found = [line.text for line in within(written(episode=in_second_minute("scan"))) if "Nmap" in line.text]

    assert len({line.split(" ")[0] for line in found}) == 1
    assert all('" 404 ' in line for line in found)
    assert len({line.split(" ")[6] for line in found}) > 500


@pytest.mark.parametrize(("kind", "least", "most"), [("traffic-drop", 0.36, 0.44), ("traffic-surge", 4.7, 5.3)])
def test_traffic_drops_and_surges_by_its_magnitude(kind: str, least: float, most: float) -> None:
    """The requests in the span are the share or the multiple that the label says."""
    usual, changed = within(written()), within(written(episode=in_second_minute(kind)))

    assert least < len(changed) / len(usual) < most


def test_slow_drift_comes_bit_by_bit() -> None:
    """In the first tenth of the span answers are hardly slower, in the last nearly four times as slow; requests stay the same."""
    usual, changed = within(written()), within(written(episode=in_second_minute("slow-drift")))

    def slower(first: int, last: int) -> float:
        taken = [[float(line.text.rsplit(" ", 1)[1]) for line in found if first <= line.at < last] for found in (changed, usual)]
        return sum(taken[0]) / sum(taken[1])

    assert slower(NOON + MINUTE, NOON + MINUTE + 6_000) < 1.35
    assert slower(NOON + 2 * MINUTE - 6_000, NOON + 2 * MINUTE) > 3.6


def test_silent_host_leaves_its_work_to_the_others(tmp_path: Path) -> None:
    """Each host has files of its own; one writes nothing in the span, the service loses no request, and the label names the host."""
    episode = in_second_minute("silent-host")
    usual, changed = within(written(hosts=3)), within(written(hosts=3, episode=episode))

    write_all(tmp_path, Simulation(("web",), 50, 7, NOON, NOON + 3 * MINUTE, (episode,), ("access",), 3), lambda *_: None, lambda: False)

    (label,) = orjson.loads((tmp_path / "labels.json").read_bytes())["labels"]
    silent = int(label["host"].removeprefix("web-"))
    assert [line.text for line in changed] == [line.text for line in usual]
    assert {line.host for line in changed} == {1, 2, 3} - {silent}
    assert {line.host for line in usual} == {1, 2, 3}
    assert "12:01:" not in (tmp_path / f"web/web-{silent}/access.log").read_text()


@pytest.mark.parametrize("log", LOGS)
def test_what_is_silent_is_silent_in_every_log(log: str) -> None:
    """A silent service writes nothing at all; a silent host neither, and what it would have written others do."""
    usual, silence = within(written(log, hosts=3)), within(written(log, hosts=3, episode=in_second_minute("silence")))
    host = within(written(log, hosts=3, episode=in_second_minute("silent-host")))

    assert silence == []
    assert [line.text for line in host] == [line.text for line in usual]
    assert (len({line.host for line in usual}), len({line.host for line in host})) == (3, 2)


@pytest.mark.parametrize("kind", ["scan", "brute-force", "crawler", "batch-run"])
def test_the_label_names_the_one_client(tmp_path: Path, kind: str) -> None:
    """Who it was stands in labels.json, as it stands in the lines."""
    episode = in_second_minute(kind)

    write_all(tmp_path, Simulation(("web",), 50, 7, NOON, NOON + 3 * MINUTE, (episode,), LOGS), lambda *_: None, lambda: False)

    (label,) = orjson.loads((tmp_path / "labels.json").read_bytes())["labels"]
    text = (tmp_path / "web" / ("activity.log" if kind == "brute-force" else "access.log")).read_text()
    assert text.count(label["client"]) > 100


def test_other_logs_change_no_access_log() -> None:
    """The same seed gives the same access log, whatever else is written and on however many hosts."""
    alone = [line.text for line in written()]

    assert [line.text for line in written(*LOGS, hosts=4) if line.log == "access"] == alone


def test_same_seed_same_bytes_of_every_log(tmp_path: Path) -> None:
    """The command writes all logs, those that a fault shows in without being asked, and the same again with the same seed."""
    arguments = ["--for", "2m", "--service", "web", "--seed", "5", "--start", "2026-11-21T12:00:00Z", "--fault", "brute-force:web@0+1m"]

    for name in ("one", "two"):
        done = CliRunner().invoke(simulate, [str(tmp_path / name), *arguments, "--log", "access", "--log", "application", "-o", "json"])

    logs = [Path(log).relative_to(tmp_path / "two") for log in orjson.loads(done.stdout)["logs"]]
    assert sorted(map(str, logs)) == ["web/access.log", "web/activity.log", "web/application.log"]
    assert [(tmp_path / "one" / log).read_bytes() for log in logs] == [(tmp_path / "two" / log).read_bytes() for log in logs]
    assert orjson.loads(done.stdout)["lines"] == sum((tmp_path / "two" / log).read_text().count("\n") for log in logs)


def test_lines_are_made_quickly() -> None:
    """Far more than 10,000 lines a CPU second (the goal, 100,000, is for an idle machine: it is printed)."""
    began = time.process_time()
    count = sum(line.text.count("\n") for line in written(*LOGS, minutes=10))
    rate = count / (time.process_time() - began)

    print(f"{rate:,.0f} lines per CPU second")
    assert rate > 10_000
