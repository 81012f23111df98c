"""What is asked of Flink's JobManager, and what is not one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from logverse.errors import Refused
from logverse.flink import JobManager


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """A server that says this to whatever it is asked; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return None

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("body", [b"<html>a page</html>", b"[]", b'"yes"', b"{}", b'{"jobs": "no"}'])
def test_something_else_at_the_address_is_named(body: bytes) -> None:
    """No stack trace about JSON, nor about a field: the address, and what it is not."""
    with answering(body) as address, pytest.raises(Refused, match="no Flink JobManager") as refused:
        JobManager(address).jobs()

    assert address in str(refused.value)
