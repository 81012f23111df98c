"""Real sshd and access logs: our alerts against a list made by plain counting (plain_counting.py), precision and recall.

`python -m benchmarks.detection real-logs [--rules FILE] [--list] [-o json]`

The logs are read as a producer reads them, summed up as the job does, and judged by the default rules. No published figure exists for
these files: nobody has labelled them. The list is independent, its definitions are others'; see there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import zstandard

from benchmarks.detection import plain_counting
from benchmarks.detection.confidence import share_interval
from benchmarks.detection.events import summaries
from benchmarks.detection.plain_counting import FINDTIME, Finding
from benchmarks.detection.watching import Firing, watch
from flink_jobs.rules.files import DEFAULTS, read_rules
from logverse import instant
from logverse.instant import Millis
from logverse.rule import Rule
from producers.parsers.local_time import IN_UTC
from producers.preview import Preview

DATA = Path(__file__).parents[2].parent / "shared" / "data"
LOGS: dict[str, tuple[str, str]] = {
    "sshd": ("auth", "auth/elastic_suspicious_login_auth.log.zst"),
    "apache": ("access", "http/apache_logs.log.zst"),
    "nginx": ("access", "http/nginx_logs.log.zst"),
}
# Whom a finding of each kind names; a burst names nobody, and any alert about failures finds it.
NAMED = {
    "brute-force": "client.address",
    "cut-off": "client.address",
    "guessed-name": "user.name",
    "scan": "client.address",
    "hammering": "client.address",
}
# The rules about what the list is about; the others have nothing to compare with.
ABOUT: dict[str, tuple[str, ...]] = {
    "login-failures-address": ("brute-force", "cut-off", "failure-burst"),
    "login-blocked": ("brute-force", "cut-off", "failure-burst"),
    "login-failures-user": ("guessed-name", "failure-burst"),
    "http-scan": ("scan",),
    "http-not-found": ("hammering", "scan"),
    "http-5xx-share": ("failure-burst",),
    "http-5xx-unusual": ("failure-burst",),
}


@dataclass(slots=True)
class Compared:
    """One log: findings with how many alerts are about each, alerts with how many findings, and alerts that the list says nothing of."""

    log: str
    findings: list[tuple[Finding, int]]
    alerts: list[tuple[Firing, int]]
    others: list[Firing] = field(default_factory=list)


def compare(log: str, findings: Sequence[Finding], firings: Sequence[Firing]) -> Compared:
    """Who is about whom."""
    judged = [firing for firing in firings if firing.rule in ABOUT]
    return Compared(
        log,
        [(finding, sum(same(finding, firing) for firing in judged)) for finding in findings],
        [(firing, sum(same(finding, firing) for finding in findings)) for firing in judged],
        [firing for firing in firings if firing.rule not in ABOUT],
    )


def same(finding: Finding, firing: Firing) -> bool:
    """Whether the alert is about this kind of thing, names the same one, and fires at the time, give or take the list's own ten minutes."""
    if finding.kind not in ABOUT[firing.rule]:
        return False
    if (name := NAMED.get(finding.kind)) is not None and firing.group.get(name) != finding.who:
        return False
    ends = firing.ends_at if firing.ends_at is not None else firing.starts_at
    return firing.starts_at / 1000 <= finding.end + FINDTIME and finding.start - FINDTIME <= ends / 1000


def read(path: Path, service: str) -> Iterator[Mapping[str, Any]]:
    """The file's events as a producer makes them, `timestamp` in milliseconds."""
    preview = Preview("auto", IN_UTC, _no_clock, lambda _: None)
    for shown in preview.file(path):
        if shown.event is not None:
            yield {"service.name": service, **shown.event, "timestamp": instant.read(shown.event["timestamp"])}


def _no_clock() -> Millis:
    return instant.END


