"""What is wrong with what is read: said once for as long as it lasts, and bounded however long a producer runs."""

from __future__ import annotations

from collections.abc import Callable

from logverse.instant import Millis
from producers.account import Account
from producers.sources.identity import shown

MOST = 1_000  # of the newest that the account keeps
_FORGOTTEN_MS = 3_600_000  # what did not come up for so long is said again when it does


class Problems:
    """Called with each problem whenever it is met, which may be at every look; new ones go to the account and to `say`."""

    def __init__(self, account: Account, clock: Callable[[], Millis], say: Callable[[str], None]) -> None:
        self._account, self._clock, self._say = account, clock, say
        self._met: dict[str, Millis] = {}

    def __call__(self, text: str) -> None:
        now, new = self._clock(), text not in self._met
        self._met[text] = now
        if not new:
            return
        if len(self._met) > MOST:
            self._met = {known: at for known, at in self._met.items() if now - at < _FORGOTTEN_MS}
        self._account.problems.append(shown(text))
        del self._account.problems[:-MOST]
        self._say(text)
