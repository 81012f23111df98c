"""What well-known programs say in syslog of users and services: sshd, sudo, su, PAM, systemd, cron and the account tools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from logverse import severity

OK, FAILED = "success", "failure"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a message says. `severity` is the least it deserves."""

    log_type: str = "error"
    fields: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    severity: int = 1


@dataclass(frozen=True, slots=True)
class Saying:
    """A sentence of a program. Its named groups are fields or attributes; `reason` is one out of a small set, to be grouped by."""

    pattern: re.Pattern[str]
    event_name: str
    outcome: str | None = None
    reason: str = ""
    severity: int = 1


def _says(pattern: str, event_name: str, outcome: str | None = None, reason: str = "", severity: int = 1) -> Saying:
    return Saying(re.compile(pattern, re.ASCII | re.DOTALL), event_name, outcome, reason, severity)


# A user's name is what somebody typed: it may hold " from 10.0.0.9 port 22", so the last such words of the line count.
_FROM = r" from (?P<address>\S{1,255})(?: port (?P<port>\d{1,5}))?"
_SSHD = [
    _says(rf"Accepted (?P<method>\S{{1,32}}) for (?P<user>.*){_FROM}(?: ssh\d)?(?:: .*)?", "user.login", OK),
    _says(rf"Failed (?P<method>\S{{1,32}}) for invalid user (?P<user>.*){_FROM}(?: ssh\d)?(?:: .*)?", "user.login", FAILED,
          "invalid user", severity.WARN),
    _says(rf"Failed (?P<method>\S{{1,32}}) for (?P<user>.*){_FROM}(?: ssh\d)?(?:: .*)?", "user.login", FAILED, "failed authentication",
          severity.WARN),
    _says(rf"(?:Invalid|Illegal) user (?P<user>.*){_FROM}", "user.login", FAILED, "invalid user", severity.WARN),
    _says(rf"User (?P<user>.*){_FROM} not allowed because .*", "user.login", FAILED, "not allowed", severity.WARN),
    _says(rf"message repeated (?P<repeated>\d{{1,9}}) times: \[ Failed (?P<method>\S{{1,32}}) for (?:invalid user )?(?P<user>.*)"
          rf"{_FROM}(?: ssh\d)?\]",
          "user.login", FAILED, "failed authentication", severity.WARN),
    _says(rf"(?:error: )?maximum authentication attempts exceeded for (?:invalid user )?(?P<user>.*){_FROM}(?: ssh\d)?(?: \[preauth\])?",
          "user.login.blocked", FAILED, "too many attempts", severity.WARN),
    _says(r"(?:error: )?(?:Connection (?:closed|reset)|Disconnected|Received disconnect)(?: by| from)"
          r"(?: (?:invalid|authenticating) user .*)? "
          r"(?P<address>[0-9A-Fa-f.:]{1,44}[0-9A-Fa-f])(?: port (?P<port>\d{1,5}))?(?:[: ].*)?", "network.disconnect"),
    _says(r"Connection from (?P<address>\S{1,255}) port (?P<port>\d{1,5}) on .*", "network.connect"),
]  # fmt: skip
_SUDO = [
    _says(r" *(?P<user>\S{1,255}) : "
          r"(?P<why>\d{1,3} incorrect password attempts?|user NOT in sudoers|command not allowed|a password is required) ; "
          r".*?USER=(?P<as>\S{1,255}) ; (?:.{0,999}?; )??COMMAND=(?P<command>.*)", "user.command", FAILED, "not allowed", severity.WARN),
    _says(r" *(?P<user>\S{1,255}) : (?:TTY=(?P<tty>\S{1,255}) ; )?(?:PWD=(?P<folder>.*?) ; )?USER=(?P<as>\S{1,255}) ; "
          r"(?:.{0,999}?; )??COMMAND=(?P<command>.*)", "user.command", OK),
]  # fmt: skip
_SU = [
    _says(r"Successful su for (?P<as>\S{1,255}) by (?P<user>\S{1,255})", "user.switch", OK),
    _says(r"FAILED su for (?P<as>\S{1,255}) by (?P<user>\S{1,255})", "user.switch", FAILED, "failed authentication", severity.WARN),
    _says(r"\(to (?P<as>\S{1,255})\) (?P<user>\S{1,255}) on .*", "user.switch", OK),
    _says(r"FAILED SU \(to (?P<as>\S{1,255})\) (?P<user>\S{1,255}) on .*", "user.switch", FAILED, "failed authentication", severity.WARN),
]
_CRON = [
    _says(r"\((?P<user>[^)]{1,255})\) CMD \((?P<command>.*)\)", "job.start"),
    _says(r"\((?P<user>[^)]{1,255})\) (?P<why>RELOAD|LIST|REPLACE|BEGIN EDIT|END EDIT|DELETE) \(.*\)", "job.edit"),
    _says(r"\((?P<user>[^)]{1,255})\) (?:error|ERROR|FAILED|AUTH) .*", "job.start", FAILED, "failed", severity.ERROR),
]
_LOGIND = [
    _says(r"New session (?P<session>\S{1,64}) of user (?P<user>.*?)\.?", "session.start", OK),
    _says(r"(?:Removed session|Session) (?P<session>[^\s.]{1,64})(?:\.| logged out\..*)", "session.end"),
    _says(r"Failed to (?:start|create) session.*", "session.start", FAILED, "failed", severity.WARN),
]
_SYSTEMD = [
    _says(r"(?:Started|Reached target) (?P<unit>.*?)\.?", "service.start", OK),
    _says(r"Stopped (?:target )?(?P<unit>.*?)\.?", "service.stop", OK),
    _says(r"Failed to start (?P<unit>.*?)\.?", "service.start", FAILED, "failed", severity.ERROR),
    _says(r"(?P<unit>\S{1,255}): Main process exited, code=(?P<code>\w{1,32}), status=(?P<status>\S{1,64})",
          "service.exit", FAILED, "exited", severity.ERROR),
    _says(r"(?P<unit>\S{1,255}): Failed with result '(?P<why>[\w-]{1,64})'\.", "service.exit", FAILED, "exited", severity.ERROR),
    _says(r"(?P<unit>\S{1,255}): (?:Succeeded|Deactivated successfully)\.", "service.exit", OK),
    _says(r"(?P<unit>\S{1,255}): Scheduled restart job, restart counter is at (?P<restarts>\d{1,9})\.", "service.restart"),
]  # fmt: skip
_ACCOUNTS = [
    _says(r"new user: name=(?P<user>[^,]{1,255}), .*", "user.create", OK),
    _says(r"new group: name=(?P<group>[^,]{1,255}), .*", "group.create", OK),
    _says(r"failed adding user (?P<user>.*?)(?:, data deleted)?", "user.create", FAILED, "failed", severity.WARN),
    _says(r"delete user [`'](?P<user>[^']{1,255})'", "user.delete", OK),
    _says(r"password changed for (?P<user>\S{1,255})", "user.password.change", OK),
]
# PAM speaks in the name of whatever asks it: sshd, sudo, cron, …
_PAM = [
    _says(r"pam_\w{1,32}\((?P<stack>[^)]{1,64}):session\): session opened for user (?P<user>[^\s(]{0,255}).*", "session.start", OK),
    _says(r"pam_\w{1,32}\((?P<stack>[^)]{1,64}):session\): session closed for user (?P<user>[^\s(]{0,255})", "session.end"),
    _says(r"pam_\w{1,32}\((?P<stack>[^)]{1,64}):auth\): authentication failure; .*?rhost=(?P<address>\S{0,255}) *(?:user=(?P<user>.*))?",
          "user.authentication", FAILED, "failed authentication", severity.WARN),
    _says(r"pam_\w{1,32}\((?P<stack>[^)]{1,64}):chauthtok\): password changed for (?P<user>.*)", "user.password.change", OK),
]  # fmt: skip

