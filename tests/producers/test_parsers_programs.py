"""Applications' loggers and traces, and what programs say in syslog: each sentence in its place, whatever users typed."""

from __future__ import annotations

from typing import Any

import pytest

from producers.parsers import PARSERS
from producers.parsers.parsed import Parsed
from producers.routes import Routes

TIME = "2026-11-21 12:00:00,000"


def parse(form: str, text: str) -> Parsed:
    return PARSERS[form](Routes()).parse(text)


def said(program: str, message: str) -> dict[str, Any]:
    """Event, outcome, user and address of a message."""
    parsed = parse("syslog", f"Nov 21 12:00:00 web-1 {program}[7]: {message}")
    assert parsed.log_type == "activity"
    names = {"event_name": "event", "event.outcome": "outcome", "user.name": "user", "client.address": "address"}
    return {short: parsed.fields[name] for name, short in names.items() if name in parsed.fields}


@pytest.mark.parametrize(
    ("program", "message", "meaning"),
    [
        ("sshd", "Accepted publickey for ann from ::1 port 5 ssh2: RSA SHA256:x",
         {"event": "user.login", "outcome": "success", "user": "ann", "address": "::1"}),
        ("sshd-session", "Failed password for invalid user x from 10.0.0.7 port 5 ssh2",
         {"event": "user.login", "outcome": "failure", "user": "x", "address": "10.0.0.7"}),
        ("sshd", "Invalid user  from 10.0.0.7", {"event": "user.login", "outcome": "failure", "address": "10.0.0.7"}),
        ("sshd", "message repeated 3 times: [ Failed password for root from 10.0.0.7 port 5 ssh2]",
         {"event": "user.login", "outcome": "failure", "user": "root", "address": "10.0.0.7"}),
        ("sshd", "User bob from 10.0.0.7 not allowed because not listed in AllowUsers",
         {"event": "user.login", "outcome": "failure", "user": "bob", "address": "10.0.0.7"}),
        ("sudo", "  ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/ls",
         {"event": "user.command", "outcome": "success", "user": "ann"}),
        ("sudo", "  bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
         {"event": "user.command", "outcome": "failure", "user": "bob"}),
        ("sudo", "  bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
         {"event": "user.command", "outcome": "failure", "user": "bob"}),
        ("su", "FAILED SU (to root) ann on pts/0", {"event": "user.switch", "outcome": "failure", "user": "ann"}),
        ("CRON", "(root) CMD (run-parts /etc/cron.hourly)", {"event": "job.start", "user": "root"}),
        ("systemd", "Started Nightly backup.", {"event": "service.start", "outcome": "success"}),
        ("systemd", "Failed to start nginx.service.", {"event": "service.start", "outcome": "failure"}),
        ("systemd", "nginx.service: Main process exited, code=exited, status=1/FAILURE", {"event": "service.exit", "outcome": "failure"}),
        ("systemd-logind", "New session 7 of user ann.", {"event": "session.start", "outcome": "success", "user": "ann"}),
        ("login", "pam_unix(login:auth): authentication failure; logname= uid=0 euid=0 tty=tty1 ruser= rhost=  user=ann",
         {"event": "user.authentication", "outcome": "failure", "user": "ann"}),
        ("useradd", "new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/sh",
         {"event": "user.create", "outcome": "success", "user": "eve"}),
        ("sshd", "Server listening on :: port 22.", {}),
    ],
)  # fmt: skip
def test_programs_are_understood(program: str, message: str, meaning: dict[str, Any]) -> None:
    """What sshd, sudo, su, PAM, cron, systemd and the account tools say is activity with who, from where and with what outcome."""
    assert said(program, message) == meaning


