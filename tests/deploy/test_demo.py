"""What the demo makes of what it hears, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from deploy.local.demo import page
from deploy.local.demo.fault import Course
from deploy.local.demo.lines import Lines
from deploy.local.demo.own_log import MOST_PAST, OwnLogStory, files_of, service_of
from deploy.local.demo.reading import Reading
from deploy.local.demo.screen import LOG_EACH_S, Screen
from deploy.local.demo.stage import Stage
from deploy.local.demo.traffic import Second, Traffic
from deploy.local.demo.watching import Watching
from deploy.local.home import Home
from logverse import instant
from logverse.alert import Alert, Explanation, Status
from logverse.errors import Malformed, Refused, TryAgain, WrongSettings
from logverse.instant import Millis
from logverse.summary import DIMENSIONS

NOON: Millis = instant.read("2026-11-21T12:00:00.000Z")
ESCAPE = "\x1b[2J"


def alert(
    status: Status = "firing", service: str = "shop", since: Millis = NOON, severity: str = "critical", sample: str = "GET /cart 503"
) -> Alert:
    """An alert about this service that began at `since`; fired and told 5 s later, over after 42 s."""
    at = since + (42_000 if status == "resolved" else 5_000)
    why = Explanation("5xx share of shop is 18 % (limit 5 %): 76 of 413 requests, GET /cart", 18.4, 5.0, ">", "%", 76, 413,
                      (("GET /cart", 70), ("GET /orders", 6)), (sample,))  # fmt: skip
    return Alert("http-5xx-share", "percentage_match", status, severity, {"service.name": service}, since, at, why,
                 ends_at=at if status == "resolved" else None)  # fmt: skip


def summary(second: Millis, status: int | None = 200, count: int = 10, service: str = "web", route: str = "/") -> bytes:
    """A record of topic `summaries` with one row."""
    row = dict.fromkeys(DIMENSIONS) | {"http.response.status_code": status, "http.route": route, "http.request.method": "GET"}
    items = [[*row.values(), count, 0, None, None, None, "a line"]]
    return orjson.dumps({"service.name": service, "second": second, "late": False, "items": items})


def screen(seconds: Sequence[float] = ()) -> tuple[Screen, StringIO]:
    times = iter(seconds)
    out = StringIO()
    return Screen(out, lambda: next(times, 0.0)), out


def test_the_fault_is_told_when_it_fires_and_over_when_all_about_it_is_resolved() -> None:
    """Two alerts about the service that fails: the story ends with the second one's end."""
    course = Course()

    complete = []
    for one in (alert("pending"), alert(), alert(since=NOON + 1000), alert("resolved"), alert("resolved", since=NOON + 1000)):
        course.take(one)
        complete.append(course.complete)

    assert complete == [False, False, False, False, True]
    assert (len(course.fired), course.false_alarms) == (2, [])


def test_an_alert_about_a_service_that_is_well_is_a_false_alarm() -> None:
    """It does not count as the fault told."""
    course = Course()

    course.take(alert(service="web"))

    assert course.false_alarms == [alert(service="web")]
    assert not course.fired


def test_a_critical_alert_shows_the_sentence_who_else_is_to_blame_and_a_line() -> None:
    """What the sentence has said already is not said again."""
    shown = page.alert_lines(alert())

    assert [line.strip() for line in shown[2:4]] == [
        "5xx share of shop is 18 % (limit 5 %): 76 of 413 requests, GET /cart",
        "8 % of them GET /orders",
    ]
    assert "GET /cart 503" in shown[4]
    assert len(page.alert_lines(alert(severity="warning"))) == 3


@pytest.mark.parametrize("status", ["firing", "resolved", "pending"])
def test_a_log_line_cannot_steer_the_terminal(status: Status) -> None:
    """Escapes in a sample, a service's name or an alert of the past are shown, not sent."""
    hostile = alert(status, service=f"a{ESCAPE}", sample=f"GET /{ESCAPE}")

    said = "".join([*page.alert_lines(hostile), page.past_line(hostile)])

    assert ESCAPE not in said
    assert "\\x1b[2J" in said


def test_rates_are_those_of_the_last_seconds_and_sums_those_of_all() -> None:
    """Sixty seconds of ten requests, the last of them failing: the rate is of five seconds, the total of all."""
    traffic = Traffic()
    for place in range(60):
        traffic.take(Second.from_json(summary(NOON + 1000 * place, status=503 if place == 59 else 200)))

    assert traffic.now(["web", "api"]) == {"web": (10.0, 0.2), "api": (0.0, 0.0)}
    assert (traffic.events, traffic.classes[5], traffic.routes["GET /"]) == (600, 10, 600)
    assert (traffic.first, traffic.last) == (NOON, NOON + 59_000)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"service.name": "a", "second": 1, "items": [[1]]}'])
def test_a_record_that_is_no_summary_is_malformed(data: bytes) -> None:
    """Whoever writes to the topic cannot end the demo."""
    with pytest.raises(Malformed):
        Second.from_json(data)


