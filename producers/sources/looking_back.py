"""Files that are born and rotated away between two looks: where to look for them, and from when on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from logverse.instant import Millis
from producers.sources.identity import stem

GAP_MS = 5_000  # between two looks: after a longer one, files may have come and gone under any name
_AGAIN_MS = 5_000  # names that shift while a folder is listed hide a file from one look, not from all of the next
_SLACK_MS = 2_000  # of a file's time against the clock

Name = tuple[Path, str]  # folder, and the name before rotation
State = tuple[tuple[int, int], int | None]  # which file a path stands for, and when it was written to if nobody follows it


def name_of(path: Path) -> Name:
    return path.parent, stem(path.name)


class LookingBack:
    """Names that were disturbed lately: rotated, emptied, taken by another file. `clock` is processing time.

    A server may have filled a file and rotated it since the last look, which shows only in that its name has another file now.
    """

    def __init__(self, clock: Callable[[], Millis]) -> None:
        self._clock, self.looked = clock, 0
        self._states: Mapping[Path, State] = {}
        self._spans: dict[Name, list[tuple[float, Millis]]] = {}

    def look(self, states: Mapping[Path, State]) -> bool:
        """Take in what paths stand for now; True when it was long ago that anybody looked, or never."""
        before, self._states = self._states, states
        looked, now = self.looked, self._clock()
        if looked:
            for path, _ in before.items() ^ states.items():
                self.disturbed(path)
        self.looked = now
        return now - looked >= GAP_MS

    def disturbed(self, path: Path) -> None:
        """Something happened to its name since the last look."""
        self.since(name_of(path), self.looked / 1000)

    def since(self, name: Name, seconds: float) -> None:
        """Look at what was written to under this name since then, seconds UTC, and do so for a while."""
        self._spans.setdefault(name, []).append((seconds - _SLACK_MS / 1000, self._clock() + _AGAIN_MS))

    def due(self) -> Iterator[tuple[Name, float]]:
        """Each name to look at now, and the time that files under it must not be older than, seconds UTC."""
        now = self._clock()
        for name, spans in list(self._spans.items()):
            yield name, min(since for since, _ in spans)
            self._spans[name] = [span for span in spans if span[1] > now]
            if not self._spans[name]:
                del self._spans[name]
