"""One question to a Cassandra in its own protocol (CQL native protocol, version 4), without the driver and its threads: does it answer?

Source of the frames: Apache Cassandra, doc/native_protocol_v4.spec, sections 2 and 4.1.
"""

from __future__ import annotations

import socket
import struct

from logverse.errors import Refused, TryAgain

VERSION, STARTUP, QUERY = 0x04, 0x01, 0x07
ERROR, READY, RESULT = 0x00, 0x02, 0x08
HEADER = struct.Struct(">BBhBI")  # version, flags, stream, opcode, length of the body
ONE = 0x0001  # consistency
LIMIT_BYTES = 1 << 20  # no answer to this question is longer: whoever sends more is no Cassandra
QUESTION = "SELECT key FROM system.local"


def ask(port: int, timeout_s: float) -> None:
    """Return when the Cassandra at this port of loopback answers a query about itself. TryAgain when it does not, Refused says why not."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as line:
            line.settimeout(timeout_s)
            _exchange(line, STARTUP, struct.pack(">H", 1) + _string("CQL_VERSION") + _string("3.0.0"), READY)
            _exchange(line, QUERY, struct.pack(">I", len(QUESTION)) + QUESTION.encode() + struct.pack(">HB", ONE, 0), RESULT)
    except OSError as error:
        raise TryAgain(f"nobody answers at 127.0.0.1:{port} yet: {error}") from error


def _exchange(line: socket.socket, opcode: int, body: bytes, wanted: int) -> None:
    line.sendall(HEADER.pack(VERSION, 0, 0, opcode, len(body)) + body)
    _, _, _, answer, length = HEADER.unpack(_exactly(line, HEADER.size))
    if length > LIMIT_BYTES:
        raise Refused("what answers is no Cassandra")
    content = _exactly(line, length)
    if answer == ERROR:
        raise Refused(f"Cassandra says: {content[6:].decode('utf-8', 'replace')[:200]}")  # after its code and the text's length
    if answer != wanted:
        raise Refused(f"Cassandra answers {answer:#04x} where {wanted:#04x} was due")


def _exactly(line: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        part = line.recv(count - len(parts))
        if not part:
            raise ConnectionError("the connection was closed")
        parts += part
    return parts


def _string(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()
