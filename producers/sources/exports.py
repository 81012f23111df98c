"""OTLP requests on their way to Kafka: each is answered once what it brought has arrived there, so that its sender repeats the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count

from logverse.errors import Malformed
from logverse.instant import Millis
from producers.parsers.json_log import JsonLog
from producers.routes import Routes
from producers.shapes.reading import OWN_UID
from producers.sources.inbox import Inbox
from producers.sources.otlp_records import Members
from producers.translation import Structured

ANSWER_S = 8.0  # senders give up after ten
MOST_MEMBERS = 500_000  # of all records of a request together: attributes of its resource count with each of them
_COST = 100  # bytes of memory for a member, at least


class Full(Exception):
    """There is no room: to be sent again in a while."""


@dataclass(slots=True, eq=False)
class Export:
    """One request. `id` is worked out from its bytes: the same bytes again are the same events."""

    id: str
    sender: str
    members: list[Members]
    size: int
    answers: list[asyncio.Future[None]] = field(default_factory=list)


class Exports:
    """Lives in the listener's loop, save for `structured`, which belongs to the producer's thread.

    `run` names records that have no time, which two requests may share byte for byte without being a repetition.
    """

    def __init__(self, inbox: Inbox[Export], run: str, clock: Callable[[], Millis]) -> None:
        self._inbox, self._run, self._clock = inbox, run, clock
        self._under_way: dict[str, Export] = {}
        self._numbers = count()
        self._parser = JsonLog(Routes())

    async def bring(self, data: bytes, decode: Callable[[bytes], Iterable[Members]], sender: str) -> None:
        """Returns once Kafka has all of it. Malformed: never will; Full and TimeoutError: to be sent again."""
        identity = blake2b(data, digest_size=10).hexdigest()
        export = self._under_way.get(identity)
        if export is None:
            members, count = _bounded(decode(data))
            export = Export(identity, sender, members, len(data))
            if not export.members:
                return
            if not self._inbox.put(export, max(export.size * 4, count * _COST), self._clock()):
                raise Full
            self._under_way[identity] = export
        answer = asyncio.get_running_loop().create_future()
        export.answers.append(answer)
        async with asyncio.timeout(ANSWER_S):
            await answer

    def arrived(self, export: Export) -> None:
        """Kafka has it."""
        self._under_way.pop(export.id, None)
        for answer in export.answers:
            if not answer.done():
                answer.set_result(None)

    def structured(self, export: Export, now: Millis) -> list[Structured]:
        """What the translator takes, once: the export keeps none of it while it waits for Kafka. `now`: for records without a time."""
        records, export.members = export.members, []
        timed = all("timestamp" in members for members in records)
        origin = {"sender": export.sender, "request": export.id}
        return [
            self._one(members, f"{export.id}-{place}" if timed else f"{self._run}-{next(self._numbers)}", now, {**origin, "offset": place})
            for place, members in enumerate(records)
        ]

    def _one(self, members: Members, uid: str, now: Millis, origin: dict[str, object]) -> Structured:
        given = members.pop("log.record.uid", None)
        if isinstance(given, str) and OWN_UID.fullmatch(given):
            uid = given
        data = str(members.get("body", "")).encode("utf-8", "replace")
        try:
            return Structured(uid, self._parser.of(members, ""), now, data, origin)
        except Malformed as error:
            return Structured(uid, error, now, data, origin)


def _bounded(records: Iterable[Members]) -> tuple[list[Members], int]:
    """The records, and how many members they have together. Malformed when it is too many: a few bytes of a resource's attributes,
    repeated in thousands of records, would take all our memory."""
    taken, members = list[Members](), 0
    for one in records:
        taken.append(one)
        members += len(one)
        if members > MOST_MEMBERS:
            raise Malformed(f"more than {MOST_MEMBERS:,} attributes in all its records: send smaller requests")
    return taken, members