def test_the_reading_is_the_producers_own_account() -> None:
    """Lines, events, dead letters by reason and disorder come from its metrics; the job's delay covers the disorder."""
    reading = Reading.from_metrics(
        "# TYPE logverse_producer_lines counter\n"
        'logverse_producer_lines_total{service="a"} 12.0\n'
        'logverse_producer_events_total{service="a"} 9.0\n'
        'logverse_producer_dead_letters_total{service="a",reason="not an access log line"} 3.0\n'
        'logverse_producer_disorder_seconds{service="a"} 58.5\n'
    )

    assert (reading.lines, reading.events, dict(reading.dead_letters)) == (12, 9, {"not an access log line": 3})
    assert reading.watermark_delay_s == 60
    assert (Reading().watermark_delay_s, Reading(disorder_s=86_400).watermark_delay_s) == (1, 600)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, or a folder: the message has the name and what to type; a glob stands for its files."""
    for name in ("b.log", "a.log"):
        (tmp_path / name).touch()

    assert [path.name for path in files_of(str(tmp_path / "*.log"))] == ["a.log", "b.log"]
    for wrong in (tmp_path / "none.log", tmp_path):
        with pytest.raises(WrongSettings, match=rf"LOGS {wrong}: cannot be read: .*\n.*make demo LOGS="):
            files_of(str(wrong))


@pytest.mark.parametrize(
    ("name", "service"), [("access.log", "access"), ("my shop;rm -rf.log", "my-shop-rm-rf"), ("…", "log"), (".x", "x")]
)
def test_a_service_is_named_after_its_file(name: str, service: str) -> None:
    """Whatever the file is called, the name is one that `logverse produce` takes."""
    assert service_of(Path(name)) == service


def test_alerts_of_the_past_are_few_and_those_of_now_are_whole(tmp_path: Path) -> None:
    """Of an old log the first alerts are shown in a line each, the rest counted; one that fires now is shown in full."""
    (tmp_path / "a.log").touch()
    wall, out = screen()
    story = OwnLogStory(Stage(Home(tmp_path), wall), wall, str(tmp_path / "a.log"), clock=lambda: NOON)

    for place in range(MOST_PAST + 5):
        story._hear(alert(since=NOON - 10**9 + 60_000 * place))
    past = out.getvalue()
    story._hear(alert())

    assert past.count("critical") == MOST_PAST
    assert "In the log's own time" in past
    assert "FIRING" not in past
    assert "FIRING critical · http-5xx-share · shop" in out.getvalue()


def test_without_a_terminal_there_are_no_escapes_and_few_live_lines() -> None:
    """A log of a demo is plain text, with a sign of life now and then."""
    wall, out = screen([0.0, 1.0, LOG_EACH_S + 1, LOG_EACH_S + 1, LOG_EACH_S + 2])

    wall.live("one")
    wall.live("two")
    wall.live("three")
    wall.say("\x1b[1mbold\x1b[0m")

    assert out.getvalue() == "two\nbold\n"


def test_an_account_that_fails_is_no_silence() -> None:
    """What the last page asks and does not get ends the demo with the way to see it."""
    stage: Any = SimpleNamespace(answer=lambda *_: "", pasted=lambda *verb: " ".join(("logverse", *verb)))

    with pytest.raises(Refused, match="logverse account --since 1h did not end well"):
        Lines(stage, screen()[0])._said(("account", "--since", "1h"))


class FakeStage:
    """A stage whose stack stands, or not."""

    def __init__(self, home: Path, stands: bool = True) -> None:
        self.home, self._stands = Home(home), stands

    def must_stand(self) -> None:
        if not self._stands:
            raise Refused("the stack was stopped from outside")

    def pasted(self, *arguments: str) -> str:
        return " ".join(("logverse", *arguments))


def loop(home: Path, said: list[Any], heard: list[Alert], stands: bool = True) -> Watching:
    """A loop that hears one thing a turn; each look at the clock is a second later."""
    things = iter(said)
    seconds = iter(range(10_000))

    def hear(_: float) -> Iterator[Any]:
        yield from (thing for thing in [next(things, None)] if thing)

    listener: Any = SimpleNamespace(hear=hear)
    stage: Any = FakeStage(home, stands)
    return Watching(stage, screen()[0], listener, heard.append, lambda _: "", lambda: float(next(seconds)))


def test_alerts_and_summaries_go_where_they_belong_until_the_condition_holds(tmp_path: Path) -> None:
    """The loop ends as soon as what it waits for has come."""
    heard: list[Alert] = []
    watching = loop(tmp_path, [Second.from_json(summary(NOON)), alert(), alert("resolved")], heard)

    watching.until(lambda: bool(heard), "an alert", 60)

    assert heard == [alert()]
    assert watching.traffic.events == 10


def test_waiting_in_vain_says_for_what_and_where_to_look(tmp_path: Path) -> None:
    """The deadline's message has the way out; a stack that is gone ends the wait at once."""
    with pytest.raises(TryAgain, match=r"no sign of an alert within 5 s\n.*logverse doctor"):
        loop(tmp_path, [], []).until(lambda: False, "an alert", 5)
    with pytest.raises(Refused, match="stopped from outside"):
        loop(tmp_path, [], [], stands=False).until(lambda: False, "an alert", 5)


def test_progress_begins_the_patience_anew(tmp_path: Path) -> None:
    """A large file takes as long as it takes, as long as it goes on."""
    heard: list[Alert] = []
    watching = loop(tmp_path, [alert(since=NOON + 1000 * place) for place in range(50)], heard)

    watching.until(lambda: len(heard) == 50, "fifty alerts", 10, stirs=lambda: len(heard))

    assert len(heard) == 50
