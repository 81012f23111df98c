"""`logverse query series`: rates, shares and percentiles of a service over minutes to years."""

from __future__ import annotations

import shutil
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli import terminal_chart
from logverse.cli.query_output import Csv, JsonLines, Subject, time_text
from logverse.errors import WrongSettings
from logverse.printable import printable
from logverse.summary import DIMENSIONS

if TYPE_CHECKING:
    from logverse.settings import Settings
    from storage.series_chart import Chart, Point

MEASURES = ("rate", "5xx-share", "4xx-share", "error-share", "p50", "p90", "p95", "p99", "bytes")
_LINES = 12  # shown to people; the other forms have all
_HEIGHT = 8


@click.command()
@click.option("--service", required=True, metavar="NAME", help="Whose series.")
@click.option("--measure", type=click.Choice(MEASURES), default="rate", show_default=True, help="What of it.")
@click.option("--since", metavar="TIME", default="1h", show_default=True, help="From this time on.")
@click.option("--until", metavar="TIME", default="now", show_default=True, help="Before this time.")
@click.option("--step", metavar="SPAN", help="One point each: 1s, 30s, 5m, 1h, 1d.  [default: by the range]")
@click.option("--by", type=click.Choice(DIMENSIONS[1:]), metavar="NAME", help=f"A line for each value of: {', '.join(DIMENSIONS[1:])}.")
@click.option("--type", "log_type", metavar="TYPE", help="Only log.type http, error or activity.")
@click.option("--status", metavar="WHICH", help="Only this status: 503, 5xx.")
@click.option("--route", metavar="ROUTE", help="Only this http.route.")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="Only this value of one of the names of --by; may be repeated.")
@click.option("-o", "--output", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True, help="Form of the answer.")
@click.pass_obj
def series(
    flags: dict[str, str | None], /, service: str, measure: str, since: str, until: str, step: str | None, by: str | None,
    log_type: str | None, status: str | None, route: str | None, where: tuple[str, ...], output: str,
) -> None:  # fmt: skip
    """How a service went: its rate, shares and percentiles, from summaries that outlive the log lines.

    Seconds are kept for hours, minutes for weeks, hours for years (settings keep_series_1s, _1m, _1h). A step of which nothing is
    known is a gap; a step with events, but none that fits, is a zero. The last step may still be running.

    \b
    logverse query series --service web --since 30d
    logverse query series --service web --measure 5xx-share --since today --step 5m
    logverse query series --service web --measure p95 --by http.route --since 2h
    logverse query series --service web --status 5xx --since 7d -o csv > failures.csv
    """
    from storage.query_time import moment

    now = instant.now()
    begin, end = moment(since, "--since", now), moment(until, "--until", now)
    made = durations.given(step, "--step", least=1000) if step else None
    filters = _filters({"log.type": log_type, "http.response.status_code": status, "http.route": route}, where)
    drawn = _draw(settings_.load(flags), service, begin, end, measure, now, made, by, filters)
    if output == "table":
        return click.echo("\n".join(_shown(service, drawn, begin, end, by, filters)))
    printer = JsonLines(_lines_subject(service, drawn)) if output == "json" else Csv(_points_subject())
    for line, points in drawn.lines.items():
        printer.show([(line, points)] if output == "json" else [(line, point) for point in points])


def _draw(
    settings: Settings,
    service: str,
    begin: int,
    end: int,
    measure: str,
    now: int,
    step: int | None,
    by: str | None,
    filters: dict[str, str],
) -> Chart:
    from storage.series_chart import chart
    from storage.stores import opened

    kept = {name: durations.read(getattr(settings, f"keep_series_{name}")) for name in ("1s", "1m", "1h")}
    store = opened(settings)
    try:
        drawn = chart(store.series, service, begin, end, measure, now, kept, step, by, filters)
        if not drawn.known:
            _explain(service, sorted({name for name, _ in store.services()}), begin, end, drawn)
    finally:
        store.close()
    return drawn


def _explain(service: str, services: list[str], begin: int, end: int, drawn: Chart) -> None:
    """Why nothing is known: a service that nobody knows is the user's mistake, an empty range is an answer."""
    if service not in services:
        near = get_close_matches(service, services, 3) or services[:10]
        remedy = f"there are {', '.join(map(printable, near))}" if near else "nothing is stored yet: logverse job submit history"
        raise WrongSettings(f"no service {service[:80]!r} in history", where="--service", remedy=remedy)
    told = f"nothing is known of {printable(service)} from {time_text(begin)} to {time_text(end)} UTC by {durations.written(drawn.step)}"
    click.echo(f"{told} (rows of {drawn.rows})", err=True)


