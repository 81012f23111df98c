"""What lies in an archive by its manifests, read once: files, gaps, and how the ranges of each partition join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

from logverse.errors import Malformed
from storage.backup.manifest import FOLDER, File, Gap, Manifest, Place, Span
from storage.backup.targets.target import Target

_AT_ONCE = 8  # manifests are small and many: what takes time is asking


@dataclass(slots=True)
class Archive:
    """All manifests of a target, oldest first. `broken`: names of those that cannot be read, with why; what they promised is not known."""

    manifests: list[Manifest] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    last: int = 0  # the highest number, of broken ones too

    @property
    def files(self) -> dict[str, File]:
        """By name, those that must be there; what was removed by a pruning is not among them."""
        gone = {name for manifest in self.manifests for name in manifest.removed}
        return {file.name: file for manifest in self.manifests for file in manifest.files if file.name not in gone}

    @property
    def removed(self) -> dict[str, File]:
        """By name, those that a pruning has removed."""
        gone = {name for manifest in self.manifests for name in manifest.removed}
        return {file.name: file for manifest in self.manifests for file in manifest.files if file.name in gone}

    @property
    def gaps(self) -> list[Gap]:
        return [gap for manifest in self.manifests for gap in manifest.gaps]

    def spans(self) -> dict[Place, list[Span]]:
        """All offsets that were looked at, by partition and in their order: files (removed ones too), gaps and empty ranges."""
        found: defaultdict[Place, list[Span]] = defaultdict(list)
        for manifest in self.manifests:
            of_files, of_gaps = (file.span for file in manifest.files), (gap.span for gap in manifest.gaps)
            for span in (*of_files, *of_gaps, *manifest.empty):
                found[span.place].append(span)
        return {place: sorted(spans, key=lambda span: (span.start, span.next)) for place, spans in found.items()}

    def missing_numbers(self) -> list[int]:
        """Manifests that were there once: their numbers have no holes."""
        there = {manifest.number for manifest in self.manifests} | {int(name[-13:-5]) for name in self.broken}
        return [number for number in range(1, self.last + 1) if number not in there]


def read(target: Target) -> Archive:
    """What the manifests of this target say. TryAgain and Refused are the target's; a manifest that cannot be read is in `broken`."""
    names = [found.name for found in target.list(FOLDER) if _is_manifest(found.name)]
    archive = Archive(last=max((int(name[-13:-5]) for name in names), default=0))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for name, one in zip(names, pool.map(lambda name: manifest(target, name), names), strict=True):
            if isinstance(one, Manifest):
                archive.manifests.append(one)
            else:
                archive.broken[name] = one
    archive.manifests.sort(key=lambda manifest: manifest.number)
    return archive


def uncovered(spans: Iterable[Span], start: int, end: int) -> Iterator[tuple[int, int]]:
    """What of the offsets from `start` to before `end` is in none of these spans (in order of their start).

    >>> list(uncovered([Span("t", "id", 0, 5, 10), Span("t", "id", 0, 10, 12)], 0, 20))
    [(0, 5), (12, 20)]
    """
    at = start
    for span in spans:
        if at < min(span.start, end):
            yield at, min(span.start, end)
        at = max(at, span.next)
    if at < end:
        yield at, end


def overlaps(spans: list[Span]) -> list[tuple[Span, Span]]:
    """Neighbours of which the second begins before the first ends."""
    return [(one, other) for one, other in pairwise(spans) if other.start < one.next]


def _is_manifest(name: str) -> bool:
    return name.endswith(".json") and name[-13:-5].isdecimal() and name == f"{FOLDER}/{name[-13:]}"


def manifest(target: Target, name: str) -> Manifest | str:
    """The manifest, or why it is none."""
    try:
        with target.open(name) as file:
            found = Manifest.from_json(file.read())
    except Malformed as error:
        return str(error)
    return found if found.name == name else f"it says that it is {found.name}"
