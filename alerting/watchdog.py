"""The watchdog: an alert that always fires, for a service outside which rings when it stops coming (a dead man's switch).

What watches logs cannot itself tell that it is dead. So `route.watchdog` in `alerting.yaml` names a receiver, a webhook of such a service
as a rule, that is told again and again; not when an alert would not be told, because Kafka is away or the detect job does not run.
As in Prometheus' own rules it is called watchdog and has the severity none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from alerting.channels.channel import Channel
from alerting.configuration import Watched
from alerting.message import Notification
from logverse.alert import Alert, Explanation
from logverse.errors import Refused, TryAgain
from logverse.instant import Millis
from logverse.printable import printable

_log = logging.getLogger(__name__)
_SAID = "always firing: alerts are found and told; when this stops coming, they are not"
SOONEST_MS: Millis = 1000


class Watchdog:
    """Tells its receiver each `every_ms` that all is well. What a channel did not take is not repeated: the next one is due soon.

    `unfit` answers why an alert would not be told now, "" when it would be.
    """

    def __init__(self, watched: Watched, unfit: Callable[[], str]) -> None:
        self._watched, self._unfit = watched, unfit
        self._since: Millis | None = None
        self._due: Millis = 0
        self._quiet = ""  # why it is quiet: said once, not each minute

    def bark(self, now: Millis) -> Millis:
        """Tell them if it is time (`now` is processing time); answers how long until the next."""
        if now >= self._due:
            self._due = now + self._watched.every_ms
            if self._fit():
                self._since = now if self._since is None else self._since
                for channel in self._watched.channels:
                    self._tell(channel, _alert(self._since, now))
        return max(SOONEST_MS, self._due - now)

    def _fit(self) -> bool:
        why = self._unfit()
        if why and why != self._quiet:
            _log.error("the watchdog is quiet, whoever waits for it will ring: %s", printable(why))
        if self._quiet and not why:
            _log.info("the watchdog is heard again")
        self._quiet = why
        return not why

    def _tell(self, channel: Channel, alert: Alert) -> None:
        try:
            channel.send(Notification(alert, self._watched.receiver, channel.name))
        except (TryAgain, Refused) as error:
            _log.warning("the watchdog was not heard by %s: %s", channel.name, printable(error))
        except Exception:  # a defect of ours in one channel must not silence the others, nor end the pager
            _log.exception("defect in channel %s", channel.name)


def _alert(since: Millis, now: Millis) -> Alert:
    why = Explanation(sentence=_SAID, actual=1.0, threshold=1.0, comparison=">=", unit="", matched=0, total=0)
    return Alert("watchdog", "watchdog", "firing", "none", {}, since, now, why, starts_at=since)
