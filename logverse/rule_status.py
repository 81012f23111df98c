"""What the detect job says of rules on topic `rules.status`: which ones it runs or refuses, and what it can see at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson

from logverse.errors import Malformed
from logverse.instant import Millis
from logverse.rule import Rule


def _now() -> Millis:
    return time.time_ns() // 1_000_000


RuleState = Literal["active", "paused", "deleted", "refused"]


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """One subtask's answer to one rule record. A rule is confirmed when all `parallelism` subtasks of the job said so.

    `job` is Flink's job id, `revision` the rule's (`Rule.revision`), `at` processing time in milliseconds; `reason` says
    why it was refused.
    """

    job: str
    subtask: int
    parallelism: int
    rule: str
    revision: str
    status: RuleState
    at: Millis
    reason: str = ""

    @classmethod
    def of(
        cls, rule: Rule, *, job: str, subtask: int, parallelism: int, refusal: str | None = None, clock: Callable[[], Millis] = _now
    ) -> RuleStatus:
        """The answer to this record of the rule: refused with the reason, or what the record asked for."""
        state: RuleState = "refused" if refusal else "deleted" if rule.deleted else "active" if rule.runs else "paused"
        return cls(job, subtask, parallelism, rule.name, rule.revision, state, clock(), refusal or "")

    def to_json(self) -> bytes:
        return orjson.dumps({"kind": "rule", **asdict(self)})


@dataclass(frozen=True, slots=True)
class ReachStatus:
    """What a job can see, said once when it starts: `reach` in the rules' own plain form (see flink_jobs.rules.reach)."""

    job: str
    reach: Mapping[str, Any]
    at: Millis

    def to_json(self) -> bytes:
        return orjson.dumps({"kind": "reach", **asdict(self)})


_NOUNS: dict[str, type[RuleStatus] | type[ReachStatus]] = {"rule": RuleStatus, "reach": ReachStatus}


def read_status(data: bytes | str) -> RuleStatus | ReachStatus:
    """The status in these bytes; Malformed when they are none."""
    try:
        flat: dict[str, Any] = orjson.loads(data)
        return _NOUNS[flat.pop("kind")](**flat)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise Malformed(f"not a rule's status: {error}") from error
