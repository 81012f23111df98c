"""Syslog lines as files and senders have them: RFC 3164, RFC 5424, and what rsyslog and journalctl write today."""

from __future__ import annotations

import re
from typing import Any

from logverse import severity
from logverse.errors import Malformed
from logverse.instant import Millis
from producers.parsers import stamps
from producers.parsers.local_time import Local
from producers.parsers.parsed import Parsed
from producers.parsers.programs import understood
from producers.routes import Routes

# RFC 5424, 6: what is not known is `-`. The version tells it from the older form.
_NEW = re.compile(r"<(\d{1,3})>1 (\S{1,64}) (\S{1,255}) (\S{1,128}) (\S{1,128}) (\S{1,64}) (?=-|\[)", re.ASCII)
_ELEMENT = re.compile(r'\[([^\s="\]]{1,64})((?: [^\s="\]]{1,64}="(?:[^"\\\]]|\\.)*+")*+) ?\]', re.ASCII | re.DOTALL)
_PARAMETER = re.compile(r' ([^\s="\]]{1,64})="((?:[^"\\\]]|\\.)*+)"', re.ASCII | re.DOTALL)
# RFC 3164, 4.1.2, with the year that Cisco adds, or RFC 3339 in its place as rsyslog writes it.
_OLD = re.compile(
    r"(?:<(\d{1,3})>)?"
    r"([A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)):? "
    r"(?:([^\s:\[\]]{1,255}|[0-9A-Fa-f:]{2,45}) )?(?:([^\s:\[\]]{1,128})(?:\[([^\s\]]{1,128})\])?:(?: |$))?(.*)",
    re.ASCII | re.DOTALL,
)
_WORD = re.compile(
    r"(?:\[[ \d.]{1,20}\] )?\(?(emerg|alert|crit|critical|fatal|error|err|warning|warn|debug)\)?: ", re.ASCII | re.IGNORECASE
)

_FACILITIES = ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "security",
               "console", "solaris-cron", *(f"local{number}" for number in range(8)))  # fmt: skip
# OpenTelemetry, Logs Data Model, appendix B: from syslog's 0 (emergency) to 7 (debug).
_SEVERITIES = (
    severity.FATAL,
    severity.ERROR + 2,
    severity.ERROR + 1,
    severity.ERROR,
    severity.WARN,
    severity.INFO + 1,
    severity.INFO,
    severity.DEBUG,
)
_BOM = "\ufeff"


class Syslog:
    """Lines such as `Nov 21 10:00:00 web-1 sshd[42]: Failed password for root from 10.0.0.7 port 4711 ssh2`, with or without `<PRI>`.

    What sshd, sudo, su, systemd, cron and PAM say of users is activity: see `programs`. The body is the message; host, program and
    process have places of their own. Without a priority the severity is what the message begins with (`error: `), else INFO.
    """

    expressions = (_OLD.pattern, _NEW.pattern)

    def __init__(self, routes: Routes) -> None:
        """Routes are for other forms."""

    def parse(self, line: str) -> Parsed:
        """The message in this line; Malformed when it is no syslog line."""
        if match := _NEW.match(line):
            return _new(match, line)
        match = _OLD.fullmatch(line)
        if match is None or not (match[3] or match[4]):
            raise Malformed("not a syslog line")
        priority, time, host, program, process, message = match.groups()
        return _event(priority, stamps.read(time), host, program, process, message, {})


def _new(match: re.Match[str], line: str) -> Parsed:
    priority, time, host, program, process, message_id = (None if part == "-" else part for part in match.groups())
    at, extra = match.end(), dict[str, Any]()
    if line.startswith("-", at):
        at += 1
    while element := _ELEMENT.match(line, at):
        at = element.end()
        for name, value in _PARAMETER.findall(element[2]):
            extra[f"log.syslog.structured_data.{element[1]}.{name}"] = re.sub(r'\\(["\\\]])', r"\1", value)
    if at < len(line) and line[at] != " ":
        raise Malformed("not a syslog line")
    if message_id:
        extra["log.syslog.msgid"] = message_id
    return _event(priority, stamps.read(time) if time else None, host, program, process, line[at + 1 :].removeprefix(_BOM), extra)


def _event(
    priority: str | None, at: Millis | Local | None, host: str | None, program: str | None, process: str | None, message: str,
    attributes: dict[str, Any],
) -> Parsed:  # fmt: skip
    level = None if priority is None else int(priority)
    if level is not None and level > 191:
        raise Malformed("not a syslog line")  # RFC 5424, 6.2.1: 23 facilities of 8 severities
    if level is not None:
        attributes["log.syslog.facility.name"] = _FACILITIES[level >> 3]
    if program:
        attributes["log.syslog.appname"] = program
    if process:
        attributes |= {"process.pid": int(process)} if process.isdigit() and len(process) < 10 else {"log.syslog.procid": process}
    meaning = understood(program or "", message)
    attributes |= meaning.attributes
    fields: dict[str, Any] = {"host.name": host, **meaning.fields} if host else meaning.fields
    number = _spoken(message) if level is None else _SEVERITIES[level & 7]
    local = at if isinstance(at, Local) else None
    return Parsed(meaning.log_type, None if local else at, max(number, meaning.severity), message, fields, attributes or None, None, local)  # type: ignore[arg-type]


def _spoken(message: str) -> int:
    word = _WORD.match(message)
    return (severity.number_of(word[1]) if word else None) or severity.INFO
