"""What is to be found in an sshd log or an access log, by plain counting: `python plain_counting.py auth|access FILE` prints JSON lines.

It shares no code with LogVerse, imports the standard library only, and knows nothing of its rules. Its definitions are others':

brute-force (auth)     one address, 5 or more failed passwords within 10 minutes: fail2ban's defaults (jail.conf: maxretry 5, findtime 10m).
guessed-name (auth)    one user's name, 5 or more failed passwords within 10 minutes, from wherever: the same figures by account, as
                       OWASP's Authentication Cheat Sheet wants failures counted (by account, not by address alone).
cut-off (auth)         one address that sshd itself cut off for too many attempts in one connection (sshd_config(5), MaxAuthTries: 6). Its
                       failures need not be in the log: those of keys are not at its usual level.
failure-burst (auth)   a minute of clock time with at least 10 failed passwords, and more than mean + 3·sqrt(mean) of all minutes of the
                       log: the upper control limit of a c-chart (Shewhart 1931; NIST/SEMATECH e-Handbook, 6.3.3.1).
failure-burst (access) the same of answers 5xx.
scan (access)          one client, 10 or more different paths answered 4xx within 10 minutes: forced browsing (OWASP AppSensor, ACE3).
hammering (access)     one client, 60 or more answers 404 within a minute: one a second.

What overlaps or lies less than 10 minutes apart, of the same kind and about the same one, is one finding. A failed password is sshd's line
`Failed password for … from ADDRESS port …`, and as many as it says of `message repeated N times: [ Failed password …]`. Times are taken
as UTC, a missing year is --year.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import NamedTuple

MINUTE = 60.0
FINDTIME, MAXRETRY = 10 * MINUTE, 5
BURST_LEAST = 10
SCANNED_PATHS, HAMMERED = 10, 60

_FAILED = re.compile(r"(?:message repeated (\d+) times: \[ )?Failed \S+ for (?:invalid user )?(.*) from (\S+) port \d+")
_EXCEEDED = re.compile(r"(?:error: )?maximum authentication attempts exceeded for .* from (\S+) port \d+")
_AUTH = re.compile(r"(\w{3} +\d+ \d\d:\d\d:\d\d) \S+ ([^ :\[]+)(?:\[\d+\])?: (.*)")
_ACCESS = re.compile(r'(\S+) \S+ \S+ \[([^\]]+)\] "(?:\S+ (\S+)[^"]*|[^"]*)" (\d{3}) ')


class Seen(NamedTuple):
    """Something that counts `times`, at seconds of the epoch, about `who`; `what` tells things apart where different ones are counted."""

    at: float
    who: str
    times: int = 1
    what: str = ""


class Finding(NamedTuple):
    kind: str
    who: str
    start: float
    end: float
    most: int  # that came within the time it is about


def auth(lines: Iterable[str], year: int) -> list[Finding]:
    """All findings of an sshd log."""
    said = list(_said(lines, year))
    failures = [(at, match[3], match[2], int(match[1] or 1)) for at, text in said if (match := _FAILED.match(text))]
    by_address = [Seen(at, address, times) for at, address, _, times in failures]
    by_name = [Seen(at, name, times) for at, _, name, times in failures]
    cut_off = [Seen(at, match[1]) for at, text in said if (match := _EXCEEDED.match(text))]
    found = [*_often("brute-force", by_address, FINDTIME, MAXRETRY), *_often("guessed-name", by_name, FINDTIME, MAXRETRY)]
    found += _often("cut-off", cut_off, FINDTIME, 1)
    return sorted([*found, *_bursts(by_address)], key=lambda finding: finding.start)


def access(lines: Iterable[str]) -> list[Finding]:
    """All findings of an access log in the common or combined format."""
    matches = [match for line in lines if (match := _ACCESS.match(line))]
    answers = [(_common(match[2]), match[1], (match[3] or "").partition("?")[0], int(match[4])) for match in matches]
    missing = [Seen(at, client, 1, path) for at, client, path, status in answers if 400 <= status < 500]
    unfound = [Seen(at, client) for at, client, _, status in answers if status == 404]
    failed = [Seen(at, "") for at, _, _, status in answers if status >= 500]
    found = [*_different("scan", missing, FINDTIME, SCANNED_PATHS), *_often("hammering", unfound, MINUTE, HAMMERED)]
    return sorted([*found, *_bursts(failed)], key=lambda finding: finding.start)


def _said(lines: Iterable[str], year: int) -> Iterator[tuple[float, str]]:
    """What sshd said, and when."""
    for line in lines:
        if (match := _AUTH.match(line)) and match[2] == "sshd":
            yield datetime.strptime(f"{year} {match[1]}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC).timestamp(), match[3]


def _common(text: str) -> float:
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").timestamp()


def _windows(seen: Iterable[Seen], span: float) -> Iterator[tuple[str, list[Seen]]]:
    """For each thing seen, all of the same one's in the span that ends with it."""
    recent: defaultdict[str, list[Seen]] = defaultdict(list)
    for one in sorted(seen):
        kept = recent[one.who] = [other for other in recent[one.who] if other.at > one.at - span] + [one]
        yield one.who, kept


def _often(kind: str, seen: Iterable[Seen], span: float, least: int) -> list[Finding]:
    counts = ((who, kept, sum(one.times for one in kept)) for who, kept in _windows(seen, span))
    return _joined(Finding(kind, who, kept[0].at, kept[-1].at, count) for who, kept, count in counts if count >= least)


def _different(kind: str, seen: Iterable[Seen], span: float, least: int) -> list[Finding]:
    counts = ((who, kept, len({one.what for one in kept})) for who, kept in _windows(seen, span))
    return _joined(Finding(kind, who, kept[0].at, kept[-1].at, count) for who, kept, count in counts if count >= least)


def _bursts(seen: Iterable[Seen]) -> list[Finding]:
    minutes: Counter[float] = Counter()
    for one in seen:
        minutes[one.at - one.at % MINUTE] += one.times
    if not minutes:
        return []
    mean = sum(minutes.values()) / ((max(minutes) - min(minutes)) / MINUTE + 1)
    limit = max(mean + 3 * sqrt(mean), BURST_LEAST - 1)
    return _joined(Finding("failure-burst", "", at, at + MINUTE, count) for at, count in sorted(minutes.items()) if count > limit)


def _joined(findings: Iterable[Finding]) -> list[Finding]:
    """Those of the same one that overlap or lie close together are one; the highest count stays."""
    last: dict[str, Finding] = {}
    done: list[Finding] = []
    for one in sorted(findings, key=lambda finding: (finding.end, finding.start)):
        former = last.get(one.who)
        if former is not None and one.start <= former.end + FINDTIME:
            last[one.who] = former._replace(
                start=min(former.start, one.start), end=max(former.end, one.end), most=max(former.most, one.most)
            )
            continue
        if former is not None:
            done.append(former)
        last[one.who] = one
    return [*done, *last.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description="Bursts, brute force and scans by plain counting.")
    parser.add_argument("form", choices=("auth", "access"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--year", type=int, default=datetime.now(UTC).year, help="of an sshd log, which names none")
    arguments = parser.parse_args()
    with arguments.file.open(encoding="utf-8", errors="replace") as lines:
        found = auth(lines, arguments.year) if arguments.form == "auth" else access(lines)
    for finding in found:
        sys.stdout.write(json.dumps(finding._asdict()) + "\n")


if __name__ == "__main__":
    main()
