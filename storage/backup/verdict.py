"""What a verification says at the end: one line that is "complete", or names what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from logverse import instant
from storage.backup.joined import Tally
from storage.backup.joins import Loss
from storage.backup.reconcile import Line, Reconciled
from storage.backup.verify import Damage

_NAMED = 3  # so many of a kind are named in the line; all of them are in the JSON


@dataclass(slots=True)
class Verdict:
    """`files` and `rows` were read back, `pruned` are records that a pruning took away. `reconciled` (with the store that queries ask) and
    `others` (tallies of topics without uids) are None when nobody asked Kafka; `stores`: the same with each further store, by its name.
    `deleted`: topics that the archive has and Kafka has no more."""

    files: int
    rows: int
    problems: list[str]
    damages: list[Damage]
    losses: list[Loss]
    reconciled: Reconciled | None = None
    others: Mapping[str, Tally] = field(default_factory=dict)
    store: bool = False
    stores: Mapping[str, Reconciled] = field(default_factory=dict)
    pruned: int = 0
    deleted: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return not self.wrong()

    def wrong(self) -> list[str]:
        """What is missing or damaged, each in a few words."""
        found = list(self.problems[:_NAMED])
        if len(self.problems) > _NAMED:
            found.append(f"{len(self.problems) - _NAMED} more such ranges or manifests")
        found += _named([f"{damage.file.name} {damage.problem}" for damage in self.damages], "damaged files")
        between = [loss for loss in self.losses if not loss.first]
        if between:
            rows = sum(loss.gap.rows for loss in between)
            found.append(f"{rows:,} records at most were deleted by Kafka between two backups ({_places(between)})")
        return found + self._missing()

    def line(self) -> str:
        """The one line."""
        wrong = self.wrong()
        if wrong:
            return f"NOT complete: {'; '.join(wrong)}"
        parts = [f"complete: {self.rows:,} records in {self.files:,} files read back"]
        if self.reconciled:
            parts.append(self._said_of(self.reconciled))
        before = sum(loss.gap.rows for loss in self.losses if loss.first)
        if before:
            parts.append(f"at most {before:,} records were gone before the first backup")
        if self.pruned:
            parts.append(f"{self.pruned:,} records were pruned")
        if self.deleted:
            parts.append(f"what topics that Kafka has no more had after their last backup is not known ({', '.join(self.deleted)})")
        return "; ".join(parts)

    def _said_of(self, found: Reconciled) -> str:
        uids, waiting = found.sum("archive"), self._records("waiting")
        said = [f"{uids:,} distinct uids in the archive, Kafka has none that it lacks"]
        if waiting:
            said.append(f"{waiting:,} records came after the last backup")
        if self.store:
            counts = [("by_policy", "not stored by policy"), ("expired", "expired"), ("pending", "pending")]
            less = [f"{found.of_store(name):,} {words}" for name, words in counts if found.of_store(name)]
            dead = sum(sum(line.entry.dead_letters.values()) for line in found.lines if line.entry)
            less += [f"{dead:,} dead letters"] if dead else []
            said.append(f"the store has all {found.of_store('stored'):,} that it must{' (' + ', '.join(less) + ')' if less else ''}")
            said += [f"so has {name} ({other.of_store('stored'):,})" for name, other in self.stores.items()]
        else:
            said.append("the store was not asked")
        return ", ".join(said)

    def _missing(self) -> list[str]:
        found, missing, altered = [], self._records("missing"), self._records("altered")
        if missing:
            lines = self.reconciled.lines if self.reconciled else []
            where = [_where(line) for line in lines if line.missing] or [topic for topic, tally in self.others.items() if tally.missing]
            found.append(f"{missing:,} records are in Kafka and not in the archive ({_few(where)})")
        if altered:
            found.append(f"{altered:,} records have other bytes in Kafka than in the archive: of another Kafka, or one that lost records")
        for name, one in {"the store": self.reconciled, **self.stores}.items():
            if one and (gone := one.of_store("missing")):
                where = [_where(line) for line in one.lines if line.missing_in_store]
                found.append(f"{gone:,} events are missing in {name} ({_few(where)}) → logverse restore --into store")
        return found

    def _records(self, name: str) -> int:
        of_judged = self.reconciled.of_records(name) if self.reconciled else 0
        return of_judged + sum(int(getattr(tally, name)) for tally in self.others.values())

    def plain(self) -> dict[str, Any]:
        """For -o json."""
        return {
            "complete": self.complete, "said": self.line(), "files": self.files, "rows": self.rows, "problems": self.problems,
            "damages": [
                {"file": one.file.name, "problem": one.problem, "row_groups": one.groups, "rows": one.rows} for one in self.damages
            ],
            "gaps": list(map(_plain_loss, self.losses)),
            "hours": [_plain(line) for line in self.reconciled.lines] if self.reconciled else None,
            "records": {topic: _counts(tally) for topic, tally in [*self._tallies(), *self.others.items()]},
            "recounted": bool(self.reconciled and self.reconciled.recounted), "pruned": self.pruned, "deleted_topics": self.deleted,
            "missing_in_stores": {name: one.of_store("missing") for name, one in self.stores.items()},
        }  # fmt: skip

    def _tallies(self) -> list[tuple[str, Tally]]:
        return list(self.reconciled.tallies.items()) if self.reconciled else []


def _plain(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {"hour": instant.written(line.hour), "topic": line.topic}
    found |= {name: getattr(line, name) for name in ("kafka", "archive", "missing", "waiting")}
    if line.entry is not None:
        names = ("stored", "repeated", "by_policy", "expired", "pending")
        found |= {name: getattr(line.entry, name) for name in names}
        found |= {"dead_letters": dict(line.entry.dead_letters), "missing_in_store": line.entry.missing}
    return found


def _plain_loss(loss: Loss) -> dict[str, Any]:
    span = loss.gap.span
    return {
        "topic": span.topic, "partition": span.partition, "start": span.start, "next": span.next, "why": loss.gap.why,
        "before": None if loss.before is None else instant.written(loss.before), "before_the_first_backup": loss.first,
    }  # fmt: skip


def _counts(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in Tally.__dataclass_fields__}


def _where(line: Line) -> str:
    return f"{line.topic} {instant.written(line.hour)[:13].replace('T', ' ')}:00"


def _named(texts: list[str], what: str) -> list[str]:
    return [*texts[:_NAMED], *([f"{len(texts) - _NAMED} more {what}"] if len(texts) > _NAMED else [])]


def _few(texts: list[str]) -> str:
    return ", ".join(_named(texts, "such"))


def _places(losses: list[Loss]) -> str:
    return _few([f"{loss.gap.span.topic} partition {loss.gap.span.partition} from offset {loss.gap.span.start}" for loss in losses])
