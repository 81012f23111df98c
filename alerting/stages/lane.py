"""Stage 3: everything that waits for one channel, and when each is tried again.

One at a time and in order for each alert; an alert that cannot be delivered waits and lets the others pass. Of a rule that
storms (storm.py) those that are due share a message.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from alerting import metrics
from alerting.positions import Position, Positions
from alerting.stages.deliver import Again, Deliver
from alerting.stages.storm import MOST, Storms, kind_of
from logverse.alert import Alert

FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 60.0
LONGEST_WISH_S = 600.0  # a far side that asks for more patience than this does not get it: somebody waits for the page
ROOM = 10_000  # transitions that may wait for one channel, about 40 MB; what comes then is read again from the topic


@dataclass(slots=True)
class _Waiting:
    alert: Alert
    position: Position
    attempts: int = 0


class Lane:
    """The queue of one channel. `take` from the reading thread, `work` from the channel's own (or a test).

    `random` gives numbers from 0 to 1, `monotonic` seconds.
    """

    def __init__(
        self,
        deliver: Deliver,
        random: Callable[[], float],
        monotonic: Callable[[], float],
        room: int = ROOM,
    ) -> None:
        self.name = deliver.channel.name
        self._deliver, self._random, self._monotonic, self._room = deliver, random, monotonic, room
        self.positions = Positions()
        self._chains: dict[str, deque[_Waiting]] = {}  # by alert id, oldest first: only the first of each is tried
        self._due = list[tuple[float, int, str]]()  # monotonic time, order of arrival, alert id
        self._order, self._size = count(), 0
        self._storms = Storms()
        self._not_before: float = 0.0
        self._busy = False
        self._changed = threading.Condition()

    def wants(self, alert: Alert) -> bool:
        """Pending, recovering and inactive are nobody's news, nor is what fires in the shadow; an end is only where it is asked for."""
        return (alert.status == "firing" and not alert.shadow) or (alert.status == "resolved" and self._deliver.channel.send_resolved)

    def full(self) -> bool:
        return self._size >= self._room

    def roomy(self) -> bool:
        """Half empty: time to read again what went past."""
        return self._size <= self._room // 2

    def take(self, position: Position, alert: Alert | None) -> None:
        """The next record of its partition; one that is no alert, or that nobody here wants, is settled at once."""
        wanted = alert is not None and self.wants(alert)
        self.positions.taken(position, wanted)
        if alert is not None and wanted:
            self.add(alert, position)

    def add(self, alert: Alert, position: Position) -> None:
        with self._changed:
            chain = self._chains.setdefault(alert.id, deque())
            chain.append(_Waiting(alert, position))
            if len(chain) == 1:
                heapq.heappush(self._due, (self._storms.due(alert, self._monotonic()), next(self._order), alert.id))
            self._resize(+1)

    def work(self) -> None:
        """Try the one that is due, if one is; of a rule that storms, all that are."""
        with self._changed:
            if self._delay() != 0:
                return
            tried = self._take_due()
            self._busy = True
        again: Again | None = Again("not tried to the end", None)
        try:
            again = self._deliver.attempt(*(waiting.alert for _, waiting in tried))
        finally:
            with self._changed:
                self._busy = False
                draw, now = self._random(), self._monotonic()  # who shared a message shares the next try
                for order, waiting in tried:
                    self._after(order, waiting, again, now, draw)

    def _take_due(self) -> list[tuple[int, _Waiting]]:
        """The first that is due, with its place in order of arrival, and what may share its message."""
        _, order, alert_id = heapq.heappop(self._due)
        first = self._chains[alert_id][0]
        if not self._storms.together(first.alert):
            return [(order, first)]
        kind, now = kind_of(first.alert), self._monotonic()
        more = sorted(entry for entry in self._due if entry[0] <= now and kind_of(self._chains[entry[2]][0].alert) == kind)[: MOST - 1]
        if more:
            gone = set(more)
            self._due = [entry for entry in self._due if entry not in gone]
            heapq.heapify(self._due)
        return [(order, first), *((place, self._chains[of][0]) for _, place, of in more)]

    def delay(self) -> float | None:
        """Seconds until the next try, None when nothing waits."""
        with self._changed:
            return 0.0 if self._busy else self._delay()

    def rest(self, stopping: Callable[[], bool]) -> None:
        """Wait until the next is due, one is added, or `wake` is called."""
        with self._changed:
            delay = self._delay()
            if delay != 0 and not stopping():
                self._changed.wait(delay)

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def forget(self, timeout_s: float) -> bool:
        """Drop what waits (it belongs to another sink now) and see the one in flight through; False when it did not end in time."""
        with self._changed:
            self._chains.clear()
            self._due.clear()
            self._resize(-self._size)
            return self._changed.wait_for(lambda: not self._busy, timeout_s)

    def _after(self, order: int, waiting: _Waiting, again: Again | None, now: float, draw: float) -> None:
        alert_id = waiting.alert.id
        chain = self._chains.get(alert_id)
        if not chain or chain[0] is not waiting:  # forgotten meanwhile
            return
        if again:
            waiting.attempts += 1
            wish = min(again.after_s or 0.0, LONGEST_WISH_S)
            self._not_before = max(self._not_before, now + wish)  # it is the far side that is busy, not this alert
            heapq.heappush(self._due, (now + max(wish, delay_after(waiting.attempts, draw)), order, alert_id))
            return self._changed.notify_all()
        chain.popleft()
        self.positions.settled(waiting.position)
        if chain:
            heapq.heappush(self._due, (self._storms.due(chain[0].alert, now), order, alert_id))
        else:
            del self._chains[alert_id]
        self._resize(-1)

    def _delay(self) -> float | None:
        if not self._due:
            return None
        delay: float = max(self._due[0][0], self._not_before) - self._monotonic()
        return max(delay, 0.0)

    def _resize(self, by: int) -> None:
        self._size += by
        metrics.waiting(self.name, self._size)
        self._changed.notify_all()


def delay_after(attempts: int, random: float) -> float:
    """Seconds to wait after so many failed tries: doubling from 1 s to 60 s, a half of it drawn so that senders do not march in step.

    >>> [delay_after(attempts, random=1.0) for attempts in (1, 2, 3, 20)]
    [1.0, 2.0, 4.0, 60.0]
    """
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(attempts - 1, 16)) * (0.5 + random / 2)
