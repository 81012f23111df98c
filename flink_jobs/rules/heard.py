"""The judge of one source: silent when it is expected and nothing of it came for a whole window."""

from __future__ import annotations

import orjson

from flink_jobs.rules.judge import Judgement, View
from flink_jobs.rules.limit import Limit
from logverse.instant import Millis

LIMITS = (Limit(1.0, "<"),)


class Heard:
    """A source is learned once it is heard of after it has been known for a window: what comes and goes faster is not missed.

    `expect`: which sources count, "learned", "declared" or "both".
    """

    waits_for_blame = False

    def __init__(self, expect: str, window_ms: Millis, state: bytes | None) -> None:
        self._expect, self._window_ms = expect, window_ms
        known: list[bool] = orjson.loads(state) if state else [False, False]
        self._learned, self._declared = known
        self.changed = self._news = False

    @property
    def ready(self) -> float:
        return float((self._learned and self._expect != "declared") or (self._declared and self._expect != "learned"))

    def expect(self) -> None:
        """Somebody declared the source."""
        self._declared = self.changed = True

    def takes_news(self) -> bool:
        """Whether it was learned since the last call."""
        news, self._news = self._news, False
        return news

    def judge(self, view: View) -> Judgement:
        count = view.window.sums[0]
        if count and view.at - view.since >= 2 * self._window_ms and not self._learned:
            self._learned = self.changed = self._news = True
        silent = not count and view.warm and self.ready == 1.0
        return Judgement(float(count), LIMITS, 0 if silent else None, count > 0)

    def next(self, position: Millis, active_at: Millis | None) -> None:
        return None

    def onlooker(self) -> Heard:
        return Heard(self._expect, self._window_ms, self.state())

    def state(self) -> bytes:
        return orjson.dumps([self._learned, self._declared])

    def tell(self, verdict: str, at: Millis, undo: bool) -> None:
        """Silence is silence; who is not expected any more is forgotten (`logverse sources forget`)."""

    def keeps(self, cursor: Millis) -> bool:
        return bool(self._learned or self._declared)
