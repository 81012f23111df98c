"""The story that `make demo` tells: three services, one of them fails, somebody is told why, and when it is over."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import click

from deploy.local.demo import page
from deploy.local.demo.lines import Lines
from deploy.local.demo.screen import Screen
from deploy.local.demo.stage import Stage, Started
from deploy.local.demo.traffic import Traffic
from deploy.local.demo.watching import Watching, watching
from logverse import instant
from logverse.alert import Alert
from logverse.errors import Refused
from logverse.instant import Millis
from logverse.printable import printable

SERVICES = ("web", "api", "shop")
BROKEN = "shop"
# A crowd is no fault: nobody must be woken for it.
USUAL = ("--rate", "20", "--benign", "lunch-peak:web@5s+5m=3x")
# On top of the usual requests, since people try again. Short: what lasts is the rule's window and its patience afterwards.
FAULT = ("--service", BROKEN, "--rate", "40", "--for", "15s", "--fault", f"error-burst:{BROKEN}/cart@0s+15s=90%")
# On two quiet cores these take 20 s, 6 s and 65 s. Before them `up` may have to download: it has no limit here.
JOB_S, ALERT_S, END_S = 300.0, 120.0, 240.0
FRESH_MS: Millis = 8_000  # summaries that young: the job has come to the present


@dataclass(slots=True)
class Course:
    """What the alerts amount to: was the fault told, is it over, and was anybody woken for nothing?"""

    fired: dict[str, Alert] = field(default_factory=dict)  # by id, about the service that fails
    over: set[str] = field(default_factory=set)
    false_alarms: list[Alert] = field(default_factory=list)

    def take(self, alert: Alert) -> None:
        about_the_fault = alert.group.get("service.name") == BROKEN
        if alert.status == "firing" and about_the_fault:
            self.fired[alert.id] = alert
        elif alert.status == "firing":
            self.false_alarms.append(alert)
        elif alert.status == "resolved":
            self.over.add(alert.id)

    @property
    def complete(self) -> bool:
        return bool(self.fired) and self.fired.keys() <= self.over


class FaultStory:
    """Told on a stage that is held. `began`: when the demo did, in seconds of `monotonic`."""

    def __init__(self, stage: Stage, screen: Screen, began: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stage, self._screen, self._began, self._monotonic = stage, screen, began, monotonic
        self._course = Course()

    def tell(self, once: bool) -> None:
        """To the end of the alert; not `once`: then on until Ctrl-C. TryAgain when nothing comes, Refused at a false alarm."""
        self._screen.say(
            click.style("LogVerse demo: three services write log files, and one of them is about to fail.", bold=True),
            f"It lives in {printable(self._stage.home.path)}, apart from any stack of yours. Ctrl-C ends all of it.",
            "",
        )
        self._stage.verb("up")
        submission = self._begin_traffic()
        with watching(self._stage, self._screen, self._hear, self._line) as loop:
            loop.until(lambda: self._stage.done(submission) and _at_present(loop.traffic), "the detect job at work", JOB_S)
            broken_at = self._break(loop.traffic)
            loop.until(lambda: bool(self._course.fired), "an alert about the fault", ALERT_S)
            self._say_how_soon(broken_at)
            history = Lines(self._stage, self._screen)
            history.begin()
            if not once:
                self._screen.say(*self._try_next())
            loop.until(lambda: self._course.complete, "the end of the alert", END_S)
            self._say_the_end()
            history.show(next(iter(self._course.fired.values())), loop)
            if not once:
                self._go_on(loop)

    def _begin_traffic(self) -> Started:
        """The submission takes longest: all else happens meanwhile. One subtask is enough for what comes, and starts sooner."""
        submission = self._stage.start("demo-submit", "job", "submit", "detect", "--parallelism", "1")
        for service in SERVICES:
            pattern = f"{glob.escape(str(self._stage.folder))}/*/{service}/access.log"
            self._stage.verb("produce", pattern, "--service", service, "--detach")
        self._stage.start("demo-usual", "simulate", str(self._stage.folder / "usual"), "--live", *USUAL)
        return submission

    def _break(self, traffic: Traffic) -> float:
        self._screen.say(
            f"{self._elapsed()} s  the job watches: {_rates(traffic)}",
            "         web has a crowd, three times its usual visitors: harmless, no alert",
            "",
            click.style(f"Now {BROKEN} fails for 15 s: nine of ten GET /cart end in a slow 5xx.", bold=True),
        )
        self._stage.start("demo-fault", "simulate", str(self._stage.folder / "fault"), "--live", *FAULT)
        return self._monotonic()

    def _hear(self, alert: Alert) -> None:
        self._course.take(alert)
        self._screen.say(*page.alert_lines(alert))

    def _line(self, traffic: Traffic) -> str:
        return (
            f"{self._elapsed()} s  {_rates(traffic)}"
            if traffic.events
            else f"{self._elapsed()} s  waiting for the job: submitted, planned, its workers started"
        )

    def _say_how_soon(self, broken_at: float) -> None:
        self._screen.say(
            "",
            click.style(
                f"Told {self._monotonic() - broken_at:.0f} s after the fault began, {self._elapsed().strip()} s after the start.", bold=True
            ),
            "It is over when the failed requests have left the rule's window of 30 s, and none came for 30 s more.",
        )

    def _say_the_end(self) -> None:
        if self._course.false_alarms:
            about = ", ".join(f"{one.rule} {page.group(one)}" for one in self._course.false_alarms)
            raise Refused(f"a false alarm, about services that were well: {printable(about)}")
        count = len(self._course.fired)
        self._screen.say(
            "",
            click.style(f"{count} alert{'s' * (count > 1)} about {BROKEN}, told and taken back. None about web's crowd.", bold=True),
            f"{self._elapsed().strip()} s after the start.",
        )

    def _go_on(self, loop: Watching) -> None:
        self._screen.say("Traffic goes on until Ctrl-C; what you break shows here.", "")
        while True:
            loop.turn()

    def _try_next(self) -> list[str]:
        first = next(iter(self._course.fired.values()))
        mine = str(self._stage.folder / "mine")
        pasted, fault = self._stage.pasted, "error-burst:api@0s+20s"
        return [
            "",
            click.style("Meanwhile, in another terminal (each line can be pasted):", bold=True),
            f"  {pasted('alerts', 'list')}",
            f"  {pasted('alerts', 'show', page.short_id(first))}",
            f"  {pasted('rules', 'list')}",
            f"  {pasted('status')}",
            f"  {pasted('job', 'status', 'detect')}",
            f"  {pasted('query', 'series', '--service', BROKEN, '--measure', '5xx-share', '--since', '10m')}",
            f"  {pasted('doctor')}",
            "Break something yourself: kill -9 a process of `status`, which comes back; or the other service, whose alert shows here:",
            f"  {pasted('simulate', mine, '--live', '--service', 'api', '--rate', '40', '--for', '20s', '--fault', fault)}",
            f"Flink's own page: http://{self._stage.settings.jobmanager}",
            "Your own log: make demo LOGS=/var/log/nginx/access.log",
        ]

    def _elapsed(self) -> str:
        return f"{self._monotonic() - self._began:5.0f}"


def _rates(traffic: Traffic) -> str:
    return page.traffic_line(traffic.now(list(SERVICES)))


def _at_present(traffic: Traffic) -> bool:
    return traffic.last is not None and instant.now() - traffic.last < FRESH_MS