def _filters(short: dict[str, str | None], where: tuple[str, ...]) -> dict[str, str]:
    found = {name: value for name, value in short.items() if value is not None}
    for text in where:
        name, sign, value = text.partition("=")
        if not sign or name not in DIMENSIONS[1:]:
            near = get_close_matches(name, DIMENSIONS[1:], 1)
            remedy = f"did you mean {near[0]}=…?" if near else f"NAME=VALUE, NAME one of {', '.join(DIMENSIONS[1:])}"
            raise WrongSettings(f"{text[:60]!r} cannot be", where="--where", remedy=remedy)
        found[name] = value
    return found


def _shown(service: str, drawn: Chart, begin: int, end: int, by: str | None, filters: dict[str, str]) -> list[str]:
    chosen = "".join(f", {name}={value}" for name, value in filters.items())
    head = f"{service} · {drawn.measure} ({drawn.unit}){f' by {by}' if by else ''}{chosen} · {durations.said(end - begin)}"
    lines = [printable(f"{head}, a point each {durations.said(drawn.step)}"), ""]
    width = max(20, shutil.get_terminal_size((100, 24)).columns - 24)
    if not by:
        lines += _one(next(iter(drawn.lines.values()), []), drawn.unit, width)
    elif drawn.lines:
        lines += _several(drawn, max(20, width - 50))
    return [*lines, *_remarks(drawn)]


def _one(points: list[Point], unit: str, width: int) -> list[str]:
    if not points:
        return ["nothing is known"]
    drawn = terminal_chart.bars([point.value for point in points], width, _HEIGHT, unit)
    left, cells = drawn[0].index("┤"), len(terminal_chart.narrowed([point.value for point in points], width))
    first, last = time_text(points[0].at)[:16], time_text(points[-1].at)[:16]
    axis = " " * left + f" {first}{last.rjust(max(cells - len(first), len(last) + 2))} UTC"
    return [*drawn, axis, "", "  ".join(f"{name} {figure}" for name, figure in _figures(points).items())]


def _several(drawn: Chart, width: int) -> list[str]:
    shown = list(drawn.lines.items())[:_LINES]
    top = max((point.value for _, points in shown for point in points if point.value is not None), default=0.0)
    rows = [
        [printable(line)[:30], *_figures(points).values(), terminal_chart.sparkline([point.value for point in points], width, top)]
        for line, points in shown
    ]
    table = [["LINE", *(name.upper() for name in _figures([])), ""], *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    more = len(drawn.lines) - len(shown)
    said = [f"… and {more} more lines with fewer events: -o json has them"] if more else []
    return ["  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip() for row in table] + said


def _figures(points: list[Point]) -> dict[str, str]:
    known = [point.value for point in points if point.value is not None]
    show = terminal_chart.figure
    return {
        "events": f"{sum(point.events for point in points):,}",
        "min": show(min(known, default=None)),
        "median": show(sorted(known)[len(known) // 2] if known else None),
        "max": show(max(known, default=None)),
        "last": show(known[-1] if known else None),
    }


def _remarks(drawn: Chart) -> list[str]:
    """What the chart cannot show."""
    cut = f"{drawn.cut} seconds had more series than a record holds: their events are missing here"
    folded = "some combinations of dimensions had no place of their own: they are in (other), and in no filter"
    return ([cut] if drawn.cut else []) + ([folded] if drawn.folded and (len(drawn.lines) > 1 or "(other)" in drawn.lines) else [])


def _points_subject() -> Subject:
    """A row for each point of each line."""

    def flat(found: Any) -> dict[str, Any]:
        line, point = found
        return {"time": instant.written(point.at), "line": line, "value": point.value, "events": point.events}

    return Subject(flat, {"time": "instant", "line": "text", "value": "number", "events": "int"}, flat, flat)


def _lines_subject(service: str, drawn: Chart) -> Subject:
    """An object for each line; a point is [time, value, events], its value null where nothing is known."""

    def whole(found: Any) -> dict[str, Any]:
        line, points = found
        return {
            "service.name": service, "measure": drawn.measure, "unit": drawn.unit, "step_ms": drawn.step, "rows": drawn.rows, "line": line,
            "points": [[instant.written(point.at), point.value, point.events] for point in points],
            "cut_seconds": drawn.cut, "folded": drawn.folded,
        }  # fmt: skip

    return Subject(whole, {}, whole, whole)
