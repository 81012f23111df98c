"""`logverse parse`: what log lines become, and why one fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse import instant
from logverse.cli.output import echo_json, output_option
from logverse.errors import WrongSettings
from logverse.printable import printable

if TYPE_CHECKING:
    from producers.preview import Preview, Shown

_WIDTH = 160  # characters of a value that are shown


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option(
    "--type", "log_type", default="auto", show_default=True, metavar="FORM", help="Form of the lines, or a YAML file of your own."
)
@click.option("--limit", default=10, show_default=True, type=click.IntRange(0), metavar="N", help="Records to show; 0: all.")
@click.option("--failed", is_flag=True, help="Show only records that become no event.")
@click.option("--timezone", default="", metavar="ZONE", help="Of times that name none, like Europe/Berlin.  [default: UTC]")
@click.option("--year", type=click.IntRange(1970, 9999), help="Of the first line, where lines name none.  [default: by the file's age]")
@output_option
def parse(file: str, log_type: str, limit: int, failed: bool, timezone: str, year: int | None, output: str) -> None:
    r"""Show what the first lines of a file become, and why some become no event. Nothing is sent.

    \b
    Forms of line (--type; auto looks at the first lines and says how sure it is)
      access         nginx, Apache: combined or common
      json           one object a line, OpenTelemetry's or ECS's names
      logfmt         level=error msg="it failed" …
      csv            with a header
      syslog         RFC 3164, RFC 5424, rsyslog, journalctl; sshd, sudo, su, PAM, systemd and cron understood as activity
      python, java, go, node   applications; stack traces go on the line that they belong to
      cri, docker    log files of containers: what is in the envelope is read
      nginx-error, apache-error, postgresql, zookeeper, hdfs
      plain          anything: the line is the body
      FILE.yaml      a form of your own:

    \b
      pattern: '(?<time>\S+ \S+) (?<level>\w+) \[(?<user>[^]]*)\] (?<message>.*)'
      log_type: activity              # http, error or activity; default: by its fields
      fields: {user: user.name}       # group → field; a group with a field's usual name needs none
      time_format: '%d.%m.%Y %H:%M:%S'  # as strptime has it; default: the usual forms
      begins: '\d'                    # lines that do not begin so go on the record before
      examples: ['21.11.2026 10:00:00 WARN [ann] hello']   # tried whenever the file is read

    \b
    Examples:
      logverse parse /var/log/auth.log --timezone Europe/Berlin
      logverse parse app.log --failed --limit 0
      logverse parse orders.log --type orders.yaml -o json
    """
    from producers import forms
    from producers.parsers.local_time import Calendar, zone_named
    from producers.preview import Preview

    forms.check(log_type, "--type")
    said: list[str] = []
    calendar = Calendar(zone_named(timezone or "UTC"), year)
    preview = Preview(log_type, calendar, instant.now, said.append)
    records = _records(preview, file)
    wanted = (shown for shown in records if not failed or shown.event is None)
    chosen = list(islice(wanted, limit)) if limit else wanted
    if output == "json":
        rows = [_row(shown) for shown in chosen]
        echo_json({"file": file, "form": said[0] if said else log_type, "records": rows, "disorder_s": preview.disorder / 1000})
    else:
        for shown in chosen:
            _say(shown, said)
        _sum_up(preview, said)
        if calendar.assumed and not timezone and log_type != forms.AUTO:
            click.echo("  times that name no zone were read as UTC: if they are of another, --timezone Europe/Berlin")
    sys.exit(0)


def _records(preview: Preview, file: str) -> Iterator[Shown]:
    if file == "-":
        return preview.stream(sys.stdin.buffer)
    if not Path(file).is_file():
        raise WrongSettings("no such file" if not Path(file).exists() else "is no regular file", where=file, remedy="name a log file, or -")
    return preview.file(Path(file))


def _row(shown: Shown) -> dict[str, Any]:
    row: dict[str, Any] = {"line": shown.line, "offset": shown.offset, "event": shown.event}
    if shown.event is None:
        row |= {"text": shown.text[:4096], "reason": shown.reason, "fits_to": shown.fits_to, "fits": shown.fits}
    return row


def _say(shown: Shown, said: list[str]) -> None:
    while said:
        click.echo(f"{printable(said.pop(0))}\n")
    if shown.event is None:
        return _say_why(shown)
    event = dict(shown.event)
    at = event.pop("timestamp") or "no time of its own"
    heading = f"line {shown.line} · {at} · {event.pop('log.type')} · {event.pop('severity_text')}"
    del event["severity_number"]
    click.echo(click.style(heading, bold=True))
    for name, value in {**event, **event.pop("attributes", {})}.items():
        if name != "attributes":
            click.echo(f"  {printable(name):<32} {_cut(value)}")


def _say_why(shown: Shown) -> None:
    click.echo(click.style(f"line {shown.line} · {shown.reason} → logs.dlq", fg="red", bold=True))
    if shown.fits_to:
        click.echo(f"  fits to character {shown.fits_to}: {_cut(shown.text[max(0, shown.fits_to - 60) : shown.fits_to])}")
        click.echo(f"  does not from there:  {_cut(shown.text[shown.fits_to :]) or '(it ends too early)'}")
    else:
        click.echo(f"  {_cut(shown.text)}")
    if shown.fits:
        click.echo(f"  fits as: {', '.join(shown.fits)}")


def _sum_up(preview: Preview, said: list[str]) -> None:
    from producers.parsers.choosing import told

    for text in said:
        click.echo(printable(text))
    account = preview.account
    dead = account.dead_letters
    click.echo(
        f"\n{account.lines:,} lines read: {account.events:,} events, {dead.total():,} would be dead letters, {account.blank:,} blank"
    )
    if preview.disorder:
        click.echo(f"  in these lines {told(preview.disorder)}")
    for reason, count in dead.most_common():
        click.echo(f"  {count:,} × {reason}")


def _cut(value: Any) -> str:
    text = printable(value)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}… ({len(text):,} characters)"
