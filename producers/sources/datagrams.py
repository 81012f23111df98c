"""UDP: one message a datagram. Nobody waits and nobody repeats, so what the kernel or we had no room for is counted."""

from __future__ import annotations

import socket
import struct
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from producers.account import Account
from producers.sources.seldom import Seldom

LARGEST = 65_536
BUFFER = 16 * 1024 * 1024  # asked of the kernel, which may grant less
AT_ONCE = 512  # datagrams before others get their turn
_RXQ_OVFL = 40  # SO_RXQ_OVFL of Linux: how many datagrams this socket has dropped, said with the next one
_FORCED = 33  # SO_RCVBUFFORCE: beyond net.core.rmem_max, for whoever may


class Datagrams:
    """Reads one socket. `keep(sender, messages)` answers how many of them, from the first on, found room."""

    def __init__(
        self, where: socket.socket, keep: Callable[[str, list[bytes]], int], admits: Callable[[str], bool], account: Account, seldom: Seldom
    ) -> None:
        self.socket, self._keep, self._admits, self._account, self._seldom = where, keep, admits, account, seldom
        self._dropped = 0
        where.setblocking(False)
        for option in (_FORCED, socket.SO_RCVBUF):
            with suppress(OSError):
                where.setsockopt(socket.SOL_SOCKET, option, BUFFER)
                break
        with suppress(OSError):  # no Linux: what the kernel drops stays unknown
            where.setsockopt(socket.SOL_SOCKET, _RXQ_OVFL, 1)

    def read(self) -> None:
        """What is there now, in the order of each sender."""
        senders: OrderedDict[str, list[bytes]] = OrderedDict()
        for _ in range(AT_ONCE):
            try:
                data, more, _, address = self.socket.recvmsg(LARGEST, socket.CMSG_SPACE(4))
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # an ICMP answer to somebody
            if more:
                self._count(more)
            senders.setdefault(str(address[0]), []).append(data.rstrip(b"\r\n\0"))
        for sender, messages in senders.items():
            self._pass_on(sender, messages)

    def close(self) -> None:
        self.socket.close()

    def _pass_on(self, sender: str, messages: list[bytes]) -> None:
        if not self._admits(sender):
            self._account.refused += len(messages)
            return self._seldom("turned away", f"{sender} is not among those who may send (--from)")
        lost = len(messages) - self._keep(sender, messages)
        if lost:
            self._lose("no room while Kafka was slow or away", lost)

    def _count(self, more: list[tuple[int, int, bytes]]) -> None:
        for level, kind, data in more:
            if level == socket.SOL_SOCKET and kind == _RXQ_OVFL:
                dropped: int = struct.unpack("I", data[:4])[0]
                if dropped != self._dropped:
                    self._lose("dropped by the kernel, faster than we could read", (dropped - self._dropped) % 2**32)
                self._dropped = dropped

    def _lose(self, why: str, count: int) -> None:
        self._account.lost[why] += count
        self._seldom("lost", f"{count:,} datagrams: {why}")
