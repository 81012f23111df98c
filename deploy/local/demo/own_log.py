"""`make demo LOGS=path`: the user's own log, read from its beginning and followed, with the rules that come with LogVerse.

Nothing else lives in the demo's home, so the detect job's clock simply follows the file: first through its past, in the log's own
time, then at the present. Alerts about the past are what would have been told then; those about now are told now.
"""

from __future__ import annotations

import glob
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click

from deploy.local import ports
from deploy.local.demo import page, reading
from deploy.local.demo.reading import Reading
from deploy.local.demo.screen import Screen
from deploy.local.demo.stage import Stage, Started
from deploy.local.demo.traffic import Traffic
from deploy.local.demo.watching import Watching, watching
from logverse import instant
from logverse.alert import Alert
from logverse.errors import TryAgain, WrongSettings
from logverse.instant import Millis
from logverse.printable import printable

LIVE_MS: Millis = 900_000  # the job has come to the present: it, too, takes lines that are so late
SAMPLE_S = 20.0  # of reading, before the disorder seen so far decides the job's watermark delay
DEADLINE_S = 300.0  # without any progress
SETTLED_S = 6.0  # for the alerts after the last summary
STALLED_S = 60.0  # for events that were too late to be judged, and never come
MOST_PAST = 12  # alerts of the past that are shown


