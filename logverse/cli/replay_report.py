"""A replay's report as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from logverse import durations
from logverse.cli.output import echo_rows
from logverse.printable import printable

SHOWN = 20  # firings of all rules that are listed; the report has them all


def echo_report(report: dict[str, Any]) -> None:
    result, run = report["result"], report["run"]
    for line in (*_head(result, run), ""):
        click.echo(printable(line))
    echo_rows([_row(one) for one in result["rules"]], "table", empty="no rules")
    for line in (*_firings(result["rules"]), *_foot(result, run)):
        click.echo(printable(line))


def _head(result: dict[str, Any], run: dict[str, Any]) -> Iterator[str]:
    dead = sum(result["dead_letters"].values())
    yield f"{run['what']}: {result['lines']:,} lines, {result['events']:,} events, {dead:,} dead letters, {result['blank']:,} blank"
    for reason, count in sorted(result["dead_letters"].items(), key=lambda entry: -entry[1]):
        yield f"  {count:,} × {reason}"
    if dead:
        yield "  → logverse parse FILE --failed shows them"
    yield from (f"  {problem}" for problem in result["problems"])
    if result["ahead"]:
        yield f"  {result['ahead']:,} events have a time that is still to come: left out"
    if result["without_time"]:
        yield f"  {result['without_time']:,} lines without a time that is understood: they have that of the line before"
    if result["first"] is None:
        yield "nothing to judge"
        return
    span = durations.said(int(result["span_s"] * 1000))
    yield f"event time {_short(result['first'])} to {_short(result['last'])}, {span}; {_late(result['late'])}"
    yield f"judged {result['judged']:,} of {result['replayed']:,} events{_missed(result)}"


def _late(late: dict[str, Any] | None) -> str:
    if late is None:
        return "in order of time"
    delay = durations.written(late["watermark_delay_ms"])
    worst = f", by up to {late['worst_ms'] / 1000:g} s" if late["worst_ms"] else ""
    return f"{late['events']:,} would have been late live with a watermark delay of {delay}{worst}"


def _missed(result: dict[str, Any]) -> str:
    cut = f"; {result['cut_seconds']:,} seconds of a service are too large to be counted here" if result["cut_seconds"] else ""
    return cut + (f"; {result['late_to_the_job']:,} came late to the job" if result["late_to_the_job"] else "")


def _row(one: dict[str, Any]) -> dict[str, Any]:
    first = one["episodes"][0]["starts_at"] if one["episodes"] else None
    return {
        "rule": one["rule"], "severity": one["severity"], "fired": f"{one['fired']:,}", "a day": f"{one['alerts_a_day']:g}",
        "firing": _span(one["firing_s"]), "longest": _span(one["longest_s"]), "first": _short(first) if first else "-",
    }  # fmt: skip


def _firings(rules: list[dict[str, Any]]) -> Iterator[str]:
    found = sorted(((episode, one) for one in rules for episode in one["episodes"]), key=lambda pair: pair[0]["starts_at"])
    if found:
        yield ""
        yield "would have fired:"
    for episode, one in found[:SHOWN]:
        lasted = f"for {_span(episode['lasted_s'])}" if episode["ends_at"] else f"for {_span(episode['lasted_s'])} and on"
        yield f"  {_short(episode['starts_at'])}  {lasted}  {one['severity']}  {episode['sentence']}"
    all_of_them = sum(one["fired"] for one in rules)
    if all_of_them > SHOWN:
        yield f"  … and {all_of_them - SHOWN:,} more: in the report"
    for one in rules:
        if one["after_the_end"]:
            yield f"  {one['rule']}: {one['after_the_end']:,} more would begin only after the last line, if nothing came then"


def _foot(result: dict[str, Any], run: dict[str, Any]) -> Iterator[str]:
    yield ""
    if result["paused"]:
        yield f"paused, so not judged: {', '.join(result['paused'])}"
    yield f"{result['fired']:,} alerts, {result['alerts_a_day']:g} a day; nobody was notified"
    speed = f"{run['lines_per_s']:,} lines/s in all (read {run['read_lines_per_s']:,}/s, judged {run['judged_events_per_s']:,}/s)"
    yield f"took {run['took']}: {speed}; memory {run['own_mib']:,} MiB, job {run['job_mib']:,} MiB"
    yield f"report: {run['report']}"


def _short(time: str) -> str:
    return time[:19].replace("T", " ")


def _span(seconds: float) -> str:
    return durations.said(int(seconds * 1000)) if seconds else "-"
