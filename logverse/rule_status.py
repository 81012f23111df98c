"""What the detect job says of rules on topic `rules.status`: which ones it runs or refuses, and what it can see at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson

from logverse.errors import Malformed
from logverse.instant import Millis

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


def read_status(data: bytes | str) -> RuleStatus | ReachStatus:
    """The status in these bytes; Malformed when they are none."""
    try:
        flat: dict[str, Any] = orjson.loads(data)
        noun = {"rule": RuleStatus, "reach": ReachStatus}[flat.pop("kind")]
        return noun(**flat)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise Malformed(f"not a rule's status: {error}") from error
