"""Steps 6 to 8 of the write protocol (storage/backup/steps.py): a manifest gets the next number, which only one can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from logverse.errors import Refused
from logverse.instant import Millis
from storage.backup import archive as archives
from storage.backup.archive import Archive
from storage.backup.manifest import Manifest, Span, manifest_name
from storage.backup.steps import Announce, Step
from storage.backup.storing import Storing
from storage.backup.targets.target import Exists, Missing

_RIVALS = 100  # so many others cannot have come between us and every number we try


class Committing:
    """Writes manifests to an archive whose last number is known; notices when another backup was quicker with the same ranges."""

    def __init__(self, storing: Storing, archive: Archive, spool: Path, announce: Announce, clock: Callable[[], Millis]) -> None:
        self._storing, self._last, self._spool, self._announce, self._clock = storing, archive.last, spool, announce, clock

    def commit(self, wanted: Manifest) -> Manifest:
        """The manifest as it came to be: with its number, and without what another backup has promised meanwhile."""
        for _ in range(_RIVALS):
            manifest = replace(wanted, number=self._last + 1, at=self._clock())
            self._last += 1
            if self._published(manifest):
                return manifest
            wanted = self._without(wanted, self._last)
        raise Refused(f"{_RIVALS} others write manifests to {self._storing.target!r}: one backup at a time is enough")

    def _published(self, manifest: Manifest) -> bool:
        data, name = manifest.to_json(), manifest.name
        path, temporary, sum_ = self._spool / Path(name).name, self._storing.temporary(name), sha256(data).hexdigest()
        path.write_bytes(data)
        steps = (Step.WRITE_MANIFEST, Step.READ_MANIFEST_BACK)
        self._storing.patiently(lambda: self._storing.place(path, temporary, sum_, steps))
        self._announce(Step.PUBLISH_MANIFEST, name)
        return self._storing.patiently(lambda: self._numbered(temporary, name, sum_))

    def _numbered(self, temporary: str, name: str, sum_: str) -> bool:
        """Whether the number is ours; ours it is, too, when the answer to the first try was lost."""
        try:
            self._storing.target.publish(temporary, name)
        except (Exists, Missing):
            return self._storing.sum_of(name) == sum_
        return True

    def _without(self, wanted: Manifest, number: int) -> Manifest:
        """What the manifest of this number does not say already. A file of ours that it makes needless stays, and is nobody's."""
        rival = archives.manifest(self._storing.target, manifest_name(number))
        if isinstance(rival, str):
            return wanted
        theirs = [*(file.span for file in rival.files), *(gap.span for gap in rival.gaps), *rival.empty]
        return replace(
            wanted,
            files=tuple(file for file in wanted.files if not _meets(file.span, theirs)),
            gaps=tuple(gap for gap in wanted.gaps if not _meets(gap.span, theirs)),
            empty=tuple(span for span in wanted.empty if not _meets(span, theirs)),
        )


def _meets(span: Span, others: Iterable[Span]) -> bool:
    return any(span.place == other.place and span.start < other.next and other.start < span.next for other in others)
