"""Which alerts are over, as far as anybody knows: fed from `alerts.state` at the start and from `alerts` since."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from logverse.alert import Alert
from logverse.instant import Millis

_REMEMBERED = 200_000  # alerts kept in mind, those last heard of


@dataclass(frozen=True, slots=True)
class _Latest:
    id: str
    at: Millis
    over: bool


class Lives:
    """The latest transition of every alert. A replay of older ones changes nothing."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._latest: OrderedDict[str, _Latest] = OrderedDict()  # by fingerprint
        self._remembered = remembered

    def observe(self, alert: Alert) -> None:
        known = self._latest.get(alert.fingerprint)
        if known and known.at > alert.at:
            return
        self._latest[alert.fingerprint] = _Latest(alert.id, alert.at, alert.status in ("resolved", "inactive"))
        self._latest.move_to_end(alert.fingerprint)
        if len(self._latest) > self._remembered:
            self._latest.popitem(last=False)

    def over(self, alert: Alert) -> bool:
        """Whether this occurrence is known to have ended; one that nobody said more of still fires."""
        known = self._latest.get(alert.fingerprint)
        return known is not None and known.at >= alert.at and (known.over or known.id != alert.id)
