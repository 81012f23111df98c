"""What a job is submitted with. Fixed for the life of the job: changing one means submitting it again (from a savepoint)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

import orjson

from logverse.errors import WrongSettings
from logverse.rule import Rule


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Settings of the detect job. Durations are milliseconds.

    `kafka` holds properties of a Java client (addresses and, where used, secrets): these settings travel in a file that only
    their owner reads, never on a command line. `rules` is the snapshot of topic `rules` at submit: in force before the first window.
    """

    entry: ClassVar[str] = "detect.py"

    kafka: Mapping[str, str] = field(repr=False)
    topic_prefix: str = ""
    job_name: str = "detect"
    parallelism: int = 2
    max_parallelism: int = 128
    watermark_delay_ms: int = 1_000  # how far out of order event times may come and still be on time
    late_bound_ms: int = 900_000  # late rows up to this age are added to the rules' buckets, older ones only kept in logs.late
    future_bound_ms: int = 300_000  # a time further ahead of the broker's than this never moves the watermark
    idle_timeout_ms: int = 30_000  # less and a restart loses rows: partitions count as idle while Python workers start
    checkpoint_interval_ms: int = 5_000
    events_per_second: int = 100  # of a service and event clause that reach the `any` rules; the rest is in the counts
    busiest: int = 50  # clients, and users, of a service and second that reach the rules by name; the rest is in the counts
    busiest_patterns: int = 100  # the same of patterns
    pattern_types: tuple[str, ...] = ("error", "activity")  # log types whose bodies are made into patterns
    bounded: bool = False  # read to the end the topics have now, then finish
    rules: tuple[Rule, ...] = field(default=(), repr=False)

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> JobSettings:
        try:
            flat = orjson.loads(data)
            rules = tuple(Rule.from_json(orjson.dumps(rule)) for rule in flat.pop("rules", ()))
            lists = {name: tuple(flat[name]) for name in ("pattern_types",) if name in flat}
            return cls(**{**flat, **lists, "rules": rules})
        except (orjson.JSONDecodeError, TypeError) as error:
            raise WrongSettings(f"not a job's settings: {error}") from error
