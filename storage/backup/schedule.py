"""When the next backup is due, by a cron expression in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from logverse.errors import WrongSettings
from logverse.instant import Millis


class Schedule:
    """Five fields: minute, hour, day of month, month, day of week (man 5 crontab). WrongSettings when it is none, or never due.

    >>> hourly = Schedule("7 * * * *")
    >>> hourly.due(1_700_000_000_000)  # 2023-11-14 22:13:20
    1700003220000
    """

    def __init__(self, text: str, where: str = "backup_schedule") -> None:
        self._text, self._where = text, where
        self.due(0)

    def due(self, after: Millis) -> Millis:
        """The first time that it is due after this moment."""
        try:
            found = next(CronSim(self._text, datetime.fromtimestamp(after / 1000, UTC)))
        except (CronSimError, StopIteration) as error:
            remedy = "MINUTE HOUR DAY MONTH WEEKDAY: 7 * * * * is each hour at minute 7, 30 2 * * * each night at 2:30 UTC"
            raise WrongSettings(f"{self._text[:60]!r} is no cron expression: {error}", where=self._where, remedy=remedy) from error
        return int(found.timestamp() * 1000)

    def first(self, finished: Millis | None, now: Millis) -> Millis:
        """When the first one is due after a start: at once when one was missed, or when there was none at all."""
        return now if finished is None else max(now, self.due(finished))
