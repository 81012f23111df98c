"""A line of each form with its meaning, and lines that nobody means well with: what the parsers' contract is tried on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import strategies as st

from logverse.event import FIELDS

NOON = "2026-11-21T12:00:00.000Z"
REQUEST = {
    "http.request.method": "GET", "url.path": "/user/42", "url.query": "tab=1", "http.route": "/user/{id}",
    "http.response.status_code": 503, "http.server.request.duration": 0.25, "client.address": "10.0.0.7", "user.name": "ann",
}  # fmt: skip
LOGIN = {"event_name": "user.login", "event.outcome": "failure", "user.name": "root", "client.address": "10.0.0.7"}


@dataclass(frozen=True)
class Case:
    """`body` empty: the whole line. `attributes`: some of them. `free`: text of the message that says nothing else. `header`: the
    first line of its file, where that matters."""

    line: str
    fields: Mapping[str, Any]
    log_type: str = "error"
    severity: int = 17
    at: str | None = NOON
    body: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    free: str = ""
    header: str = ""


PYTHON = """Traceback (most recent call last):
  File "/app/pay.py", line 12, in pay
    charge(card)
shop.errors.Declined: no money"""
JAVA = """java.lang.IllegalStateException: no stock
\tat com.shop.Stock.take(Stock.java:31)
\tat java.base/java.lang.Thread.run(Thread.java:833)
Caused by: java.io.IOException: disk
\t... 2 more"""
GO = """panic: assignment to entry in nil map

goroutine 1 [running]:
main.store(...)
\t/app/main.go:9
main.main()
\t/app/main.go:5 +0x1d"""
NODE = """TypeError: x is not a function
    at take (/app/stock.js:3:14)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""

CASES: dict[str, Case] = {
    "access": Case(
        '10.0.0.7 - ann [21/Nov/2026:13:00:00 +0100] "GET /user/42?tab=1 HTTP/1.1" 503 512 "-" "curl/8.5" 0.250',
        REQUEST | {"http.response.body.size": 512, "user_agent.original": "curl/8.5"}, "http", free="curl/8.5",
    ),
    "cri": Case(
        "2026-11-21T12:00:00.000000001Z stderr F payment failed for card 7", {}, severity=9, body="payment failed for card 7",
        attributes={"log.iostream": "stderr"}, free="payment failed",
    ),
    "docker": Case(
        '{"log":"payment failed for card 7\\n","stream":"stdout","time":"2026-11-21T12:00:00.000000001Z"}',
        {}, severity=9, body="payment failed for card 7", attributes={"log.iostream": "stdout"},
    ),
    "json": Case(
        '{"@timestamp": "2026-11-21T13:00:00+01:00", "http": {"request": {"method": "GET"}, "response": {"status_code": 503}},'
        ' "url": {"path": "/user/42", "query": "tab=1"}, "event": {"duration": 250000000}, "source": {"ip": "10.0.0.7"},'
        ' "user.name": "ann"}',
        REQUEST, "http",
    ),
    "syslog": Case(
        "Nov 21 12:00:00 web-1 sshd[42]: Failed password for root from 10.0.0.7 port 4711 ssh2", {"host.name": "web-1", **LOGIN},
        "activity", 13, body="Failed password for root from 10.0.0.7 port 4711 ssh2",
        attributes={"log.syslog.appname": "sshd", "process.pid": 42, "client.port": 4711, "authentication.method": "password",
                    "event.reason": "failed authentication"},
    ),
    "nginx-error": Case(
        '2026/11/21 12:00:00 [error] 7#9: *3 open() "/www/a" failed (2: No such file or directory), client: 10.0.0.7, server: shop, '
        'request: "GET /a?b=1 HTTP/1.1", host: "shop"',
        {"client.address": "10.0.0.7", "http.request.method": "GET", "url.path": "/a", "http.route": "/a", "url.query": "b=1"},
        body='open() "/www/a" failed (2: No such file or directory), client: 10.0.0.7, server: shop, request: "GET /a?b=1 HTTP/1.1", '
        'host: "shop"',
        attributes={"process.pid": 7, "nginx.server": "shop", "nginx.connection": 3}, free="No such file or directory",
    ),
    "apache-error": Case(
        "[Sat Nov 21 12:00:00.000000 2026] [proxy:error] [pid 7:tid 9] [client 10.0.0.7:4711] AH00957: attempt to connect failed",
        {"client.address": "10.0.0.7"}, body="attempt to connect failed", free="attempt to connect",
        attributes={"process.pid": 7, "client.port": 4711, "apache.module": "proxy", "apache.error_id": "AH00957"},
    ),
    "postgresql": Case(
        '2026-11-21 12:00:00.000 UTC [42] ann@shop ERROR:  relation "x" does not exist at character 15\n'
        "2026-11-21 12:00:00.000 UTC [42] ann@shop STATEMENT:  select 1\n\tfrom x",
        {"user.name": "ann"}, body='relation "x" does not exist at character 15\nSTATEMENT:  select 1\n\tfrom x', free="does not exist",
        attributes={"process.pid": 42, "db.namespace": "shop"},
    ),
    "zookeeper": Case(
        "2026-11-21 12:00:00,000 - ERROR [/10.0.0.7:3888:QuorumCnxManager$Listener@493] - Received connection request",
        {"code.line.number": 493}, body="Received connection request", free="Received connection",
        attributes={"log.logger": "QuorumCnxManager$Listener", "thread.name": "/10.0.0.7:3888"},
    ),
    "hdfs": Case(
        "261121 120000 148 ERROR dfs.DataNode$PacketResponder: PacketResponder 1 terminating", {}, body="PacketResponder 1 terminating",
        attributes={"log.logger": "dfs.DataNode$PacketResponder", "thread.name": "148"}, free="terminating",
    ),
    "python": Case(
        f"2026-11-21 12:00:00,000 ERROR shop.pay: payment failed\n{PYTHON}",
        {"exception.type": "shop.errors.Declined", "exception.message": "no money", "exception.stacktrace": PYTHON,
         "code.file.path": "/app/pay.py", "code.line.number": 12, "code.function.name": "pay"},
        body="payment failed", attributes={"log.logger": "shop.pay"}, free="payment failed",
    ),
    "java": Case(
        f"2026-11-21T12:00:00.000Z ERROR 7 --- [nio-1] com.shop.Stock : cannot take\n{JAVA}",
        {"exception.type": "java.lang.IllegalStateException", "exception.message": "no stock", "exception.stacktrace": JAVA,
         "code.function.name": "com.shop.Stock.take", "code.file.path": "Stock.java", "code.line.number": 31},
        body="cannot take", attributes={"log.logger": "com.shop.Stock", "thread.name": "nio-1", "process.pid": 7}, free="cannot take",
    ),
    "go": Case(
        f"2026/11/21 12:00:00 store.go:7: writing\n{GO}",
        {"exception.type": "panic", "exception.message": "assignment to entry in nil map", "exception.stacktrace": GO,
         "code.function.name": "main.store", "code.file.path": "/app/main.go", "code.line.number": 9},
        body="writing", free="writing",
    ),
    "logfmt": Case(
        'ts=2026-11-21T12:00:00Z level=error msg="payment \\"failed\\"" user_id=7', {"user.id": "7"}, body='payment "failed"',
    ),
    "csv": Case(
        '2026-11-21T12:00:00Z,error,"payment, failed",7', {"user.id": "7"}, body="payment, failed",
        header="timestamp,level,message,user_id",
    ),
    "node": Case(
        f"[2026-11-21T12:00:00.000Z] [ERROR] stock - cannot take\n{NODE}",
        {"exception.type": "TypeError", "exception.message": "x is not a function", "exception.stacktrace": NODE,
         "code.function.name": "take", "code.file.path": "/app/stock.js", "code.line.number": 3},
        body="cannot take", attributes={"log.logger": "stock"}, free="cannot take",
    ),
    "plain": Case("it works, more or less", {}, severity=9, at=None, free="it works"),
}  # fmt: skip
# Those who take any line: it is the text of a record whose beginning is not there.
TOLERANT = {"plain", "zookeeper", "hdfs", "python", "java", "go", "node"}

