"""The simulator: believable lines, faults exactly where the labels say, and nothing from the future."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from logverse.errors import WrongSettings
from producers.simulator.episodes import KINDS, Episode
from producers.simulator.files import write_all, write_live
from producers.simulator.simulation import LOGS
from producers.simulator.traffic import Line, Simulation, lines

# Written after nginx's documentation of log_format, not after our parser.
COMBINED = re.compile(
    r"(?P<address>\S+) - (?P<user>\S+) \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "
    r'"(?P<method>[A-Z]+) (?P<path>/[^ "]*) HTTP/1\.1" (?P<status>[1-5]\d\d) (?P<size>\d+) '
    r'"(?P<referer>[^"]*)" "(?P<agent>[^"]+)" (?P<duration>\d+\.\d{3})\n'
)
NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
MINUTE = 60_000


def simulation(*episodes: Episode, minutes: int = 3, rate: float = 50, seed: int = 7, **more: Any) -> Simulation:
    return Simulation(("web", "shop"), rate, seed, NOON, NOON + minutes * MINUTE, episodes, **more)


def in_second_minute(kind: str, magnitude: float, service: str = "web", route: str | None = None) -> Episode:
    return Episode(kind, service, NOON + MINUTE, NOON + 2 * MINUTE, magnitude, route)


def fields(line: Line) -> dict[str, str]:
    match = COMBINED.fullmatch(line.text)
    assert match, line.text
    return match.groupdict()


def second_minute(of: Simulation, service: str = "web") -> list[dict[str, str]]:
    return [fields(line) for line in lines(of) if line.service == service and NOON + MINUTE <= line.at < NOON + 2 * MINUTE]


def share(found: list[dict[str, str]], wanted: Callable[[dict[str, str]], bool]) -> float:
    return sum(wanted(line) for line in found) / len(found)


def failed(line: dict[str, str]) -> bool:
    return line["status"] >= "500"


def test_every_line_is_nginx_combined_with_request_time() -> None:
    """Each line is what nginx writes, and its written time is the second of the instant it belongs to."""
    written = list(lines(simulation()))

    assert len(written) > 10_000
    for line in written:
        at = datetime.strptime(fields(line)["time"], "%d/%b/%Y:%H:%M:%S %z")
        assert int(at.timestamp()) == line.at // 1000
    assert [line.at for line in written] == sorted(line.at for line in written)


def test_usual_traffic_is_believable() -> None:
    """Between 0.2 and 0.9 % of 5xx, some 404s, a few clients that come often and many that come seldom, some bots."""
    found = [fields(line) for line in lines(simulation(minutes=10))]
    statuses = Counter(line["status"] for line in found)
    clients = Counter(line["address"] for line in found)

    assert 0.002 < share(found, failed) < 0.009
    assert 0.005 < statuses["404"] / len(found) < 0.05
    assert len(clients) > 300
    assert clients.most_common(1)[0][1] > 5 * len(found) / len(clients)
    assert 0.01 < share(found, lambda line: "bot" in line["agent"].lower() or "curl" in line["agent"]) < 0.2


def test_rate_is_that_of_the_hour() -> None:
    """At 12:00 UTC a day's average of 50 requests a second is 50 · (1 + 0.4 · cos 45°) = 64.1; four sigma about it."""
    web = [line for line in lines(simulation(minutes=10)) if line.service == "web"]

    expected = 64.1 * 600
    assert abs(len(web) - expected) < 4 * expected**0.5


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    """A simulation can be repeated byte for byte, and another seed is another simulation."""
    for name, seed in (("one", 7), ("again", 7), ("other", 8)):
        write_all(tmp_path / name, simulation(in_second_minute("deploy", 0.1), seed=seed), lambda *_: None, lambda: False)

    for file in ("web/access.log", "shop/access.log", "labels.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    assert (tmp_path / "one/web/access.log").read_bytes() != (tmp_path / "other/web/access.log").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_episode_changes_its_span_and_nothing_else(kind: str) -> None:
    """With and without the episode the lines differ inside its label's span on its service, and are the same elsewhere."""
    episode = in_second_minute(kind, KINDS[kind].usual)

    usual, changed = (list(lines(simulation(*given, logs=LOGS, hosts=2))) for given in ((), (episode,)))

    def elsewhere(line: Line) -> bool:
        return line.service != "web" or not episode.start <= line.at < episode.end

    assert [line for line in usual if elsewhere(line)] == [line for line in changed if elsewhere(line)]
    assert [line for line in usual if not elsewhere(line)] != [line for line in changed if not elsewhere(line)]


def test_error_burst_is_the_share_it_says() -> None:
    """40 % of about 3,800 requests fail, slowly; four sigma of a binomial are 3.2 points, the usual errors add 0.3."""
    found = second_minute(simulation(in_second_minute("error-burst", 0.4)))

    assert 0.37 < share(found, failed) < 0.44
    slowest = sorted(float(line["duration"]) for line in found if failed(line))
    assert slowest[len(slowest) // 2] > 2


def test_error_burst_on_a_route_leaves_the_others() -> None:
    """A fault of one route is on that route only."""
    found = second_minute(simulation(in_second_minute("error-burst", 0.9, "shop", "/pay")), "shop")

    assert share([line for line in found if line["path"] == "/pay"], failed) > 0.8
    assert share([line for line in found if line["path"] != "/pay"], failed) < 0.02


def test_latency_shift_multiplies_every_duration() -> None:
    """The same requests take three times as long, to the millisecond they are written in."""
    usual = second_minute(simulation())
    slower = second_minute(simulation(in_second_minute("latency-shift", 3)))

    assert [line["path"] for line in slower] == [line["path"] for line in usual]
    assert all(abs(float(after["duration"]) - 3 * float(before["duration"])) < 0.0021 for before, after in zip(usual, slower, strict=True))


@pytest.mark.parametrize(("magnitude", "left"), [(1.0, 0.0), (0.6, 0.4)])
def test_silence_takes_away_its_share(magnitude: float, left: float) -> None:
    """All or a share of the requests are missing; four sigma of about 3,800 are 3.2 points."""
    usual = second_minute(simulation())
    found = second_minute(simulation(in_second_minute("silence", magnitude)))

    assert abs(len(found) / len(usual) - left) < 0.035


def test_lunch_peak_brings_requests_and_no_errors() -> None:
    """2.5 times the requests, the same share of errors: nothing to be woken for."""
    usual = second_minute(simulation())
    found = second_minute(simulation(in_second_minute("lunch-peak", 2.5)))

    assert 2.3 < len(found) / len(usual) < 2.7
    assert share(found, failed) < 0.012


def test_batch_run_is_one_client_on_one_route() -> None:
    """All that is new in a batch comes from one address and asks for one route."""
    usual = Counter(map(tuple, (line.values() for line in second_minute(simulation(), "shop"))))
    found = Counter(
        map(tuple, (line.values() for line in second_minute(simulation(in_second_minute("batch-run", 1, "shop", "/pay")), "shop")))
    )
    added = [dict(zip(COMBINED.groupindex, values, strict=True)) for values in found - usual]

    assert len(added) > 3_000
    assert {(line["method"], line["path"]) for line in added} == {("POST", "/pay")}
    assert len({line["address"] for line in added}) == 1


def test_error_rate_fails_at_once() -> None:
    """A bug answers 500, and nobody waits for it: the other requests and all durations stay as they were."""
    usual = second_minute(simulation())
    found = second_minute(simulation(in_second_minute("error-rate", 0.2)))

    assert 0.15 < share(found, lambda line: line["status"] == "500") < 0.25
    assert [line["duration"] for line in found] == [line["duration"] for line in usual]


def test_cache_flush_is_slow_at_first() -> None:
    """Nothing is answered 304, no more requests fail, and the answers get quicker until the cache is full again."""
    usual = second_minute(simulation())
    found = second_minute(simulation(in_second_minute("cache-flush", 3)))

    slower = [
        float(after["duration"]) / float(before["duration"])
        for before, after in zip(usual, found, strict=True)
        if after["duration"] > "0.050"
    ]
    assert "304" in {line["status"] for line in usual} and "304" not in {line["status"] for line in found}
    assert share(found, failed) == share(usual, failed)
    assert slower[0] > 2.5 > 1.5 > slower[-1]


def test_crawler_is_one_client_that_reads_what_is_there() -> None:
    """All that is new comes from one address that says what it is, reads many pages, and finds nearly all of them."""
    usual = Counter(map(tuple, (line.values() for line in second_minute(simulation()))))
    found = Counter(map(tuple, (line.values() for line in second_minute(simulation(in_second_minute("crawler", 0.3))))))
    added = [dict(zip(COMBINED.groupindex, values, strict=True)) for values in found - usual]

    assert len(added) > 800
    assert len({line["address"] for line in added}) == 1 and len({line["path"] for line in added}) > 50
    assert all("Applebot" in line["agent"] and line["method"] == "GET" and line["referer"] == "-" for line in added)
    assert share(added, lambda line: line["status"] == "404") < 0.05


def test_deploy_errs_for_four_seconds_and_then_is_slow() -> None:
    """A deploy's errors are over after 4 s; what follows is slower than usual and no more wrong."""
    found = second_minute(simulation(in_second_minute("deploy", 0.3)))
    first = [line for line in found if line["time"] < "21/Nov/2026:12:01:04"]
    after = [line for line in found if line["time"] >= "21/Nov/2026:12:01:04"]

    assert 0.15 < share(first, failed) < 0.45
    assert share(after, failed) < 0.012


def test_labels_say_what_happened(tmp_path: Path) -> None:
    """labels.json gives kind, service, span in UTC, magnitude and whether it was harmless."""
    peak = in_second_minute("lunch-peak", 2.5)
    fault = in_second_minute("error-burst", 0.4, "shop", "/pay")

    write_all(tmp_path, simulation(fault, peak), lambda *_: None, lambda: False)

    labels = orjson.loads((tmp_path / "labels.json").read_bytes())
    assert (labels["seed"], labels["start"], labels["end"]) == (7, "2026-11-21T12:00:00.000Z", "2026-11-21T12:03:00.000Z")
    span = {"start": "2026-11-21T12:01:00.000Z", "end": "2026-11-21T12:02:00.000Z"}
    assert labels["labels"] == [
        {"kind": "error-burst", "service": "shop", "route": "/pay", **span, "magnitude": 0.4, "unit": "share", "benign": False},
        {"kind": "lunch-peak", "service": "web", "route": None, **span, "magnitude": 2.5, "unit": "factor", "benign": True},
    ]


def test_real_logs_are_never_overwritten(tmp_path: Path) -> None:
    """A folder that has a log already is left as it is."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/access.log").write_text("precious\n")

    with pytest.raises(WrongSettings, match=r"access\.log: is there already"):
        write_all(tmp_path, simulation(), lambda *_: None, lambda: False)
    assert (tmp_path / "shop/access.log").read_text() == "precious\n"
    assert not (tmp_path / "web").exists()


class Clock:
    """A wall clock that moves when somebody sleeps; at each look the files are read, as a follower would."""

    def __init__(self, folder: Path, now: int, steps: Iterator[int] | None = None) -> None:
        self.folder, self.now, self.steps = folder, now, steps
        self.seen: list[tuple[int, int]] = []  # (clock, newest time in the file), both in whole seconds

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        written = (self.folder / "web/access.log").read_text().splitlines(keepends=True)
        if written:
            newest = datetime.strptime(fields(Line(0, "web", written[-1]))["time"], "%d/%b/%Y:%H:%M:%S %z")
            self.seen.append((self.now // 1000, int(newest.timestamp())))
        self.now += next(self.steps) if self.steps else int(seconds * 1000)


def test_live_keeps_to_the_clock(tmp_path: Path) -> None:
    """At every moment the newest line is of this second or the one before: never of the future, never long held back."""
    clock = Clock(tmp_path, NOON)

    count = write_live(tmp_path, simulation(minutes=1), clock, clock.sleep, lambda *_: None, lambda: False)

    assert count == len(list(lines(simulation(minutes=1))))
    assert len(clock.seen) > 500
    assert all(0 <= now - newest <= 1 for now, newest in clock.seen)
    assert clock.now >= NOON + MINUTE


def test_live_waits_when_the_clock_is_set_back(tmp_path: Path) -> None:
    """The clock jumps back by 20 s: times in the file go on growing, and the lines are those of the seed."""
    steps = iter([100] * 100 + [-20_000] + [100] * 800)
    clock = Clock(tmp_path, NOON, steps)

    write_live(tmp_path, simulation(minutes=1), clock, clock.sleep, lambda *_: None, lambda: False)

    expected = [line.text for line in lines(simulation(minutes=1)) if line.service == "web"]
    assert (tmp_path / "web/access.log").read_text() == "".join(expected)


def test_stopping_live_completes_lines_and_labels(tmp_path: Path) -> None:
    """Stopped in the midst of a fault: whole lines, the fault's label ends there, what was to come is no label."""
    later = Episode("silence", "web", NOON + 150_000, NOON + 160_000, 1.0)
    clock = Clock(tmp_path, NOON)

    write_live(
        tmp_path, simulation(in_second_minute("error-burst", 0.4), later), clock, clock.sleep, lambda *_: None,
        lambda: clock.now >= NOON + 90_000,
    )  # fmt: skip

    assert (tmp_path / "web/access.log").read_text().endswith("\n")
    labels = orjson.loads((tmp_path / "labels.json").read_bytes())
    assert [(label["kind"], label["end"]) for label in labels["labels"]] == [("error-burst", labels["end"])]
    assert "2026-11-21T12:01:29" < labels["end"] <= "2026-11-21T12:01:30.000Z"
