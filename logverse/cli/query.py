"""`logverse query events | event | alerts | anomalies | series`: what the history knows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from logverse import instant, settings
from logverse.cli.query_output import FORMS, Printer, Subject, form_option, time_text
from logverse.cli.query_series import series
from logverse.errors import TryAgain
from logverse.event import LOG_TYPES
from logverse.printable import printable

if TYPE_CHECKING:
    from storage.history import EventQuery, History

PAGE = 10_000  # rows in memory at a time when everything is asked for
EVERY_S = 1.0  # between polls of --follow
BEFORE_FOLLOWING = "10s"

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group()
@click.option("--view", metavar="NAME", help="Ask what `logverse restore` brought back under this name, not the history.")
@click.pass_context
def query(ctx: click.Context, /, view: str | None) -> None:
    """Ask the history: log lines, what was found strange, who was alerted, how rates went.

    \b
    logverse query events --service web --status 5xx --since 14:01       the lines behind an alert
    logverse query events --service web --follow                         as they are stored, at most a minute late
    logverse query series --service web --measure 5xx-share --since 30d  its course
    logverse query event http:web:1763733729123:5f0c9a1230ab             one of them, whole
    logverse query events --user alice --since yesterday                 over all services
    logverse query alerts --id 5f0c                                      an alert's course
    logverse query --view NAME events --service web --since 90d          what was restored from an archive

    \b
    Times   2h (ago), 14:01, today, yesterday, 2026-11-21, 2026-11-21T14:01:30Z. UTC; --until is exclusive.
    Forms   -o table; json (one object a line); csv (escaped for spreadsheets); parquet (> FILE).
    """
    if view:
        from storage.backup.restore_views import settings_of

        found = settings_of(settings.load(ctx.obj), view)
        ctx.obj = ctx.obj | {"topic_prefix": found.topic_prefix, "store": found.store}


def _range_options(since: str) -> Callable[[_Command], _Command]:
    def add(command: _Command) -> _Command:
        command = click.option("--until", metavar="TIME", help="Events before this time.  [default: no end]")(command)
        return click.option("--since", metavar="TIME", default=since, show_default=True, help="Events from this time on.")(command)

    return add


@query.command()
@click.option("--service", metavar="NAME", default="", help="Whose events. Only --user works without it.")
@click.option("--type", "types", type=click.Choice(LOG_TYPES), multiple=True, help="May be repeated.  [default: all that it has]")
@_range_options("1h")
@click.option("--severity", metavar="WHICH", default="", help="ERROR; ERROR,FATAL; WARN+ (and worse, as '>=WARN'); 17.")
@click.option("--status", metavar="WHICH", default="", help="503; 5xx; 404,5xx; 400+ (as '>=400').")
@click.option("--route", metavar="ROUTE", default="", help="Exactly this http.route.")
@click.option("--client", metavar="ADDRESS", default="", help="client.address, looked up by index, as the next three.")
@click.option("--user", metavar="ID", default="", help="user.id; without --service its activity over all services.")
@click.option("--trace", metavar="ID", default="", help="trace_id.")
@click.option("--session", metavar="ID", default="", help="session.id.")
@click.option("--grep", metavar="TEXT", default="", help="The body, or an exception's message or stack, holds this text.")
@click.option("--regex", is_flag=True, help="--grep is a regular expression (RE2's; needs pyarrow). (?i) ignores case.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", default=100, show_default=True, help="At most so many; 0: all.")
@click.option(
    "--max-scan", type=click.IntRange(min=1), metavar="N", default=1_000_000, show_default=True, help="Stop after so many that do not fit."
)
@click.option("--continue", "token", metavar="TOKEN", default="", help="Go on where the same query ended.")
@click.option("--follow", is_flag=True, help="Show events as they are stored, until Ctrl-C; those over a minute late are not.")
@form_option
@click.pass_obj
def events(
    flags: dict[str, str | None], /, since: str, until: str | None, limit: int, max_scan: int, token: str, follow: bool, output: str,
    **asked: Any,
) -> int:  # fmt: skip
    """Log lines, newest first; with --follow oldest first.

    \b
    logverse query events --service web --since 2h --severity WARN+
    logverse query events --service shop --type error --grep 'connection refused'
    logverse query events --service web --client 10.0.3.7 --since yesterday --until today
    logverse query events --service web --since 7d --limit 0 -o parquet > web.parquet

    --follow goes by event time: an event is shown when it is stored at most 10 s behind the newest one, within
    ten seconds when at most a minute behind, and not at all when it is stored later still. It is in history then
    as every other: the same command without --follow has it.
    """
    from logverse.cli.query_subjects import events_subject
    from storage.history import EventQuery
    from storage.query_time import moment

    if follow and (output == "parquet" or until or token):
        raise click.UsageError("--follow goes on for ever: not with -o parquet, --until or --continue")
    source = click.get_current_context().get_parameter_source("since")
    given = BEFORE_FOLLOWING if follow and source is click.core.ParameterSource.DEFAULT else since
    begin, end = _range(given, until, moment)
    wanted = EventQuery(begin, end, limit=min(limit or PAGE, PAGE), **asked).checked()
    with _history(flags) as history, _printing(events_subject(output == "csv"), output) as printer:
        if follow:
            return _follow(history, wanted, printer)
        return _list(history, wanted, printer, limit or sys.maxsize, max_scan, token)


@query.command()
@click.argument("wanted", metavar="ID")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Form of the answer.")
@click.pass_obj
def event(flags: dict[str, str | None], /, wanted: str, output: str) -> None:
    """One event, all of it. The id stands in each row of `query events`; the beginning of its last part is enough, and so is BEGINNING~END.

    \b
    logverse query event http:web:1763733729123:5f0c9a1230ab
    """
    from logverse.cli.query_subjects import event_lines, event_whole

    with _history(flags) as history:
        found = history.event(wanted)
    if output == "json":
        return event_whole(found)
    click.echo("\n".join(event_lines(found)))


@query.command()
@_range_options("7d")
@click.option("--service", metavar="NAME", default="", help="About this service.")
@click.option("--rule", metavar="NAME", default="", help="Of this rule.")
@click.option("--severity", metavar="WORD", default="", help="With the rule's severity, as critical.")
@click.option("--status", type=click.Choice(["pending", "firing", "recovering", "resolved", "inactive"]), help="Only these transitions.")
@click.option("--id", "beginning", metavar="ID", help="The course of this alert, oldest first; the beginning of its id is enough.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", default=100, show_default=True, help="At most so many.")
@form_option
@click.pass_obj
def alerts(
    flags: dict[str, str | None], /, since: str, until: str | None, beginning: str | None, limit: int, output: str, **asked: str | None
) -> None:
    """Every transition of alerts, newest first.

    Also of those that are long over; `logverse alerts list` shows what is active.

    \b
    logverse query alerts --since 30d --status firing --service web
    logverse query alerts --id 5f0c
    """
    from logverse.cli.query_subjects import alerts_subject, command
    from storage.query_time import moment

    begin, end = _range(since, until, moment)
    with _history(flags) as history, _printing(alerts_subject(output == "csv"), output) as printer:
        if beginning is None:
            found = history.alerts(begin, end, **{name: value or "" for name, value in asked.items()})
            return _few(found, printer, limit, f"no alert {_words(begin, end)}")
        course = history.timeline(beginning)
        printer.show(course)
        lines = command("events", service=course[0].service_name, since=course[0].at - 60_000, until=course[-1].at + 60_000)
        if output == "table" and course[0].service_name:
            click.echo(f"the lines behind it:  {lines}")


@query.command()
@_range_options("1d")
@click.option("--service", metavar="NAME", default="", help="Of this service.  [default: all]")
@click.option("--rule", metavar="NAME", default="", help="Of this rule.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", default=100, show_default=True, help="At most so many.")
@form_option
@click.pass_obj
def anomalies(flags: dict[str, str | None], /, since: str, until: str | None, service: str, rule: str, limit: int, output: str) -> None:
    """What detectors found strange, newest first.

    \b
    logverse query anomalies --service web --since yesterday
    """
    from logverse.cli.query_subjects import anomalies_subject
    from storage.query_time import moment

    begin, end = _range(since, until, moment)
    with _history(flags) as history, _printing(anomalies_subject(output == "csv"), output) as printer:
        _few(history.anomalies(begin, end, service, rule), printer, limit, f"no anomaly {_words(begin, end)}")


query.add_command(series)


def _list(history: History, wanted: EventQuery, printer: Printer, limit: int, max_scan: int, token: str | None) -> int:
    """Page after page until there are enough, all was seen, or too much was looked at in vain; says how to go on."""
    from dataclasses import replace

    shown = scanned = 0
    try:
        while True:
            page = history.events(replace(wanted, limit=min(limit - shown, PAGE)), token)
            token, shown, scanned = page.token, shown + len(page.rows), scanned + page.scanned
            printer.show(page.rows)
            if token is None or shown >= limit or scanned - shown >= max_scan:
                break
            _progress(f"looked at {scanned:,} events, back to {time_text(page.reached)}; {shown:,} fit. Ctrl-C ends ")
    except KeyboardInterrupt:
        _say(shown, scanned, token)
        return 130
    if not shown and token is None:
        _progress("")
        click.echo(printable(history.why_empty(wanted, scanned)), err=True)
    else:
        _say(shown, scanned, token)
    return 0


def _say(shown: int, scanned: int, token: str | None) -> None:
    _progress("")
    if token:
        looked = f" of {scanned:,} looked at" if scanned > shown else ""
        click.echo(f"{shown:,} shown{looked}; older ones: the same command with --continue {token}", err=True)


def _follow(history: History, wanted: EventQuery, printer: Printer) -> int:
    from storage.query_follow import Tail

    tail, away = Tail(history, wanted, instant.now), False
    while True:
        try:
            news = tail.poll()
        except TryAgain as error:
            if not away:
                click.echo(f"waiting: {printable(error)}", err=True)
            news, away = None, True
        if news:
            away = False
            printer.show(news.events)
            if news.more:
                click.echo("… more came than can be shown; filters help (--severity, --status, --grep)", err=True)
            sys.stdout.flush()
        time.sleep(EVERY_S)


def _few(found: Iterable[Any], printer: Printer, limit: int, empty: str) -> None:
    """As many as are wanted; says when there is none, or more."""
    rest: Iterator[Any] = iter(found)
    rows = list(islice(rest, limit))
    printer.show(rows)
    if not rows:
        click.echo(empty, err=True)
    elif next(rest, None) is not None:
        click.echo(f"{limit} shown, there are more: --limit, or --until {instant.written(rows[-1].at)}", err=True)


def _range(since: str, until: str | None, moment: Callable[[str, str, int], int]) -> tuple[int, int]:
    from logverse.errors import WrongSettings
    from storage.history import FOREVER

    now = instant.now()
    begin, end = moment(since, "--since", now), moment(until, "--until", now) if until else FOREVER
    if begin >= end:
        raise WrongSettings(f"--since {since} is not before --until {until}", where=_words(begin, end), remedy="exchange them")
    return begin, end


def _words(begin: int, end: int) -> str:
    from storage.history import FOREVER

    return f"from {time_text(begin)} on" if end >= FOREVER else f"from {time_text(begin)} to {time_text(end)}"


@contextmanager
def _history(flags: dict[str, str | None]) -> Iterator[History]:
    from storage.history import opened

    history = opened(settings.load(flags))
    try:
        yield history
    finally:
        history.close()


@contextmanager
def _printing(subject: Subject, output: str) -> Iterator[Printer]:
    printer = FORMS[output](subject)
    yield printer
    printer.close()


def _progress(text: str) -> None:
    """One line that is written over, only where a person waits before an otherwise empty terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
