"""Steps 3 to 5 of the write protocol (storage/backup/steps.py): a finished file goes to the target, and is there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from logverse.errors import TryAgain
from storage.backup.cutting import Finished
from storage.backup.manifest import File
from storage.backup.patience import DELAYS_S, Done, patiently
from storage.backup.steps import Announce, Step
from storage.backup.targets.target import Exists, Missing, Target

UPLOADING = "uploading"  # the folder of temporary names: UPLOADING/<run>/…
_PIECE = 1 << 20


class Storing:
    """Puts files on a target in the name of one run. TryAgain when it stays away for as long as all `delays` take; Refused."""

    def __init__(
        self, target: Target, run: str, announce: Announce, sleep: Callable[[float], None], delays: Sequence[float] = DELAYS_S
    ) -> None:
        self.target, self.run = target, run
        self._announce, self._sleep, self._delays = announce, sleep, delays

    def store(self, finished: Finished) -> File:
        """The file under its final name, which differs from what was wished when another file has that."""
        name = finished.file.name
        temporary = self.temporary(name)
        self.patiently(lambda: self.place(finished.path, temporary, finished.file.sha256, (Step.UPLOAD, Step.READ_BACK)))
        self._announce(Step.PUBLISH, name)
        return replace(finished.file, name=self.patiently(lambda: self._published(temporary, name, finished.file.sha256)))

    def temporary(self, name: str) -> str:
        """Nobody else's."""
        return f"{UPLOADING}/{self.run}/{name.replace('/', '+')}"

    def place(self, path: Path, temporary: str, wanted: str, steps: tuple[Step, Step]) -> None:
        """Write the file, and read it back. TryAgain when it is not what was written."""
        self._announce(steps[0], temporary)
        self.target.upload(path, temporary)
        self._announce(steps[1], temporary)
        if self.sum_of(temporary) != wanted:
            raise TryAgain(f"{temporary} is not what was written there: its bytes changed on their way")

    def sum_of(self, name: str) -> str:
        """The sha256 of a file of the target."""
        found = sha256()
        with self.target.open(name) as file:
            while piece := file.read(_PIECE):
                found.update(piece)
        return found.hexdigest()

    def patiently(self, done: Callable[[], Done]) -> Done:
        """What it gives, tried again while the target is away."""
        return patiently(done, self._sleep, self._delays)

    def _published(self, temporary: str, name: str, wanted: str) -> str:
        """There may be one of that name: the same, of a backup that was killed or whose answer was lost; or another, which stays."""
        try:
            self.target.publish(temporary, name)
        except Exists:
            if self.sum_of(name) != wanted:
                another = name.removesuffix(".parquet") + f"-{self.run}.parquet"
                self.target.publish(temporary, another)
                return another
            self.target.remove(temporary)
        except Missing:
            if self.sum_of(name) != wanted:  # the answer to the first try was lost, and it is there
                raise
        return name