@pytest.mark.parametrize(
    "user", ["root from 10.9.9.9 port 22 ssh2", "x from 10.9.9.9", "a b", "root from 10.9.9.9 port 22 ssh2: RSA SHA256:y", "", "\x1b[2J"]
)
def test_user_name_cannot_pass_for_an_address(user: str) -> None:
    """A name is what somebody typed: the address is the one that sshd wrote, at the end."""
    meaning = said("sshd", f"Failed password for invalid user {user} from 10.0.0.7 port 5 ssh2")

    assert meaning["address"] == "10.0.0.7"
    assert meaning.get("user", "") == user


def test_command_cannot_pass_for_a_user() -> None:
    """What is run is the last thing that sudo writes: it may hold anything."""
    command = "/bin/echo x ; USER=bob ; COMMAND=/bin/ls"

    parsed = parse("syslog", f"Nov 21 12:00:00 h sudo: ann : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND={command}")

    assert parsed.fields["user.name"] == "ann"
    assert (parsed.attributes or {})["user.effective.name"] == "root"
    assert (parsed.attributes or {})["process.command_line"] == command


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("<34>1 2026-11-21T12:00:00.003Z h su - ID47 - \ufeffgone", (18, "h", "su", None, "gone")),
        ('<165>1 2026-11-21T12:00:00Z h app 7 - [x@1 a="b \\"c\\" \\]"][y@2] went', (10, "h", "app", 7, "went")),
        ("<13>Nov 21 12:00:00 h app[7]: went", (10, "h", "app", 7, "went")),
        ("<13>Nov 21 12:00:00 app: went", (10, None, "app", None, "went")),
        ("2026-11-21T12:00:00.123456+01:00 h app[7]: went", (9, "h", "app", 7, "went")),
        ("Nov  1 2026 12:00:00 h app: warning: went", (13, "h", "app", None, "warning: went")),
        ("Nov 21 12:00:00 h last message repeated 2 times", (9, "h", None, None, "last message repeated 2 times")),
    ],
)  # fmt: skip
def test_frames_of_syslog(line: str, expected: tuple[Any, ...]) -> None:
    """RFC 3164 and 5424, with and without priority, host, process: each part is found where it is, or is not there."""
    parsed = parse("syslog", line)
    attributes = parsed.attributes or {}

    found = (parsed.severity_number, parsed.fields.get("host.name"), attributes.get("log.syslog.appname"), attributes.get("process.pid"))
    assert (*found, parsed.body) == expected


def test_structured_data() -> None:
    """RFC 5424's parameters are attributes, unescaped."""
    parsed = parse("syslog", '<165>1 - - - - MSG [x@1 a="b \\"c\\" \\]" d="\\\\"] went')

    assert (parsed.timestamp, parsed.local) == (None, None)
    assert parsed.attributes == {
        "log.syslog.structured_data.x@1.a": 'b "c" ]', "log.syslog.structured_data.x@1.d": "\\", "log.syslog.msgid": "MSG",
        "log.syslog.facility.name": "local4",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("form", "line", "level", "body"),
    [
        ("python", f"{TIME} - shop.pay - WARNING - went", 13, "went"), ("python", f"[{TIME}: ERROR/Main] went", 17, "went"),
        ("python", "[2026-11-21 12:00:00 +0000] [7] [INFO] went", 9, "went"), ("python", "CRITICAL:root:went", 21, "went"),
        ("python", "2026-11-21 12:00:00.000 | DEBUG    | a:f:3 - went", 5, "went"), ("python", f"{TIME} INFO [main] went", 9, "went"),
        ("java", f"{TIME} [main] INFO  c.s.Pay - went", 9, "went"), ("java", f"{TIME} WARN  [x-1] c.s.Pay: went", 13, "went"),
        ("java", "21-Nov-2026 12:00:00.000 SEVERE [main] org.apache.A.b went", 17, "went"),
        ("java", f"{TIME} TRACE c.s.Pay - went", 1, "went"),
        ("go", "W1121 12:00:00.000000       7 a.go:3] went", 13, "went"),
        ("go", "2026-11-21T12:00:00.000Z\terror\tpay\ta.go:3\twent", 17, "went"),
        ("go", "2026/11/21 12:00:00.000001 [WARN] went", 13, "went"), ("go", "2026/11/21 12:00:00 went", 9, "went"),
        ("node", "2026-11-21T12:00:00.000Z error: went", 17, "went"),
        ("node", "[2026-11-21 12:00:00.000 +0000] WARN (shop/7 on h): went", 13, "went"),
        ("node", "2026-11-21T12:00:00.000Z [info] [pay]: went", 9, "went"), ("node", "2026-11-21T12:00:00.000Z went", 9, "went"),
    ],
)  # fmt: skip
def test_loggers_of_applications(form: str, line: str, level: int, body: str) -> None:
    """The usual layouts of each language's loggers: time, level and message are found."""
    parsed = parse(form, line)

    assert PARSERS[form](Routes()).begins(line)  # type: ignore[attr-defined]
    assert (parsed.severity_number, parsed.body) == (level, body)
    assert (parsed.timestamp is None) != (parsed.local is None) or line.startswith("CRITICAL")


