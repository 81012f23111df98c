"""What a replay's alerts amount to: when each rule would have fired, for how long, how often a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flink_jobs.rules.plan import Plan
from logverse import instant
from logverse.alert import Alert
from logverse.instant import Millis
from logverse.rule import Rule

LISTED = 1_000  # episodes of a rule that are kept one by one; all of them are counted
DAY: Millis = 86_400_000


@dataclass(frozen=True, slots=True)
class Episode:
    """One firing of one alert. `ends_at` None: it still fired when the data ended. Event time, milliseconds."""

    group: Mapping[str, str]
    starts_at: Millis
    ends_at: Millis | None
    lasted_ms: Millis
    sentence: str

    def plain(self) -> dict[str, Any]:
        ends = None if self.ends_at is None else instant.written(self.ends_at)
        return {
            "group": dict(self.group), "starts_at": instant.written(self.starts_at), "ends_at": ends,
            "lasted_s": self.lasted_ms / 1000, "sentence": self.sentence,
        }  # fmt: skip


@dataclass(slots=True)
class Course:
    """What became of one rule."""

    rule: Rule
    fired: int = 0
    firing_ms: Millis = 0
    longest_ms: Millis = 0
    after_the_end: int = 0  # began to fire only when nothing came any more
    episodes: list[Episode] = field(default_factory=list)

    def take(self, episode: Episode) -> None:
        self.fired += 1
        self.firing_ms += episode.lasted_ms
        self.longest_ms = max(self.longest_ms, episode.lasted_ms)
        self.episodes.append(episode)
        if len(self.episodes) > 2 * LISTED:
            self.cut()

    def cut(self) -> None:
        """In order of time, the first ones."""
        self.episodes.sort(key=lambda one: (one.starts_at, sorted(one.group.items())))
        del self.episodes[LISTED:]


class Episodes:
    """Alerts in the order in which the job tells them → a course for each rule. `end`: event time of the last event.

    The job comes to its end with a watermark of all time, so what fires ends then at the latest. What ends after the data is told as
    firing still; what begins after it is counted by itself: nobody knows whether lines would have come. Memory: an entry for each alert
    that fires at the moment, and at most 2,000 episodes a rule.
    """

    def __init__(self, rules: Iterable[Rule], end: Millis) -> None:
        self._end = end
        self.courses = {rule.name: Course(rule) for rule in rules if rule.runs}
        self._steps = {name: Plan(course.rule).step_ms for name, course in self.courses.items()}
        self._open: dict[str, Alert] = {}

    def take(self, alert: Alert) -> None:
        """A transition."""
        if alert.rule not in self.courses:
            return
        if alert.status == "firing":
            self._open.setdefault(alert.id, alert)
        elif alert.status in ("resolved", "inactive") and alert.id in self._open:
            self._close(self._open.pop(alert.id), alert.at if alert.ends_at is None else alert.ends_at)

    def finish(self) -> list[Course]:
        """Every rule, in the order given."""
        for alert in list(self._open.values()):
            self._close(alert, None)
        self._open.clear()
        for course in self.courses.values():
            course.cut()
        return list(self.courses.values())

    def _close(self, alert: Alert, ended: Millis | None) -> None:
        course = self.courses[alert.rule]
        starts = alert.at if alert.starts_at is None else alert.starts_at
        # An event in the last second is judged at the end of its step.
        end = self._end - self._end % 1000 + 1000 + self._steps[alert.rule]
        if starts > end:
            course.after_the_end += 1
            return
        over = ended is not None and ended <= end
        lasted = (ended if over and ended is not None else max(self._end, starts)) - starts
        course.take(Episode(alert.group, starts, ended if over else None, lasted, alert.explanation.sentence))


def a_day(count: int, span: Millis) -> float:
    """How many that makes in a day of event time, as if a shorter span went on like this. Less than a minute is taken as one.

    >>> a_day(3, 43_200_000)
    6.0
    """
    return count * DAY / max(span, 60_000)
