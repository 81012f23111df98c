"""Words to build alerts with, and the far sides that notifications go to: a real HTTP server and a real SMTP server on loopback."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from logverse.alert import Alert, Explanation, Status
from logverse.instant import Millis, read

NOON: Millis = read("2026-11-21T12:00:00.000Z")
MINUTE: Millis = 60_000
CERTIFICATE = Path(__file__).with_name("localhost.pem")


def alert(status: Status = "firing", service: str = "web", since: Millis = NOON, after: Millis = 38_000, **more: Any) -> Alert:
    """An alert about 5xx on a service, `after` so long of its condition holding (event time)."""
    why = Explanation(
        sentence=more.pop("sentence", "5xx share is 18.4 % (limit 5 %)"),
        actual=18.4, threshold=5.0, comparison=">", unit="%", matched=82, total=446,
        contributors=(("POST /pay on web-2, status 503", 76),),
        samples=(more.pop("sample", "14:02:09 web-2 POST /pay 503 30.0 s client 10.0.3.7"),),
    )  # fmt: skip
    over = {"ends_at": since + after} if status == "resolved" else {}
    return Alert(
        rule=more.pop("rule", "http-5xx-share"), rule_type="percentage_match", status=status, severity=more.pop("severity", "critical"),
        group=more.pop("group", {"service.name": service}), active_at=since, at=since + after, explanation=why,
        starts_at=None if status == "pending" else since + 30_000, **{**over, **more},
    )  # fmt: skip


@dataclass
class Request:
    """What a webhook received."""

    headers: dict[str, str]
    body: Any


class HttpServer:
    """Answers POST with what `answers` holds, one each (status, headers, body; a status of 0 drops the connection), then 200."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: deque[tuple[int, dict[str, str], bytes]] = deque()
        self.hold, self.arrived = threading.Event(), threading.Semaphore(0)
        self.hold.set()  # cleared: requests wait for their answer

    @property
    def keys(self) -> list[str]:
        return [request.headers["Idempotency-Key"] for request in self.requests]

    @contextlib.contextmanager
    def serving(self) -> Iterator[HttpServer]:
        far_side = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
                far_side.requests.append(Request(dict(self.headers), body))
                far_side.arrived.release()
                far_side.hold.wait(60)
                status, headers, said = far_side.answers.popleft() if far_side.answers else (200, {}, b"")
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):  # the client was killed meanwhile
                    self.wfile.write(said)

            def log_message(self, *_: Any) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/hook/s3cret"
        try:
            yield self
        finally:
            self.hold.set()
            server.shutdown()
            server.server_close()


class MailServer:
    """Takes mails, or answers with `answer` in place of `250` where `at` says (RCPT or DATA); an empty answer drops the connection."""

    def __init__(self, tls: bool = False, password: str | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.answer, self.at, self._tls, self._password = "250 OK", "", tls, password

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.at == "RCPT":
            return self._said(server)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.at == "DATA":
            return self._said(server)
        self.raw.append(envelope.content)
        mail = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def _said(self, server: SMTP) -> str:
        if not self.answer:
            assert server.transport
            server.transport.abort()
        return self.answer or "421 gone"

    def _login(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.password == (self._password or "").encode(), handled=False)

    @contextlib.contextmanager
    def serving(self) -> Iterator[MailServer]:
        options: dict[str, Any] = {}
        if self._tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(CERTIFICATE)
            options |= {"tls_context": context, "require_starttls": True}
        if self._password:
            options |= {"authenticator": self._login, "auth_required": True, "auth_require_tls": self._tls}
        controller = Controller(self, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        self.smarthost = f"127.0.0.1:{controller.port}"
        try:
            yield self
        finally:
            controller.stop()


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def free_port() -> int:
    """aiosmtpd wants to know its port beforehand."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
