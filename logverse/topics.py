"""The topics that the parts meet on, and what each must be like. Created and verified by `logverse topics`, never by auto-creation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HOUR = 3_600_000
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's wanted shape: partitions and the broker-side settings that differ from the broker's defaults."""

    purpose: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


def _kept(ms: int, **more: str) -> dict[str, str]:
    return {"retention.ms": str(ms), **more}


# LogAppendTime: the record's own time is the broker's, which nobody's clock can push into the future.
_LOG = _kept(7 * DAY, **{"message.timestamp.type": "LogAppendTime"})
# A service's whole second is one record, and a late event may have grown by escapes.
RECORD_BYTES = 16 * 1024 * 1024
_FAT = {"max.message.bytes": str(RECORD_BYTES)}
_COMPACTED = {"cleanup.policy": "compact"}

TOPICS: dict[str, Topic] = {
    "logs.http": Topic("events of web servers", 4, _LOG),
    "logs.error": Topic("events of applications", 4, _LOG),
    "logs.activity": Topic("events of users", 4, _LOG),
    "logs.dlq": Topic("what could not become an event, with the reason", 1, _kept(30 * DAY)),
    "logs.late": Topic("events too late for detection", 1, _kept(7 * DAY, **_FAT)),
    "summaries": Topic("one-second summaries of every series", 4, _kept(2 * DAY, **_FAT)),
    "rules": Topic("the rules in force", 1, _COMPACTED),
    "rules.status": Topic("which rules the jobs run or refuse", 1, _COMPACTED),
    "anomalies": Topic("what detectors found strange", 4, _kept(30 * DAY)),
    "alerts": Topic("every transition of every alert", 4, _kept(30 * DAY)),
    "alerts.state": Topic("the last transition of every alert", 4, _COMPACTED),
    "notifications": Topic("who was told what, and what came of it", 1, _kept(30 * DAY)),
    "silences": Topic("what nobody wants to hear of for a while", 1, _COMPACTED),
    "acks": Topic("who looks after which alert", 1, _COMPACTED),
    "feedback": Topic("what people said of alerts", 1, _kept(365 * DAY)),
    "templates": Topic("patterns of log lines", 1, _COMPACTED),
    "models": Topic("what detectors have learnt", 1, _COMPACTED),
    "inventory": Topic("sources that are expected to be heard of", 1, _COMPACTED),
}

LOGS: dict[str, str] = {"http": "logs.http", "error": "logs.error", "activity": "logs.activity"}  # by log.type


def named(topic: str, prefix: str = "") -> str:
    """The topic's full name in the set that this prefix stands for.

    >>> named("logs.http", "replay-7")
    'replay-7.logs.http'
    """
    return f"{prefix}.{topic}" if prefix else topic
