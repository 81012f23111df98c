"""What the history job is submitted with. Fixed for the life of the job: changing one means `logverse job upgrade history`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

import orjson

from logverse.errors import WrongSettings


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Settings of the history job. Durations are milliseconds.

    `kafka` holds properties of a Java client, `store` the settings that lead to the stores, `secrets` the contents of the files that
    those name, by setting: they travel in a file that only its owner reads, and to the workers in the one function that opens the store.
    """

    entry: ClassVar[str] = "history.py"

    kafka: Mapping[str, str] = field(repr=False)
    store: Mapping[str, str] = field(default_factory=dict)  # store, cassandra_hosts, …: as in logverse/settings.py
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # cassandra_password_file → its text
    topic_prefix: str = ""
    job_name: str = "history"
    parallelism: int = 2
    max_parallelism: int = 128
    checkpoint_interval_ms: int = 5_000
    batch_rows: int = 8_000  # records that Python sees at once: the more, the fuller the batches of a partition
    batch_summaries: int = 500  # the same of summaries, each of which may be large
    batch_ms: int = 1_000  # longest wait for so many
    large_characters: int = 16_384  # records longer than this go to Python one by one, so that a batch stays within some 100 MB
    topic_ids: Mapping[str, str] = field(default_factory=dict)  # full name → the id that Kafka gave the topic
    bounded: bool = False  # read to the end the topics have now, then finish

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> HistorySettings:
        try:
            return cls(**orjson.loads(data))
        except (orjson.JSONDecodeError, TypeError) as error:
            raise WrongSettings(f"not the history job's settings: {error}") from error
