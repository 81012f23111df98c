"""Steps 6 to 8 of the write protocol (storage/backup/steps.py): a manifest gets the next number, which only one can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from logverse.errors import Refused
from logverse.instant import Millis
from storage.backup import archive as archives
from storage.backup.archive import Archive
from storage.backup.manifest import Manifest, Span
from storage.backup.steps import Announce, Step
from storage.backup.storing import Storing
from storage.backup.targets.target import Exists, Missing

_RIVALS = 100  # so many others cannot have come between us and every number we try


class Committing:
    """Writes manifests to an archive whose last number is known; notices when another backup was quicker with the same ranges."""

    def __init__(self, storing: Storing, archive: Archive, spool: Path, announce: Announce, clock: Callable[[], Millis]) -> None:
        self._storing, self._archive, self._spool, self._announce, self._clock = storing, archive, spool, announce, clock
        self._theirs: list[Span] = []

    def commit(self, wanted: Manifest) -> Manifest:
        """The manifest as it came to be: with its number, and without what another backup has promised meanwhile. The archive knows it."""
        for _ in range(_RIVALS):
            manifest = replace(self._without_theirs(wanted), number=self._archive.last + 1, at=self._clock())
            ours = self._published(manifest)
            self._archive.last = manifest.number
            if ours:
                self._archive.manifests.append(manifest)
                return manifest
            self._learn(manifest.name)
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
        """Whether the number is ours; also when the answer to the first try was lost. S3 may give it to two: the last has it."""
        with suppress(Exists, Missing):
            self._storing.target.publish(temporary, name)
        return self._storing.sum_of(name) == sum_

    def _learn(self, name: str) -> None:
        """What another backup has promised."""
        rival = archives.manifest(self._storing.target, name)
        if isinstance(rival, str):
            self._archive.broken[name] = rival
        else:
            self._archive.manifests.append(rival)
            self._theirs += [*(file.span for file in rival.files), *(gap.span for gap in rival.gaps), *rival.empty]

    def _without_theirs(self, wanted: Manifest) -> Manifest:
        """A file of ours that it makes needless stays, and is nobody's."""
        return replace(
            wanted,
            files=tuple(file for file in wanted.files if not _meets(file.span, self._theirs)),
            gaps=tuple(gap for gap in wanted.gaps if not _meets(gap.span, self._theirs)),
            empty=tuple(span for span in wanted.empty if not _meets(span, self._theirs)),
        )


def _meets(span: Span, others: Iterable[Span]) -> bool:
    return any(span.place == other.place and span.start < other.next and other.start < span.next for other in others)