NOT_LINES = ["", " ", "\x00", "no log line", "[1, 2]", "null", "1", '{"a":', "\x16\x03\x01", '"', "{}" * 3, "[" * 2000]
_WHOLE = [case.line for case in CASES.values()]
HOSTILE = [
    *(f"\x00{line}" for line in _WHOLE), *(f"\x1b[31m{line}\x1b[0m" for line in _WHOLE), 
    *(line.replace(" ", "\x00") for line in _WHOLE),
    *(line[: len(line) // 2] for line in _WHOLE), *(line.replace("\n", "\r\n") + "\r" for line in _WHOLE),
    *(f"{line}\r{line}" for line in _WHOLE),
    *(line.encode().replace(b"o", b"\xff\xfe").decode("utf-8", "replace") for line in _WHOLE),
    "x" * 10_000_000, "a=" * 2_000_000, '"' * 1_000_000, " " * 1_000_000, "[" * 1_000_000, "\\" * 1_000_000, "at " * 500_000,
    "2026-11-21 12:00:00,000 ERROR " + "a." * 1_000_000,
    "Nov 21 12:00:00 h sshd[1]: Failed password for " + " from 1.2.3.4 port 5" * 50_000,
    "Nov 21 12:00:00 h sudo: " + "a ; " * 50_000 + "USER=b ; COMMAND=c", "<34>1 - - - - - " + '[a b="' * 50_000,
    "2026/11/21 12:00:00 [error] 7#7: *3 failed" + ", host: a" * 25_000,
]  # fmt: skip

# Lines near to real ones: pieces of them in any order.
PIECES = st.sampled_from(
    ["10.0.0.7 - - ", "::1 - - ", "[21/Nov/2026:12:00:00 +0000] ", "[99/Xxx/0000:99:99:99 +9999] ", '"GET / HTTP/1.1" ', '"', "\\",
     " 200 512", " - -", ' "-" "-"', " 0.001", '{"a":', '{"timestamp":', "1e400", '"message":', "null", "}", "[", "]", ",", "9" * 400,
     "<34>", "<34>1 ", "Nov 21 12:00:00 ", "Feb 29 23:59:60 ", "h ", "sshd[1]: ", "Failed password for ",
     " from 1.2.3.4 port 99999 ssh2", "2026-11-21 12:00:00,123 ", "2026-02-30T25:00:00Z ", "0000-00-00 00:00:00 ",
     "ERROR ", "[main] ", "a.b.C - ", "\n", "\r\n",
     "\tat a.b(C.java:1)", "Traceback (most recent call last):", "panic: ", "goroutine 1 [running]:", "a=b ", 'c="d" ', ";",
     "261121 120000 ", "E1121 12:00:00.0 7 a.go:1] "]
)  # fmt: skip
_NAMES = ["a", "http", "timestamp", "status", "level", *FIELDS]
LINES = st.one_of(
    st.text(max_size=200), st.lists(PIECES, max_size=12).map("".join),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner),
        max_leaves=12,
    ).filter(lambda value: isinstance(value, dict)).map(lambda value: orjson.dumps(value).decode()),
)  # fmt: skip