def judged(log: str, path: Path, rules: Sequence[Rule]) -> tuple[list[Firing], int]:
    """Alerts about the log, and the year of its first line, which an sshd log leaves out."""
    seconds = summaries(read(path, log))
    first = min(seconds)
    # One after the other: between two lines of a quiet host nothing is asked for, and nothing is missed by it.
    return watch({log: sorted(seconds.items())}, rules, at_once=1), int(instant.written(first)[:4])


def counted(form: str, path: Path, year: int) -> list[Finding]:
    """The list, from a process of its own that has none of our code."""
    command = [sys.executable, "-I", plain_counting.__file__, form, str(path), "--year", str(year)]
    done = subprocess.run(command, check=True, capture_output=True)
    return [Finding(**orjson.loads(line)) for line in done.stdout.splitlines()]


def main(given: Sequence[str] = ()) -> None:
    """Print the table; say so when the logs are not there."""
    arguments = _arguments(given)
    rules, compared = read_rules(arguments.rules), []
    with tempfile.TemporaryDirectory() as folder:
        for log, (form, name) in LOGS.items():
            if not (DATA / name).exists():
                print(f"{log}: left out, there is no {name} in the data folder", file=sys.stderr)
                continue
            path = Path(folder) / f"{log}.log"
            with (DATA / name).open("rb") as packed, path.open("wb") as plain:
                zstandard.ZstdDecompressor().copy_stream(packed, plain)
            firings, year = judged(log, path, rules)
            compared.append(compare(log, counted(form, path, year), firings))
            print(f"  {log}: {len(firings)} alerts", file=sys.stderr, flush=True)
    if arguments.output == "json":
        print(orjson.dumps(compared, option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(table(compared, arguments.list)))


def table(compared: Sequence[Compared], listed: bool) -> Iterator[str]:
    """Recall by kind of finding, precision by rule, and what else fired."""
    yield f"{'log':<8} {'on the list':<16} {'found':<26}"
    for one in compared:
        for kind in sorted({finding.kind for finding, _ in one.findings}):
            hits = [count > 0 for finding, count in one.findings if finding.kind == kind]
            yield f"{one.log:<8} {kind:<16} {_share(hits)}"
    yield f"{'all':<8} {'recall':<16} {_share([count > 0 for one in compared for _, count in one.findings])}"
    yield ""
    yield f"{'log':<8} {'alerts of':<24} {'on the list':<26}"
    for one in compared:
        for rule in sorted({firing.rule for firing, _ in one.alerts}):
            yield f"{one.log:<8} {rule:<24} {_share([count > 0 for firing, count in one.alerts if firing.rule == rule])}"
    yield f"{'all':<8} {'precision':<24} {_share([count > 0 for one in compared for _, count in one.alerts])}"
    for one in compared:
        said = ", ".join(f"{rule} {count}" for rule, count in Counter(firing.rule for firing in one.others).most_common())
        yield f"{one.log}: of rules that the list says nothing about: {said or 'none'}"
    yield from _listed(compared) if listed else ()


def _share(hits: Sequence[bool]) -> str:
    if not hits:
        return "-"
    low, high = share_interval(sum(hits), len(hits))
    return f"{sum(hits):>3}/{len(hits):<3} {sum(hits) / len(hits):>6.1%}  [{low:>4.0%}, {high:>4.0%}]"


def _listed(compared: Iterable[Compared]) -> Iterator[str]:
    for one in compared:
        for finding, count in one.findings:
            if not count:
                yield f"{one.log}: missed {finding.kind} {finding.who!a} {instant.written(int(finding.start * 1000))} {finding.most}"
        for firing, count in one.alerts:
            if not count:
                yield f"{one.log}: not on the list: {instant.written(firing.starts_at)} {firing.sentence[:160]!a}"


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.detection real-logs", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rules", type=Path, default=DEFAULTS, metavar="FILE", help="instead of the default rules")
    parser.add_argument("--list", action="store_true", help="name what was missed, and what is not on the list")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return parser.parse_args(given)
