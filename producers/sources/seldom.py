"""What many strangers may cause is said once a minute, with how often it happened: the log of our own stays small."""

from __future__ import annotations

from collections.abc import Callable

from logverse.instant import Millis

EACH_MS: Millis = 60_000


class Seldom:
    """Says the first of a kind at once, and after that once a minute how many more there were. `clock` is processing time."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], Millis]) -> None:
        self._say, self._clock = say, clock
        self._kinds: dict[str, tuple[Millis, int]] = {}  # kind → when it was said, how many since

    def __call__(self, kind: str, about: str) -> None:
        said, more = self._kinds.get(kind, (None, 0))
        now = self._clock()
        if said is not None and now - said < EACH_MS:
            self._kinds[kind] = (said, more + 1)
            return
        self._kinds[kind] = (now, 0)
        self._say(f"{kind}: {about}" + (f" ({more:,} more of this kind in the minute before)" if more else ""))
