"""Who of the job's subtasks said what of which rule: when it is confirmed, and when it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flink_jobs.rules.reach import Reach
from logverse.instant import Millis
from logverse.rule_status import ReachStatus, RuleStatus


@dataclass(slots=True)
class Confirmations:
    """Statuses of `wanted` rules (name → revision), added up. The order in which they come does not matter."""

    wanted: Mapping[str, str]
    refused: dict[str, str] = field(default_factory=dict)  # rule → reason
    _said: dict[tuple[str, str], tuple[set[int], int]] = field(default_factory=dict)  # (rule, job) → subtasks, of how many

    def take(self, status: RuleStatus) -> None:
        if self.wanted.get(status.rule) != status.revision:
            return
        if status.status == "refused":
            self.refused[status.rule] = status.reason
        subtasks, _ = self._said.get((status.rule, status.job), (set(), 0))
        self._said[status.rule, status.job] = (subtasks | {status.subtask}, status.parallelism)

    @property
    def confirmed(self) -> list[str]:
        """Rules that every subtask of some job runs in the wanted revision."""
        complete = {rule for (rule, _), (subtasks, parallelism) in self._said.items() if len(subtasks) >= parallelism}
        return [rule for rule in self.wanted if rule in complete and rule not in self.refused]

    @property
    def missing(self) -> list[str]:
        """Rules that nobody refused and not everybody confirmed."""
        settled = {*self.confirmed, *self.refused}
        return [rule for rule in self.wanted if rule not in settled]

    def words(self, rule: str) -> str:
        """How far a rule is: "2 of 2 subtasks", "refused: …", or "" when nothing was heard."""
        if rule in self.refused:
            return f"refused: {self.refused[rule]}"
        said = [(len(subtasks), parallelism) for (name, _), (subtasks, parallelism) in self._said.items() if name == rule]
        count, parallelism = max(said, default=(0, 0))
        return f"{count} of {parallelism} subtasks" if count else ""


@dataclass(frozen=True, slots=True)
class LastSaid:
    """The end of topic `rules.status`: what the newest job can see, and the last answers to each rule."""

    reach: Reach | None
    reach_at: Millis
    statuses: tuple[RuleStatus, ...]

    @classmethod
    def of(cls, records: Iterable[RuleStatus | ReachStatus]) -> LastSaid:
        newest: ReachStatus | None = None
        statuses = []
        for record in records:
            if isinstance(record, RuleStatus):
                statuses.append(record)
            elif newest is None or record.at >= newest.at:
                newest = record
        return cls(Reach.from_plain(newest.reach) if newest else None, newest.at if newest else 0, tuple(statuses))

    def confirmations(self, wanted: Mapping[str, str]) -> Confirmations:
        """What was said of these rules; a later answer to the same revision goes over an earlier refusal."""
        result = Confirmations(wanted)
        for status in self.statuses:
            if status.status != "refused" and wanted.get(status.rule) == status.revision:
                result.refused.pop(status.rule, None)
            result.take(status)
        return result
