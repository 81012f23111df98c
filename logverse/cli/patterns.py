"""`logverse patterns list | show | name | ignore`: what kinds of lines the services write, and what people call them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant, severity
from logverse import settings as settings_
from logverse.cli.output import echo_json, echo_rows, output_option, printable
from logverse.cli.who import by_option, you
from logverse.errors import WrongSettings

if TYPE_CHECKING:
    from logverse.template import Label
    from logverse.templates import Catalogue, Known

SHOWN_ID = 8
WIDTH = 100  # characters of a pattern in the table
LONGEST = 80  # characters of a name

pattern_argument = click.argument("pattern", metavar="ID|NAME")


@click.group()
def patterns() -> None:
    """The patterns of log lines: which kinds of lines a service writes, how often, since when.

    The detect job makes them of the lines: numbers, addresses and ids are masked, and where lines of one statement still differ a
    pattern has <*>. One keeps its id when it becomes more general. Rules are about them by type: new_pattern, pattern_rate,
    pattern_vanished.

    \b
    logverse patterns list --new 1h                 what nobody has seen before
    logverse patterns list --severity ERROR --sort count
    logverse patterns show 191a9483
    logverse patterns name 191a9483 "disk full"     how alerts call it
    logverse patterns ignore 191a9483               rules look at it no more
    """


@patterns.command("list")
@click.option("--service", metavar="NAME", default="", help="Only this service's.")
@click.option("--text", metavar="TEXT", default="", help="Only those with this in their text or name.")
@click.option("--severity", "least", metavar="NAME", help="Only those with lines this bad or worse: WARN, ERROR, FATAL.")
@click.option("--since", metavar="SPAN", help="Only those seen within this: 90s, 15m, 1h, 7d.")
@click.option("--new", metavar="SPAN", help="Only those first seen within this.")
@click.option("--ignored", is_flag=True, help="Also those that are ignored.")
@click.option(
    "--sort", type=click.Choice(["last", "first", "count", "severity"]), default="last", show_default=True, help="Greatest first."
)
@click.option("-n", "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@output_option
@click.pass_obj
def list_(
    flags: dict[str, str | None], /, service: str, text: str, least: str | None, since: str | None, new: str | None, ignored: bool,
    sort: str, limit: int, output: str,
) -> None:  # fmt: skip
    """The patterns, those seen last first. Counts are exact as of LAST; the job tells them at most once a minute.

    \b
    logverse patterns list --service checkout --severity ERROR --sort count
    logverse patterns list --new 1h -o json
    """
    from logverse.templates import Wanted

    number = 0 if least is None else severity.number_of(least)
    if number is None:
        raise WrongSettings(f"{least!r:.40} is no severity", where="--severity", remedy="DEBUG, INFO, WARN, ERROR or FATAL")
    wanted = Wanted(service, text, number, _ago(since, "--since"), _ago(new, "--new"), ignored, sort)
    catalogue = _catalogue(flags)
    found = catalogue.listed(wanted)
    empty = "none of the patterns is so" if catalogue.templates else "no pattern is known yet: the detect job finds them as lines come in"
    row = _plain if output == "json" else _row
    echo_rows([row(known) for known in found[:limit]], output, empty=empty)
    if len(found) > limit:
        click.echo(f"{len(found) - limit} more → -n {len(found)}", err=True)


@patterns.command()
@pattern_argument
@output_option
@click.pass_obj
def show(flags: dict[str, str | None], /, pattern: str, output: str) -> None:
    """One pattern, whole: its text and how it came about, counts by severity, a line of it. The beginning of an id is enough.

    \b
    logverse patterns show 191a9483
    """
    known = _catalogue(flags).find(pattern)
    if output == "json":
        return echo_json(_plain(known))
    for name, value in _whole(known):
        click.echo(f"{name:<12}{printable(value)}")


@patterns.command()
@pattern_argument
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--clear", is_flag=True, help="Take its name away.")
@by_option
@click.pass_obj
def name(flags: dict[str, str | None], /, pattern: str, name: str | None, clear: bool, by: str | None) -> None:
    """Give a pattern a name: alerts say it instead of its text, and rules may use it.

    \b
    logverse patterns name 191a9483 "disk full"
    logverse patterns name 191a9483 --clear
    """
    from logverse.templates import labelled

    if (name is None) != clear:
        raise WrongSettings("a NAME, or --clear, is needed", where="patterns name", remedy='logverse patterns name ID "disk full"')
    new = (name or "").strip()
    if not clear and not (0 < len(new) <= LONGEST and new.isprintable()):
        raise WrongSettings(f"{new!r:.40} is no name", where="NAME", remedy=f"one line of at most {LONGEST} characters")
    known = _catalogue(flags).find(pattern)
    _write(flags, labelled(known, name=new, who=by or you(), at=instant.now()))
    click.echo(f"{known.template.id[:SHOWN_ID]}  {f'is called {printable(new)}' if new else 'has no name'}")


@patterns.command()
@pattern_argument
@click.option("--undo", is_flag=True, help="Let rules look at it again.")
@by_option
@click.pass_obj
def ignore(flags: dict[str, str | None], /, pattern: str, undo: bool, by: str | None) -> None:
    """Let no rule look at a pattern any more; it is counted all the same. Its alerts end with the reason "pattern ignored".

    \b
    logverse patterns ignore 191a9483
    logverse patterns ignore 191a9483 --undo
    """
    from logverse.templates import labelled

    known = _catalogue(flags).find(pattern)
    if known.ignored != undo:
        return click.echo(f"{known.template.id[:SHOWN_ID]}  {'is not ignored' if undo else 'is ignored already'}")
    _write(flags, labelled(known, ignored=not undo, who=by or you(), at=instant.now()))
    click.echo(f"{known.template.id[:SHOWN_ID]}  {'rules look at it again' if undo else 'ignored'}: {printable(_short(known))}")


def _catalogue(flags: dict[str, str | None]) -> Catalogue:
    from logverse.cli.alerts_mark import values
    from logverse.templates import Catalogue

    return Catalogue.of(values(settings_.load(flags), "templates"))


def _write(flags: dict[str, str | None], label: Label) -> None:
    from logverse.topic_writer import write

    write(settings_.load(flags), "templates", [(label.key, label.to_json())])


def _ago(span: str | None, where: str) -> int | None:
    return None if span is None else instant.now() - durations.given(span, where)


def _short(known: Known) -> str:
    text = known.name or known.template.text
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _row(known: Known) -> dict[str, Any]:
    template = known.template
    return {
        "id": template.id[:SHOWN_ID],
        "service": template.service,
        "count": template.total,
        "worst": severity.text_of(known.worst) if known.worst else "",
        "first": instant.written(template.first_seen)[:19].replace("T", " "),
        "last": instant.written(template.last_seen)[:19].replace("T", " "),
        "pattern": ("(ignored) " if known.ignored else "") + _short(known),
    }


def _plain(known: Known) -> dict[str, Any]:
    from logverse.templates import by_severity

    template = known.template
    times = {"first_seen": instant.written(template.first_seen), "last_seen": instant.written(template.last_seen)}
    said = {"name": known.name, "ignored": known.ignored, "label": asdict(known.label) if known.label else None}
    unsaid = ("merged_into", "gone")
    flat = {name: value for name, value in asdict(template).items() if name not in unsaid}
    return flat | times | said | {"count": template.total, "counts": by_severity(template), "merged": list(known.merged)}


def _whole(known: Known) -> list[tuple[str, str]]:
    from logverse.templates import by_severity

    template, label = known.template, known.label
    lines = [("id", template.id), ("service", template.service), ("pattern", template.text)]
    lines += [("name", known.name)] if known.name else []
    lines += [("ignored", "rules do not look at it")] if known.ignored else []
    lines += [("said by", f"{label.who}, {instant.written(label.at)}")] if label else []
    lines += [("first seen", instant.written(template.first_seen)), ("last seen", instant.written(template.last_seen))]
    counts = ", ".join(f"{text} {count}" for text, count in by_severity(template).items())
    lines += [("lines", f"{template.total}: {counts}"), ("such as", template.sample)]
    lines += [("it was" if not place else "then", text) for place, text in enumerate(template.former)]
    lines += [("took in", identity) for identity in known.merged]
    return lines
