"""What a backup has to read: the offsets of Kafka that no manifest speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.backup.archive import Archive, uncovered
from storage.backup.manifest import Gap, Place, Span

# Flink's view of the log topics, copies of events that are archived anyway, and what the jobs say of themselves.
_LEFT_OUT = {"summaries", "logs.late", "rules.status"}


@dataclass(frozen=True, slots=True)
class Part:
    """A partition as Kafka has it now: the oldest offset that is left, and the one behind the newest. `topic` is the short name."""

    topic: str
    topic_id: str
    partition: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Plan:
    """`spans` are to be read, the longest first; `gaps` are gone already. `notes` are for people."""

    spans: tuple[Span, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]

    @property
    def offsets(self) -> int:
        """Records to be read, or more: offsets have holes."""
        return sum(span.next - span.start for span in self.spans)


def plan(parts: Sequence[Part], archive: Archive) -> Plan:
    """Whatever is whole is not read again; a hole between the ranges of an archive (a manifest is lost) is filled while Kafka can.

    A topic that was deleted and made anew has another id: it begins at 0.
    """
    known = archive.spans()
    spans: list[Span] = []
    gaps: list[Gap] = []
    for part in parts:
        for start, end in uncovered(known.get(Place(part.topic_id, part.partition), ()), 0, part.high):
            if start < part.low:
                gaps.append(Gap(Span(part.topic, part.topic_id, part.partition, start, min(end, part.low))))
            if end > part.low:
                spans.append(Span(part.topic, part.topic_id, part.partition, max(start, part.low), end))
    spans.sort(key=lambda span: span.start - span.next)
    return Plan(tuple(spans), tuple(gaps), tuple(_notes(parts, known)))


def backed_up(topics: Iterable[str]) -> list[str]:
    """The topics of these (short names) that archives have: all but what follows from others, or is for a day only.

    >>> backed_up(["logs.http", "summaries", "rules"])
    ['logs.http', 'rules']
    """
    return [topic for topic in topics if topic not in _LEFT_OUT]


def _notes(parts: Sequence[Part], known: dict[Place, list[Span]]) -> Iterable[str]:
    ends = {place: max(span.next for span in spans) for place, spans in known.items()}
    earlier = {(spans[0].topic, place.partition): place for place, spans in known.items()}
    for part in parts:
        place, before = Place(part.topic_id, part.partition), earlier.get((part.topic, part.partition))
        if place not in known and before is not None:
            yield (
                f"{part.topic} partition {part.partition} was deleted and made anew: "
                f"the archive has the old one up to offset {ends[before]}, what came after that is not known"
            )
        elif part.high < ends.get(place, 0):
            yield (
                f"{part.topic} partition {part.partition} ends at offset {part.high} in Kafka and at {ends[place]} in the archive: "
                "Kafka has lost records, and gives their offsets to others, which are not backed up"
            )
