"""A dead letter's second chance: what would be sent where, and the sending. Behind `logverse dlq replay`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from logverse import instant
from logverse.errors import Malformed, Refused, TryAgain, WrongSettings
from logverse.topics import LOGS, named

if TYPE_CHECKING:
    from logverse.dead_letter import DeadLetter
    from logverse.dead_letters import Held
    from logverse.settings import Settings


def bytes_of(held: Held, path: Path | None) -> bytes:
    """The bytes of this file, else the letter's when they are the original's."""
    if path is not None:
        return path.read_bytes()
    if not held.whole:
        kept, length = len(held.letter.data), held.letter.origin.get("length")
        raise Refused(f"the letter holds {kept} bytes, which are not the original's {length or ''}\n  → --file FILE with all of it")
    return held.letter.data


def record_of(held: Held, data: bytes, settings: Settings, form: str | None, service: str | None) -> tuple[str, bytes]:
    """Topic and value of what is sent. Malformed when it would be a dead letter again.

    It has the identity that the original has in the store: sent twice it is one row.
    """
    known = [named(topic, settings.topic_prefix) for topic in LOGS.values()]
    topic = held.letter.origin.get("topic")
    if topic is None:
        return _event(held, data, settings, form, service)
    if form or service:
        raise WrongSettings("this letter was a record already", where="--as, --service", remedy="mend its JSON: --file FILE")
    if topic not in known:
        raise Refused(f"it came from {topic!s:.100}, whose records are not sent again: only those of {', '.join(known)}")
    return topic, _identified(data, held.letter)


MEND = "mend it: logverse dlq show ID -o raw > FILE, then --file FILE"


def _identified(data: bytes, letter: DeadLetter) -> bytes:
    """This record, with the uid and the time that it had by its place in Kafka written into it where it has none of its own."""
    missing = _missing(data, letter)
    if not missing:
        return data
    own = orjson.dumps(missing)[1:-1] + b","
    inserted = data.replace(b"{", b"{" + own, 1)
    for made in (inserted, _rewritten(data, missing)):  # what the record says itself, if only null, comes later and wins
        if made is not None and not _missing(made, letter):
            return made
    raise Malformed(f"it has no log.record.uid or time of its own, and cannot be given one\n  → {MEND}")


def _missing(data: bytes, letter: DeadLetter) -> dict[str, str]:
    """What the job would take from the record's place: seen by judging it at two places and times."""
    from flink_jobs.judging import Judge

    judge = Judge({})
    try:
        here, there = (judge.event("", 0, place, letter.at + place, data) for place in (0, 1))
    except Malformed as error:
        raise Malformed(f"it would be a dead letter again: {error}\n  → {MEND}") from None
    if here is None or there is None:
        return {}  # a heartbeat
    uid = {"log.record.uid": letter.id} if here[3] != there[3] else {}
    return uid | ({"timestamp": instant.written(letter.at)} if here[2] != there[2] else {})


def _rewritten(data: bytes, more: dict[str, str]) -> bytes | None:
    try:
        return orjson.dumps(orjson.loads(data) | more)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, TypeError):
        return None


def _event(held: Held, data: bytes, settings: Settings, form: str | None, service: str | None) -> tuple[str, bytes]:
    """The event in a producer's line, with the uid that the line would have had."""
    from logverse.event import LogEvent
    from producers.parsers import PARSERS
    from producers.routes import Routes

    if form not in PARSERS:
        problem = "a producer could not parse this line" if form is None else f"no form {form[:40]!r}"
        raise WrongSettings(problem, where="--as", remedy=f"--as one of {', '.join(PARSERS)}")
    letter = held.letter
    try:
        parsed = PARSERS[form](Routes()).parse(data.rstrip(b"\r\n").decode("utf-8", "replace"))
    except Malformed as error:
        raise Malformed(f"as {form} it cannot be parsed: {error}\n  → another --as, or the mended line with --file FILE") from None
    fields: dict[str, Any] = {"host.name": letter.origin.get("host"), "log.file.path": letter.origin.get("file"), **parsed.fields}
    event = LogEvent(
        timestamp=letter.at if parsed.timestamp is None else parsed.timestamp, observed_timestamp=letter.at, log_type=parsed.log_type,
        service_name=parsed.service or service or letter.service_name, severity_number=parsed.severity_number, body=parsed.body,
        uid=letter.id, fields={name: value for name, value in fields.items() if value is not None}, attributes=parsed.attributes or {},
    )  # fmt: skip
    return named(LOGS[event.log_type], settings.topic_prefix), event.to_json()


def produce(settings: Settings, records: Sequence[tuple[str, bytes]]) -> None:
    """Send these records, each a topic and a value, and wait for all. TryAgain when one does not arrive."""
    from confluent_kafka import KafkaException, Producer

    from logverse.kafka import client, client_config
    from logverse.topic_reader import quiet

    failed: list[str] = []
    config = client_config(settings, enable_idempotence=True, acks="all", message_timeout_ms=15_000, message_max_bytes=16_000_000)
    producer = client(Producer, config, logger=quiet())
    try:
        for topic, value in records:
            producer.produce(topic, value, on_delivery=lambda error, _: failed.append(error.str()) if error else None)
        left = producer.flush(20)
    except KafkaException as error:
        raise Refused(f"{topic}: {error.args[0].str()}") from error
    if failed or left:
        raise TryAgain(f"{topic}: {failed[0] if failed else 'no answer'}")
