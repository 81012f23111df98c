"""From a chunk of lines to records for Kafka: parse each line, give it its identity, its time and its place. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from typing import Any, NamedTuple

import orjson

from logverse import instant, severity
from logverse.dead_letter import DeadLetter
from logverse.errors import Malformed
from logverse.event import SCHEMA_VERSION
from logverse.instant import Millis
from logverse.topics import LOGS
from producers.account import Account
from producers.forms import Forms, decoded
from producers.heartbeats import FUTURE_MS
from producers.joining import Joiner, joining, lines_in
from producers.masking.mask import Mask
from producers.parsers import Parsed, Parser, names
from producers.parsers.local_time import IN_UTC, Calendar
from producers.parsers.parsed import Header
from producers.sources.lines import KEPT, Chunk, LongLine
from producers.sources.text import Text

MAX_RECORD = 900_000  # bytes; librdkafka and the broker take 1 MB, headers of the batch included
DEAD = "logs.dlq"
_MOST_JOINERS = 512
_ENOUGH = 10  # events, most of them without a time, of which the user must be told
_SEVERITY = {number: severity.text_of(number) for number in range(25)}


class Record(NamedTuple):
    """What is to be sent: to which topic (without prefix), the value, and the key when order within it matters."""

    topic: str
    value: bytes
    key: str | None


class Structured(NamedTuple):
    """An event that came with its structure, or why it is none. `at`: its time if it has none of its own; `data` and `origin`
    (where it came from) are for the dead letter.
    """

    uid: str
    parsed: Parsed | Malformed
    at: Millis
    data: bytes
    origin: dict[str, Any]


@dataclass(slots=True)
class Disorder:
    """How far event times ran backwards within one file, milliseconds; the watermark delay must cover it."""

    worst: Millis = 0
    file: str = ""


class Translator:
    """Makes records of one service's lines. `log_type` is `auto` (chosen for each text by its first lines), a name of PARSERS or
    a file that describes a form; `calendar` knows what its times leave out.

    Every line ends in exactly one count of the account.
    """

    def __init__(
        self, service: str, host: str, log_type: str, account: Account, say: Callable[[str], None] = lambda _: None,
        calendar: Calendar = IN_UTC, mask: Mask | None = None,
    ) -> None:  # fmt: skip
        self._service, self._host, self._account, self._say = service, host, account, say
        self._forms, self._calendar = Forms(log_type, calendar, say), calendar
        self._joiners: dict[str, Joiner] = {}  # of texts whose records may have several lines
        self._warned = set[str]()  # of texts with lines without a time
        self.disorder = Disorder()
        self.mask = mask or Mask.none()  # sources that write their events themselves ask it too
        account.masked = self.mask.counts

    def records(self, file: Text, item: Chunk | LongLine, observed: Millis) -> list[Record]:
        """The records of these lines, in their order. Moves the file's `high` and `last_time`. `observed`: processing time."""
        if isinstance(item, LongLine):
            self._account.lines += 1
            self._account.bytes += item.end - item.start
            return [self._long(file, item, observed)]
        more = lines_in(item) - len(item.lines) if file.identity in self._joiners else 0
        self._account.lines += len(item.lines) + more
        self._account.joined += more
        self._account.bytes += item.end - item.start
        return list(self._of_chunk(file, item, observed, self._forms.known(file, item.lines)))

    def whole(self, text: Text, item: Chunk | LongLine, now: Millis) -> Iterator[Chunk | LongLine]:
        """The records that this piece completes: itself, unless the text's records may have several lines. `now`: processing time."""
        parser = self._forms.of(text, item.lines if isinstance(item, Chunk) else (), now)
        joiner = joining(parser, self._joiners.get(text.identity))
        if joiner is None:
            yield from self.release(text, ended=True)
            yield item
            return
        if len(self._joiners) >= _MOST_JOINERS:  # most are of texts that are over; one that holds nothing can be made anew
            self._joiners = {identity: known for identity, known in self._joiners.items() if known.holds}
        self._joiners[text.identity] = joiner
        yield from joiner.feed(item, now, text.position.cuts)

    def holds(self, text: Text) -> bool:
        """Whether a record of it waits for its end."""
        return text.identity in self._joiners and self._joiners[text.identity].holds

    def cut(self, text: Text, now: Millis) -> bool:
        """End a record that has waited long enough, for ever: to be saved before it is sent. False when none has."""
        joiner = self._joiners.get(text.identity)
        return joiner is not None and joiner.cut(now, text.position.cuts)

    def due(self, text: Text) -> bool:
        """Whether a record of it was cut off, and can be sent."""
        return text.identity in self._joiners and self._joiners[text.identity].due(text.position.cuts)

    def release(self, text: Text, ended: bool) -> Iterator[Chunk]:
        """The record that was cut off, or any that waits when the text has ended."""
        joiner = self._joiners.get(text.identity)
        if joiner is not None and (ended or joiner.due(text.position.cuts)):
            yield from joiner.flush()
        if ended:
            self._joiners.pop(text.identity, None)

    def stands_at(self, file: Text) -> Millis:
        """The event time that reading has come to, that of the first line before it has begun; 0 when no line has one."""
        if file.high is not None:
            return file.high
        if file.last_time is not None:
            return file.last_time
        if file.begins_at is None:
            file.begins_at = self._begins_at(file) or 0
        return file.begins_at

    def _begins_at(self, file: Text) -> Millis | None:
        # Not taken as last_time: what a line without a time gets may depend only on what stands before it.
        try:
            parsed = self._forms.guessed(file).parse(decoded(file.head.rpartition(b"\n")[2]))
        except Malformed:
            return None
        if parsed.timestamp is None and parsed.local is not None:
            return self._calendar.instant(parsed.local, None, _begun(file), _begun(file))
        return parsed.timestamp

    def _of_chunk(self, file: Text, chunk: Chunk, observed: Millis, parser: Parser) -> Iterator[Record]:
        # A long straight function, since it runs once a line: what can be done once a chunk stands before the loop.
        parse = parser.parse
        offset, uid, label = chunk.start, file.identity + "-", file.label
        of_all, of_text = {"host.name": self._host, **file.fields}, file.attributes
        service = file.service or self._service
        observed_text = instant.written(observed)
        account, first_seen, live = self._account, file.position.first_seen, file.live
        instant_of, begun = self._calendar.instant, _begun(file)
        high, last = file.high or 0, file.last_time
        worst, written = self.disorder.worst, _Written()
        mask = self.mask if self.mask.on else None
        events, untimed, soon = 0, 0, observed + FUTURE_MS
        for line, cleared in zip(chunk.lines, mask.cleared(chunk.lines) if mask else repeat(False), strict=False):
            start = offset
            offset += len(line) + 1
            if not line or line == b"\r":
                account.blank += 1
                continue
            try:
                text = decoded(line)
                parsed = parse(text)
                at = parsed.timestamp
                if at is None and parsed.local is not None:
                    at = parsed.timestamp = instant_of(parsed.local, observed if live else last, begun, observed)
                timed = at is not None and at <= soon
                if at is None:
                    at = observed if live else first_seen if last is None else last
                else:
                    last = at
                if mask is not None:
                    parsed = mask.mask_parsed(parsed, text, cleared)
                value = self._event(parsed, written[at], observed_text, uid + str(start), service, of_all, of_text)
                if len(value) > MAX_RECORD:
                    raise Malformed("record too large")
            except Malformed as error:
                if isinstance(error, Header):
                    account.blank += 1
                    continue
                yield self._dead(file, start, line, len(line), sha256(line).hexdigest(), str(error), observed)
                continue
            if parsed.timestamp is None:
                untimed += 1
            elif timed:
                if at > high:
                    high = at
                elif high - at > worst:
                    worst = high - at
            events += 1
            fields = parsed.fields
            yield Record(LOGS[parsed.log_type], value, fields.get("session.id") or fields.get("trace_id"))
        account.events += events
        self._count_untimed(file, events, untimed)
        file.high, file.last_time = high or file.high, last
        if worst > self.disorder.worst:
            self.disorder.worst, self.disorder.file = worst, label

    def _count_untimed(self, file: Text, events: int, untimed: int) -> None:
        self._account.lines_without_time += untimed
        file.events, file.untimed = file.events + events, file.untimed + untimed
        if not file.live and file.untimed * 2 > file.events >= _ENOUGH and file.identity not in self._warned:
            self._warned.add(file.identity)
            self._say(
                f"{file.label}: most lines have no time that is understood, and take that of the line before, or of when the file was "
                f"found: rules see them at the wrong moment. See what is understood: logverse parse FILE; in JSON a time is one of "
                f"{', '.join(names.TIMES[:4])}, …"
            )

    def _event(
        self, parsed: Parsed, at: str, observed: str, uid: str, service: str, of_all: Mapping[str, Any], of_text: Mapping[str, Any]
    ) -> bytes:
        """The same bytes as LogEvent.to_json, without making one: a test holds the two together."""
        flat = {
            "timestamp": at,
            "observed_timestamp": observed,
            "log.type": parsed.log_type,
            "service.name": parsed.service or service,
            "severity_text": _SEVERITY[parsed.severity_number],
            "severity_number": parsed.severity_number,
            "body": parsed.body,
            "log.record.uid": uid,
            "schema_version": SCHEMA_VERSION,
            **of_all,
            **parsed.fields,
        }
        if parsed.attributes or of_text:
            flat["attributes"] = {**of_text, **(parsed.attributes or {})} if of_text else parsed.attributes
        try:
            return orjson.dumps(flat)
        except TypeError as error:  # what orjson raises for JSON nested deeper than it writes
            raise Malformed("nested too deep") from error

    def structured(self, one: Structured, observed: Millis) -> Record:
        """The record of what came with its structure. `observed`: processing time."""
        self._account.lines += 1
        self._account.bytes += len(one.data)
        try:
            parsed = one.parsed if isinstance(one.parsed, Parsed) else _raised(one.parsed)
            at = one.at if parsed.timestamp is None else parsed.timestamp
            value = self._event(self.mask.mask_parsed(parsed) if self.mask.on else parsed, instant.written(at), instant.written(observed),
                                one.uid, self._service, {"host.name": self._host}, {})  # fmt: skip
            if len(value) > MAX_RECORD:
                raise Malformed("record too large")
        except Malformed as error:
            length, sha = len(one.data), sha256(one.data).hexdigest()
            return self._letter(one.uid, one.data[:KEPT], length, sha, str(error), self._service, one.origin, observed)
        self._account.events += 1
        self._account.lines_without_time += parsed.timestamp is None
        fields = parsed.fields
        return Record(LOGS[parsed.log_type], value, fields.get("session.id") or fields.get("trace_id"))

    def _long(self, file: Text, line: LongLine, observed: Millis) -> Record:
        return self._dead(file, line.start, line.head, line.length, line.sha256, "line too long", observed)

    def _dead(self, file: Text, start: int, data: bytes, length: int, sha: str, reason: str, observed: Millis) -> Record:
        origin = {"file": file.label, "offset": start, "length": length, "host": self._host}
        return self._letter(f"{file.identity}-{start}", data, length, sha, reason, file.service or self._service, origin, observed)

    def _letter(
        self, uid: str, data: bytes, length: int, sha: str, reason: str, service: str, origin: dict[str, Any], observed: Millis
    ) -> Record:
        self._account.dead_letters[reason] += 1
        if self.mask.on:
            data = self.mask.mask_bytes(data, cut=len(data) < length)
        letter = DeadLetter(uid, reason, service, origin, data[:KEPT], sha, observed)
        return Record(DEAD, letter.to_json(), None)


def _raised(error: Malformed) -> Parsed:
    raise error


class _Written(dict[Millis, str]):
    """Written instants of one chunk: lines of the same second share theirs."""

    def __missing__(self, at: Millis) -> str:
        text = self[at] = instant.written(at)
        return text


def _begun(text: Text) -> Millis:
    """The first line of a text is not younger."""
    position = text.position
    return min(position.first_seen, position.written) if position.written else position.first_seen
