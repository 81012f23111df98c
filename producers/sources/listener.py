"""Connections from strangers: so many at once, each with a time to say something; when it is full, the quietest one makes room."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from logverse.errors import WrongSettings
from logverse.instant import Millis
from producers.account import Account
from producers.sources.seldom import Seldom

HANDSHAKE_S = 10.0
READ = 64 * 1024  # bytes at once
_BACKLOG = 256
_RETRY_S = 0.5
_GOODBYE_S = 2.0  # to read what was received when told to stop


class Connection:
    """One of them. `peer` is its address, `heard` when it last said something (processing time)."""

    def __init__(self, peer: str, clock: Callable[[], Millis]) -> None:
        self.peer, self._clock, self.heard = peer, clock, clock()
        self.task: asyncio.Task[None] | None = None
        self.hang_up: Callable[[], None] | None = None  # what was received is still read, nothing more is
        self.transport: asyncio.Transport | None = None  # once it is through TLS
        self.evicted = False

    def alive(self) -> None:
        self.heard = self._clock()


Serve = Callable[[Connection, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Accepts on one socket. `serve` gets each connection, once it is through TLS, and is cancelled when it has to go."""

    def __init__(
        self, where: socket.socket, serve: Serve, most: int, admits: Callable[[str], bool], account: Account, seldom: Seldom,
        clock: Callable[[], Millis], context: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._socket, self._serve, self._most, self._admits, self._context = where, serve, most, admits, context
        self._account, self._seldom, self._clock = account, seldom, clock
        self.connections: set[Connection] = set()
        self._accepting: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._socket.listen(_BACKLOG)
        self._socket.setblocking(False)
        self._accepting = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Accept nobody, and let those go that are there: what they have sent so far is kept."""
        if self._accepting:
            self._accepting.cancel()
        self._socket.close()
        for one in self.connections:
            if one.hang_up:
                one.hang_up()
        tasks = [one.task for one in self.connections if one.task]
        if tasks:
            _, slow = await asyncio.wait(tasks, timeout=_GOODBYE_S)
            for task in slow:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(self._socket)
            except OSError as error:  # too many open files: those who are there go on
                self._seldom("cannot accept connections", error.strerror or str(error))
                await asyncio.sleep(_RETRY_S)
                continue
            self._begin(sock, str(address[0]))

    def _begin(self, sock: socket.socket, peer: str) -> None:
        if not self._admits(peer):
            sock.close()
            return self.refuse(peer, "is not among those who may send (--from)")
        if len(self.connections) >= self._most:
            self._make_room()
        connection = Connection(peer, self._clock)
        self.connections.add(connection)
        connection.task = asyncio.create_task(self._through(connection, sock))
        connection.task.add_done_callback(partial(self._gone, connection, sock))

    def _gone(self, connection: Connection, sock: socket.socket, _: object) -> None:
        # Not in a `finally` of the task: one that is cancelled before its first step has none.
        self.connections.discard(connection)
        if connection.transport is None:
            sock.close()
        elif connection.evicted:
            connection.transport.abort()
        else:
            connection.transport.close()

    def _make_room(self) -> None:
        quietest = min(self.connections, key=lambda one: one.heard)
        self.connections.discard(quietest)
        quietest.evicted = True
        self.refuse(quietest.peer, f"was quiet for longest, and {self._most} connections are all there may be")
        if quietest.task:
            quietest.task.cancel()

    def refuse(self, peer: str, why: str) -> None:
        """Count somebody who was turned away, and say it now and then."""
        self._account.refused += 1
        self._seldom("turned away", f"{peer} {why}")

    async def _through(self, connection: Connection, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        reader = asyncio.StreamReader(limit=READ)
        protocol = asyncio.StreamReaderProtocol(reader)
        patience = HANDSHAKE_S if self._context else None
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock, ssl=self._context, ssl_handshake_timeout=patience)
            connection.alive()
            connection.transport = transport
            connection.hang_up = partial(_hang_up, transport, reader)
            await self._serve(connection, reader, asyncio.StreamWriter(transport, protocol, reader, loop))
        except (OSError, ssl.SSLError) as error:
            if connection.transport is None:
                self.refuse(connection.peer, f"does not get through TLS: {getattr(error, 'reason', None) or error or 'it hung up'}")


def _hang_up(transport: asyncio.Transport, reader: asyncio.StreamReader) -> None:
    if not transport.is_closing():
        transport.pause_reading()
    reader.feed_eof()


def bound(host: str, port: int, kind: socket.SocketKind, where: str) -> socket.socket:
    """A socket at this address. WrongSettings says why there cannot be one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, kind)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        remedy = (
            "a port below 1024 takes root: choose one above" if isinstance(error, PermissionError) else "choose a free port of this machine"
        )
        raise WrongSettings(f"cannot listen there: {error.strerror}", where=where, remedy=remedy) from error
    return sock


def admission(networks: Sequence[str]) -> Callable[[str], bool]:
    """Whether an address may send: all may when no network is named."""
    allowed = [ipaddress.ip_network(network) for network in networks]

    def admits(peer: str) -> bool:
        address = ipaddress.ip_address(peer.partition("%")[0])
        plain = getattr(address, "ipv4_mapped", None) or address
        return not allowed or any(plain in network for network in allowed)

    return admits
