"""OpenTelemetry's logs, over HTTP or gRPC. Nothing is lost by a crash: what was not answered is sent again, as the same events."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from logverse.instant import Millis
from producers.sources.exports import Export, Exports
from producers.sources.given import Given
from producers.sources.inbox import Inbox
from producers.sources.listener import Listener, admission, bound
from producers.sources.loop import LoopThread
from producers.sources.otlp_grpc import OtlpGrpc
from producers.sources.otlp_http import OtlpHttp
from producers.sources.seldom import Seldom
from producers.sources.source import Batch
from producers.sources.tls import server_context

_TAKEN = 1024 * 1024  # bytes at once


class Otlp:
    """A listener on one port."""

    live = True

    def __init__(self, given: Given) -> None:
        self._given, self._seldom, self._closed = given, Seldom(given.say, given.clock), False
        self._inbox: Inbox[Export] = Inbox(given.limits.bytes_waiting, given.ring)
        self._exports = Exports(self._inbox, given.run, given.clock)
        context = server_context(given.order.tls) if given.order.tls else None
        self._http: Listener | None = None
        self._grpc: OtlpGrpc | None = None
        where = None
        if given.address.transports == ("http",):
            where = bound(given.address.host, given.address.port, socket.SOCK_STREAM, given.address.text)
            serve = OtlpHttp(self._exports, given.limits.bytes_waiting, lambda: self._closed, self._refused).serve
            admits, limit = admission(given.order.senders), given.limits.connections
            self._http = Listener(where, serve, limit, admits, given.account, self._seldom, given.clock, context)
        self._thread = LoopThread(given.address.text)
        self.port: int = self._thread.run(self._open(where))
        given.say(f"listens at {given.address.text}" + (f" (port {self.port})" if not given.address.port else ""))

    def look(self, reading: bool = False) -> None:
        """The thread looks."""

    def stands(self) -> list[Millis]:
        oldest = self._inbox.oldest()
        return [] if oldest is None else [oldest]

    def take(self, now: Millis) -> Iterator[Batch]:
        for export in self._inbox.take(_TAKEN):
            records = [self._given.translator.structured(one, now) for one in self._exports.structured(export, now)]
            yield Batch(records, lambda export=export: self._thread.call(self._exports.arrived, export))  # type: ignore[misc]

    def end(self) -> None:
        """Senders know no end."""

    def close(self) -> None:
        """Take no more requests. Those that are under way are answered while what they brought arrives."""
        self._closed = True
        self._thread.call(self._shut)

    def release(self) -> None:
        """The thread ends by itself once the last request is answered."""

    def over(self) -> bool:
        return self._closed and self._inbox.oldest() is None

    def lag(self) -> int:
        return self._inbox.bytes

    async def _open(self, where: socket.socket | None) -> int:
        given = self._given
        if self._http and where:
            await self._http.open()
            return int(where.getsockname()[1])
        self._grpc = OtlpGrpc(self._exports, admission(given.order.senders), self._refused, given.limits)
        return await self._grpc.open(given.address.host, given.address.port, given.order.tls, given.address.text)

    def _shut(self) -> None:
        end = self._http.close() if self._http else self._grpc.close() if self._grpc else None
        if end:
            self._ending = self._thread.loop.create_task(end)
            self._ending.add_done_callback(lambda _: self._thread.loop.stop())

    def _refused(self, peer: str, why: str) -> None:
        self._given.account.refused += 1
        self._seldom("turned away", f"{peer} {why}")