# To understand another program: one line here. Names as its syslog tag has them, in lower case, without a path.
PROGRAMS: Mapping[str, list[Saying]] = {
    "sshd": _SSHD, "sshd-session": _SSHD, "sshd-auth": _SSHD, "sudo": _SUDO, "su": _SU, "cron": _CRON, "crond": _CRON, "anacron": _CRON,
    "systemd-logind": _LOGIND, "systemd": _SYSTEMD, "useradd": _ACCOUNTS, "userdel": _ACCOUNTS, "groupadd": _ACCOUNTS,
    "usermod": _ACCOUNTS, "passwd": _ACCOUNTS, "chpasswd": _ACCOUNTS, "login": [],
}  # fmt: skip
_FIELDS = {"user": "user.name", "address": "client.address", "session": "session.id"}
_ATTRIBUTES = {"port": "client.port", "method": "authentication.method", "as": "user.effective.name", "command": "process.command_line",
               "tty": "process.tty", "folder": "process.working_directory", "unit": "systemd.unit", "repeated": "event.count",
               "status": "process.exit.status", "code": "process.exit.code", "why": "event.detail", "stack": "pam.service",
               "group": "group.name", "restarts": "systemd.restarts"}  # fmt: skip
_NUMBERS = frozenset({"port", "repeated", "restarts"})


def understood(program: str, message: str) -> Meaning:
    """What the message of this program means. One of a program of PROGRAMS is activity, also when its words are not known."""
    sayings = PROGRAMS.get(program.rpartition("/")[2].lower())
    if sayings is None:
        return Meaning()
    for saying in (*sayings, *_PAM) if message.startswith("pam_") else sayings:
        if match := saying.pattern.fullmatch(message):
            return _meaning(saying, match.groupdict())
    return Meaning("activity")


def _meaning(saying: Saying, parts: Mapping[str, str | None]) -> Meaning:
    fields: dict[str, Any] = {"event_name": saying.event_name}
    if saying.outcome:
        fields["event.outcome"] = saying.outcome
    fields |= {_FIELDS[name]: value for name, value in parts.items() if value and name in _FIELDS}
    attributes: dict[str, Any] = {"event.reason": saying.reason} if saying.reason else {}
    for name, value in parts.items():
        if value and name in _ATTRIBUTES:
            attributes[_ATTRIBUTES[name]] = int(value) if name in _NUMBERS else value
    return Meaning("activity", fields, attributes, saying.severity)
