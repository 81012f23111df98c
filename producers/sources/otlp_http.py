"""OTLP over HTTP/1.1: POST /v1/logs, protobuf or JSON, plain or gzip; bounded in size and in time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11

from logverse.errors import Malformed
from producers.sources.exports import Exports, Full
from producers.sources.listener import READ, Connection
from producers.sources.otlp_records import of_json, of_protobuf

LARGEST = 4 * 1024 * 1024  # the OpenTelemetry collector's limit too: of a request, also when it was compressed
REQUEST_S = 30.0  # from its first byte to its last
IDLE_S = 75.0  # between two requests of a connection
_HEAD = 32 * 1024
_KINDS = {"application/x-protobuf": of_protobuf, "application/json": of_json}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said: status, and why to people."""

    status: int
    text: str = ""


_LARGE = Answer(413, f"more than {LARGEST:,} bytes")
_AGAIN = Answer(503, "no room, or Kafka is slow: send it again")


class OtlpHttp:
    """Serves connections of a Listener. `closing` says whether it is time to end; `refused` is told of what was not taken.
    `most` is for all requests together that are being received, bytes.
    """

    def __init__(self, exports: Exports, most: int, closing: Callable[[], bool], refused: Callable[[str, str], None]) -> None:
        self._exports, self._most, self._closing, self._refused = exports, most, closing, refused
        self._received = 0

    async def serve(self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD)
        try:
            while await self._one(http, connection, reader, writer) and not self._closing():
                http.start_next_cycle()
                connection.alive()
        except (TimeoutError, h11.RemoteProtocolError, ConnectionError) as error:
            if http.our_state in (h11.IDLE, h11.SEND_RESPONSE) and http.their_state is not h11.IDLE:
                status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 408
                await self._say(http, writer, Answer(status, str(error) or "took too long"), "text/plain")
                self._refused(connection.peer, f"sent no whole request: {error or 'took too long'}")

    async def _one(self, http: h11.Connection, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether there may be another."""
        async with asyncio.timeout(IDLE_S):
            request = await self._event(http, reader)
        if not isinstance(request, h11.Request):
            return False
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in request.headers}
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        answer = _impossible(request, headers, kind)
        if answer is None:
            if http.they_are_waiting_for_100_continue:
                writer.write(http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            async with asyncio.timeout(REQUEST_S):
                body = await self._body(http, reader)
            connection.alive()
            answer = body if isinstance(body, Answer) else await self._brought(body, headers, kind, connection.peer)
        if answer.status not in (200, 503):
            self._refused(connection.peer, f"sent what cannot be taken: {answer.status} {answer.text}")
        await self._say(http, writer, answer, kind)
        return http.our_state is h11.DONE and http.their_state is h11.DONE

    async def _brought(self, body: bytes, headers: dict[str, str], kind: str, peer: str) -> Answer:
        try:
            await self._exports.bring(_unpacked(body, headers.get("content-encoding", "identity").lower()), _KINDS[kind], peer)
        except Malformed as error:
            return Answer(400, str(error))
        except (Full, TimeoutError):
            return _AGAIN
        return Answer(200)

    async def _body(self, http: h11.Connection, reader: asyncio.StreamReader) -> bytes | Answer:
        """All of it; or what to say when it, or all that others send at the moment, is too large."""
        whole = bytearray()
        try:
            while isinstance(event := await self._event(http, reader), h11.Data):
                whole += event.data
                self._received += len(event.data)
                if len(whole) > LARGEST:
                    return _LARGE
                if self._received > self._most:
                    return _AGAIN
            return bytes(whole)
        finally:
            self._received -= len(whole)

    async def _event(self, http: h11.Connection, reader: asyncio.StreamReader) -> Any:
        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(await reader.read(READ))
        return event

    async def _say(self, http: h11.Connection, writer: asyncio.StreamWriter, answer: Answer, kind: str) -> None:
        """An empty ExportLogsServiceResponse is no bytes in protobuf."""
        body = (b"{}" if kind == "application/json" else b"") if answer.status == 200 else answer.text.encode("ascii", "replace")
        headers = [("Content-Type", kind if answer.status == 200 else "text/plain"), ("Content-Length", str(len(body)))]
        if answer.status == 503:
            headers.append(("Retry-After", "1"))
        if http.their_state is not h11.DONE or self._closing():
            headers.append(("Connection", "close"))
        writer.write(http.send(h11.Response(status_code=answer.status, headers=headers)) or b"")
        writer.write((http.send(h11.Data(data=body)) or b"") + (http.send(h11.EndOfMessage()) or b""))
        async with asyncio.timeout(REQUEST_S):
            await writer.drain()


def _impossible(request: h11.Request, headers: dict[str, str], kind: str) -> Answer | None:
    """What can be said before the body is read; None when it is to be read."""
    if request.target.partition(b"?")[0] != b"/v1/logs":
        return Answer(404, "only POST /v1/logs is here")
    if request.method != b"POST":
        return Answer(405, "only POST")
    if kind not in _KINDS:
        return Answer(415, f"only {' and '.join(_KINDS)}")
    if headers.get("content-encoding", "identity").lower() not in ("identity", "gzip"):
        return Answer(415, "only gzip")
    length = headers.get("content-length", "0")
    return _LARGE if length.isdecimal() and int(length) > LARGEST else None


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding == "identity":
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        whole = unpacker.decompress(body, LARGEST + 1)
    except zlib.error as error:
        raise Malformed("no gzip") from error
    if len(whole) > LARGEST or not unpacker.eof:
        raise Malformed(f"more than {LARGEST:,} bytes, or cut off")
    return whole
