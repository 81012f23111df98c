"""Syslog from the network: UDP, TCP (line feeds or octet counting) and TLS, each message a line for the parser `syslog`."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress

from logverse.errors import Malformed, WrongSettings
from logverse.instant import Millis
from producers.sources.datagrams import Datagrams
from producers.sources.framing import Frames, framed
from producers.sources.given import Given
from producers.sources.inbox import Inbox
from producers.sources.lines import Chunk, LongLine
from producers.sources.listener import READ, Connection, Listener, admission, bound
from producers.sources.live import LiveText, Run
from producers.sources.loop import LoopThread
from producers.sources.seldom import Seldom
from producers.sources.source import Batch
from producers.sources.tls import server_context

HALF_S = 60.0  # a message that began must end in this time
IDLE_S = 3600.0  # a sender that says nothing so long may connect again
_GOODBYE_S = 0.02
_TAKEN = 256 * 1024  # bytes at once
_COST = 200  # bytes of memory for an entry, beside its text
_SENDERS = 2_000  # of datagrams, remembered at once

Piece = tuple[LiveText, Chunk | LongLine]


class Syslog:
    """What every sender says is a text of its own. TCP waits while we have no room; UDP does not, and what is lost is counted."""

    live = True

    def __init__(self, given: Given) -> None:
        address, order = given.address, given.order
        if ("tls" in address.transports) != (order.tls is not None):
            raise WrongSettings("a certificate and syslog+tls:// go together", where=address.text, remedy="--tls server.pem server.key")
        context = server_context(order.tls) if order.tls else None
        self._given, self._seldom = given, Seldom(given.say, given.clock)
        self._run = Run(address.text, given.run, given.checkpoint, given.account, given.clock, given.say)
        self._run.tell_of_silence("udp" in address.transports)
        self._texts: OrderedDict[str, LiveText] = OrderedDict()
        self._room = asyncio.Event()
        self._closed, self._shut_down = False, threading.Event()
        self._datagrams: Datagrams | None = None
        self._listener: Listener | None = None
        admits = admission(order.senders)
        if "udp" in address.transports:
            where = bound(address.host, address.port, socket.SOCK_DGRAM, address.text)
            self._datagrams = Datagrams(where, self._keep, admits, given.account, self._seldom)
            self.port = int(where.getsockname()[1])
        if address.transports != ("udp",):
            where = bound(address.host, address.port or getattr(self, "port", 0), socket.SOCK_STREAM, address.text)
            self._listener = Listener(
                where, self._serve, given.limits.connections, admits, given.account, self._seldom, given.clock, context
            )
            self.port = int(where.getsockname()[1])
        self._thread = LoopThread(address.text)
        self._inbox: Inbox[Piece] = Inbox(given.limits.bytes_waiting, given.ring, lambda: self._thread.call(self._room.set))
        self._thread.run(self._open(where))
        given.say(f"listens at {address.text}" + (f" (port {self.port})" if not address.port else ""))

    def look(self, reading: bool = False) -> None:
        """The thread looks."""

    def stands(self) -> list[Millis]:
        oldest = self._inbox.oldest()
        if oldest is not None:
            return [oldest]
        return [self._given.clock()] if self._closed and not self._shut_down.is_set() else []

    def take(self, now: Millis) -> Iterator[Batch]:
        if self._closed and self._inbox.oldest() is None:
            self._shut_down.wait(_GOODBYE_S)  # its last words may still come
        for text, item in self._inbox.take(_TAKEN):
            records = self._given.translator.records(text, item, now)
            yield Batch(records, self._run.began(_count(item)))

    def end(self) -> None:
        """Senders know no end."""

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._thread.begin(self._shut(), self._shut_down.set)

    def release(self) -> None:
        left = sum(_count(item) for _, item in self._inbox.take(self._inbox.bytes))
        if left:
            self._given.account.lost["not sent when told to stop"] += left
        self._run.ended()
        self._thread.stop()

    def over(self) -> bool:
        return self._closed and not self.stands()

    def lag(self) -> int:
        return self._inbox.bytes

    async def _open(self, where: socket.socket) -> None:
        if self._datagrams:
            asyncio.get_running_loop().add_reader(self._datagrams.socket, self._datagrams.read)
        if self._listener:
            await self._listener.open()

    async def _shut(self) -> None:
        if self._datagrams:
            asyncio.get_running_loop().remove_reader(self._datagrams.socket)
            self._datagrams.read()
            self._datagrams.close()
        if self._listener:
            await self._listener.close()

    def _keep(self, sender: str, messages: list[bytes]) -> int:
        """Datagrams of one sender into the inbox: all of them, or none."""
        text = self._texts.get(sender)
        if text is None:
            text = self._texts[sender] = self._text(sender)
            if len(self._texts) > _SENDERS:
                self._texts.popitem(last=False)
        start = text.taken
        text.taken += sum(len(message) + 1 for message in messages)
        item = Chunk(start, text.taken, messages)
        return len(messages) if self._inbox.put((text, item), item.end - start + _COST, self._given.clock()) else 0

    def _text(self, sender: str) -> LiveText:
        local = sender.startswith("127.") or sender == "::1"
        return self._run.text(sender, fields={} if local else {"host.name": sender})

    async def _serve(self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text, frames, silent = self._text(connection.peer), None, False
        try:
            while data := await self._read(reader, frames):
                connection.alive()
                frames = frames or framed(data[:16])
                await self._put(text, frames.feed(data))
                if frames.wrong:
                    break
        except TimeoutError:
            silent = True
            self._broken(connection, "said nothing more")
        finally:
            self._last_words(connection, text, frames, silent)

    async def _read(self, reader: asyncio.StreamReader, frames: Frames | None) -> bytes:
        async with asyncio.timeout(HALF_S if frames is None or frames.pending else IDLE_S):
            return await reader.read(READ)

    async def _put(self, text: LiveText, items: list[Chunk | LongLine]) -> None:
        """Into the inbox; while there is no room the connection is not read, and its sender waits."""
        for place, item in enumerate(items):
            while not self._inbox.put((text, item), item.end - item.start + _COST, self._given.clock()):
                try:
                    await self._room_again()
                except asyncio.CancelledError:
                    self._given.account.lost["no room when told to stop"] += sum(map(_count, items[place:]))
                    raise

    async def _room_again(self) -> None:
        self._room.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await self._room.wait()

    def _last_words(self, connection: Connection, text: LiveText, frames: Frames | None, silent: bool) -> None:
        try:
            items = frames.end() if frames else []
        except Malformed as error:
            return None if silent else self._broken(connection, str(error))
        for item in items:
            if not self._inbox.put((text, item), item.end - item.start + _COST, self._given.clock()):
                self._given.account.lost["half a message when its sender hung up, and no room"] += 1

    def _broken(self, connection: Connection, why: str) -> None:
        self._given.account.lost["connections that broke off in the middle of a message"] += 1
        self._seldom("broken off", f"{connection.peer}: {why}")


def _count(item: Chunk | LongLine) -> int:
    return len(item.lines) if isinstance(item, Chunk) else 1
