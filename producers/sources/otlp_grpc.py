"""OTLP over gRPC: LogsService/Export, on grpcio's own server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import grpc

from logverse.errors import Malformed, WrongSettings
from producers.order import Limits, Tls
from producers.sources.exports import Exports, Full
from producers.sources.otlp_http import LARGEST
from producers.sources.otlp_records import of_protobuf

# Requests that are read at once, each of up to LARGEST bytes, before the inbox has room for it or has not.
_AT_ONCE = 64
# A connection over which nothing comes so long makes room: with as many as may be, grpcio drops whoever comes next.
_IDLE_MS = 300_000
_SERVICE = "opentelemetry.proto.collector.logs.v1.LogsService"


class OtlpGrpc:
    """`refused` is told of what was not taken. All of it happens in the listener's loop."""

    def __init__(self, exports: Exports, admits: Callable[[str], bool], refused: Callable[[str, str], None], limits: Limits) -> None:
        self._exports, self._admits, self._refused = exports, admits, refused
        self._server = grpc.aio.server(
            maximum_concurrent_rpcs=min(limits.connections, _AT_ONCE),
            options=[
                ("grpc.max_receive_message_length", LARGEST),
                ("grpc.max_concurrent_streams", 64),
                ("grpc.max_allowed_incoming_connections", limits.connections),
                ("grpc.server_handshake_timeout_ms", 10_000),
                ("grpc.max_connection_idle_ms", _IDLE_MS),
                ("grpc.keepalive_time_ms", 60_000),
                ("grpc.keepalive_timeout_ms", 20_000),
                ("grpc.max_metadata_size", 32 * 1024),
                ("grpc.so_reuseport", 0),  # else two producers at one port would share what comes
            ],
        )

    async def open(self, host: str, port: int, tls: Tls | None, where: str) -> int:
        """Begin; the port. WrongSettings when it is taken."""
        export = grpc.unary_unary_rpc_method_handler(self._export)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"Export": export}),))
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            chosen = self._server.add_secure_port(address, _credentials(tls)) if tls else self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise WrongSettings("cannot listen there", where=where, remedy="choose a free port of this machine") from error
        await self._server.start()
        return int(chosen)

    async def close(self) -> None:
        await self._server.stop(grace=2.0)

    async def _export(self, data: bytes, context: Any) -> bytes:
        peer = _address(context.peer())
        if not self._admits(peer):
            self._refused(peer, "is not among those who may send (--from)")
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "this address may not send")
        try:
            await self._exports.bring(data, of_protobuf, peer)
        except Malformed as error:
            self._refused(peer, f"sent what cannot be taken: {error}")
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except (Full, TimeoutError):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no room, or Kafka is slow: send it again")
        return b""


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
    authority = tls.client_ca.read_bytes() if tls.client_ca else None
    return grpc.ssl_server_credentials([pair], root_certificates=authority, require_client_auth=authority is not None)


def _address(peer: str) -> str:
    """The address in `ipv4:127.0.0.1:5000`, `ipv6:%5B::1%5D:5000`."""
    return unquote(peer.partition(":")[2].rpartition(":")[0]).strip("[]")
