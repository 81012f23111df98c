"""What could not become an event, kept with the reason and the place it came from."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import orjson

from logverse import instant
from logverse.instant import Millis


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Bytes that will never be an event, on topic `logs.dlq`.

    `origin` names the place: a file with its byte offset for producers (`file`, `offset`), a record for jobs (`topic`,
    `partition`, `offset`).
    `id` is worked out from that place: judged twice, it is one. `sha256` is of the original, also when `data` was cut or masked.
    """

    id: str
    reason: str
    service_name: str
    origin: dict[str, Any]
    data: bytes
    sha256: str
    at: Millis

    def to_json(self) -> bytes:
        return orjson.dumps(
            {
                "id": self.id, "reason": self.reason, "service.name": self.service_name, "origin": self.origin,
                "data": base64.b64encode(self.data).decode(), "sha256": self.sha256, "timestamp": instant.written(self.at),
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, value: bytes) -> DeadLetter:
        flat = orjson.loads(value)
        return cls(
            flat["id"], flat["reason"], flat["service.name"], flat["origin"],
            base64.b64decode(flat["data"]), flat["sha256"], instant.read(flat["timestamp"]),
        )  # fmt: skip