class OwnLogStory:
    """Told on a stage that is held. WrongSettings when there is no such file, or when nothing can be made of it."""

    def __init__(
        self, stage: Stage, screen: Screen, pattern: str,
        clock: Callable[[], Millis] = instant.now, monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._stage, self._screen, self._clock, self._monotonic = stage, screen, clock, monotonic
        self._began = clock()
        self._files = files_of(pattern)
        self._pattern, self._service = str(Path(pattern).expanduser().absolute()), service_of(self._files[0])
        self._name, self._port = f"produce-{self._service}", 0
        self._past: Counter[str] = Counter()  # by rule
        self._told: set[str] = set()  # ids of alerts of the past
        self._reading, self._delay = Reading(), "1s"

    def tell(self, once: bool) -> None:
        """Until what is in the file has been judged; not `once`: then on with what is added, until Ctrl-C."""
        self._screen.say(
            click.style(f"LogVerse demo on {printable(self._pattern)}", bold=True),
            f"It lives in {printable(self._stage.home.path)}, apart from any stack of yours; the log is only read. Ctrl-C ends all of it.",
            "",
        )
        self._stage.verb("up")
        self._begin_reading()
        self._delay = f"{self._reading.watermark_delay_s}s"
        self._screen.say(*self._what_was_read(), "")
        submission = self._stage.start("demo-submit", "job", "submit", "detect", "--watermark-delay", self._delay)
        with watching(self._stage, self._screen, self._hear, self._line) as loop:
            self._judge_the_past(loop, submission)
            self._screen.say("", *self._report(loop.traffic))
            if not once:
                self._go_on(loop)

    def _begin_reading(self) -> None:
        self._port = ports.choose(["metrics"], {}, ports.is_free)[0]["metrics"]
        self._stage.verb("produce", self._pattern, "--service", self._service, "--metrics-port", str(self._port), "--detach")
        began = self._monotonic()
        while not (self._read() and self._caught_up()) and not (self._reading.lines and self._monotonic() - began > SAMPLE_S):
            self._stage.must_run(self._name)
            if self._monotonic() - began > DEADLINE_S:
                raise TryAgain(f"the producer does not begin to read:\n{self._stage.said(self._name)}")
            self._screen.live(f"reading: {self._reading.lines:,} lines, {self._reading.lag_bytes / 1e6:,.1f} MB to go")
            time.sleep(0.3)

    def _read(self) -> bool:
        try:
            self._reading = reading.read(self._port)
        except TryAgain:
            return False
        return True

    def _caught_up(self) -> bool:
        empty = all(path.stat().st_size == 0 for path in self._files if path.exists())
        return not self._reading.lag_bytes and bool(self._reading.lines or empty)

    def _what_was_read(self) -> list[str]:
        now, dead = self._reading, self._reading.dead_letters
        more = f", {now.lag_bytes / 1e6:,.0f} MB still to read" if now.lag_bytes > 1e6 else ""
        lines = [f"{now.lines:,} lines read: {now.events:,} events, {dead.total():,} dead letters{more}"]
        lines += [f"  {count:,} × {printable(reason)} (kept in topic logs.dlq)" for reason, count in dead.most_common(5)]
        if now.disorder_s > 1:
            lines.append(f"times run backwards by up to {now.disorder_s:g} s: the job waits {self._delay} before it closes a second")
        return lines

    def _judge_the_past(self, loop: Watching, submission: Started) -> None:
        """Until the summaries hold as many events as were sent so far; fewer, when some came too late, once nothing moves any more."""
        goal, last, since = 0, -1, self._monotonic()

        def judged() -> bool:
            nonlocal goal, last, since
            self._stage.must_run(self._name)
            self._read()
            seen = loop.traffic.events
            if not self._stage.done(submission) or self._reading.lag_bytes:
                goal, since = self._reading.events, self._monotonic()
                return False
            if seen < goal and seen != last:
                since = self._monotonic()
            last = seen
            return self._monotonic() - since > (SETTLED_S if seen >= goal else STALLED_S)

        loop.until(judged, "the detect job's view of the file", DEADLINE_S, stirs=lambda: (loop.traffic.events, self._reading.lag_bytes))

    def _hear(self, alert: Alert) -> None:
        if alert.at >= self._began:
            return self._screen.say(*page.alert_lines(alert))
        if alert.status == "firing" and alert.id not in self._told:
            if not self._told:
                self._screen.say(click.style("In the log's own time these would have been told:", bold=True))
            self._told.add(alert.id)
            self._past[alert.rule] += 1
            if len(self._told) <= MOST_PAST:
                self._screen.say(page.past_line(alert))

    def _report(self, traffic: Traffic) -> list[str]:
        if traffic.first is None or traffic.last is None:
            return ["nothing in it yet; lines count as soon as they are written"]
        rules = ", ".join(f"{count:,} × {printable(rule)}" for rule, count in self._past.most_common())
        shown = f", the first {MOST_PAST} are above" if len(self._told) > MOST_PAST else ""
        status = Counter({f"{hundreds}xx": count for hundreds, count in traffic.classes.items() if hundreds})
        return [
            click.style("What the detect job saw", bold=True),
            f"  events    {traffic.events:,} of {self._reading.events:,}, {page.moment(traffic.first)} to {page.moment(traffic.last)}",
            f"  services  {page.shares(traffic.services, 5)}",
            f"  routes    {page.shares(traffic.routes, 5)}" if traffic.routes else "  routes    none: these lines are no requests",
            f"  status    {page.shares(status, 5)}" if status else "  status    none",
            f"  alerts    {rules or 'none'} in the log's own time{shown}; nobody is told of what is long over",
        ]

    def _go_on(self, loop: Watching) -> None:
        pasted = self._stage.pasted
        late = f", {self._delay} after its time" if self._delay != "1s" else ""
        self._screen.say(
            "",
            click.style(f"Now it is followed: a line that is written now counts now{late}. Ctrl-C ends.", bold=True),
            *(f"  {pasted(*verb)}" for verb in (("alerts", "list", "--all"), ("rules", "list"), ("status",), ("logs", self._name))),
            f"Flink's own page: http://{self._stage.settings.jobmanager}",
            "",
        )
        while True:
            self._stage.must_run(self._name)
            self._read()
            loop.turn()

    def _line(self, traffic: Traffic) -> str:
        now = self._reading
        counts = f"{now.lines:,} lines, {now.dead_letters.total():,} dead letters"
        if traffic.last is None:
            return f"{counts} · the job is on its way"
        if self._clock() - traffic.last > LIVE_MS:
            return f"{counts} · {traffic.events:,} judged, at {page.moment(traffic.last)}"
        return f"{counts} · {page.traffic_line(traffic.now([name for name, _ in traffic.services.most_common(4)]))}"


def files_of(pattern: str) -> list[Path]:
    """The files that this name or glob stands for. WrongSettings when there are none, or when one cannot be read."""
    names = sorted(glob.glob(str(Path(pattern).expanduser()))) or [str(Path(pattern).expanduser())]  # noqa: PTH207 (absolute ones too)
    found = [Path(name).absolute() for name in names]
    for path in found:
        try:
            path.open("rb").close()
        except OSError as error:
            remedy = "name a log file, or a glob in quotes: make demo LOGS='/var/log/nginx/access.log*'"
            raise WrongSettings(f"cannot be read: {error.strerror}", where=f"LOGS {printable(path)}", remedy=remedy) from None
    return found


def service_of(path: Path) -> str:
    """A service's name out of a file's.

    >>> service_of(Path("/var/log/nginx/shop access.log.1"))
    'shop-access'
    """
    name = re.sub(r"[^A-Za-z0-9_]+", "-", path.name.lstrip(".").partition(".")[0]).strip("-_")
    return name[:60] or "log"