def test_crash_behind_an_info_line_is_an_error() -> None:
    """What a dying program writes to the same file is not overlooked because the last line before it was harmless."""
    parsed = parse("python", f'{TIME} INFO a: fine\nTraceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: 7')

    assert (parsed.severity_number, parsed.fields["exception.type"]) == (17, "KeyError")


def test_chained_exceptions() -> None:
    """Of Python's chain the last one is what left the program; Java's is the first, with its causes below it."""
    inner = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: 7\n\n'
    outer = "During handling of the above exception, another exception occurred:\n\n"
    outer += 'Traceback (most recent call last):\n  File "b.py", line 2, in g\nOSError: disk'

    parsed = parse("python", f"{TIME} ERROR a: bad\n{inner}{outer}")

    assert parsed.fields["exception.type"] == "OSError"
    assert parsed.fields["code.file.path"] == "b.py"
    assert parsed.fields["exception.stacktrace"] == inner + outer


@pytest.mark.parametrize(
    ("form", "text", "kind"),
    [
        ("go", "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/a.go:9 +0x1d\nexit status 2", "panic"),
        ("java", 'Exception in thread "main" java.lang.NullPointerException\n\tat a.B.c(B.java:1)', "java.lang.NullPointerException"),
        ("node", "/app/a.js:10\n    throw new Error('boom');\n    ^\n\nError: boom\n    at f (/app/a.js:10:9)\n\nNode.js v18", "Error"),
    ],
)
def test_crash_without_a_logger(form: str, text: str, kind: str) -> None:
    """A crash begins a record by itself, wherever it stands, and is fatal."""
    parsed = parse(form, text)

    assert PARSERS[form](Routes()).begins(text.split("\n")[0])  # type: ignore[attr-defined]
    assert (parsed.severity_number, parsed.fields["exception.type"], parsed.timestamp) == (21, kind, None)


def test_context_of_nginx_that_a_client_wrote_is_not_believed() -> None:
    """Who writes a second client into a path gets none of them believed, and blames nobody else."""
    start = "2026/11/21 12:00:00 [error] 7#7: *3 "
    forged = 'open() "/www/x, client: 10.9.9.9, server: y" failed (2: No such file or directory), client: 10.0.0.7, server: shop'

    assert "client.address" not in parse("nginx-error", start + forged).fields


def test_statements_go_on_their_error() -> None:
    """PostgreSQL's details come as lines of their own, with the same beginning: they are one event; slow queries have a duration."""
    form = PARSERS["postgresql"](Routes())
    start = "2026-11-21 12:00:00.000 UTC [42] ann@shop "

    assert form.begins(start + "ERROR:  x")  # type: ignore[attr-defined]
    assert [form.begins(start + more) for more in ("DETAIL:  x", "STATEMENT:  y")] == [False, False]  # type: ignore[attr-defined]
    slow = parse("postgresql", start + "LOG:  duration: 2500.000 ms  statement: select 1")
    assert (slow.attributes or {})["db.client.operation.duration"] == 2.5
