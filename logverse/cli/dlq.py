"""`logverse dlq list | show | replay`: what could not become an event, and its second chance."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse import instant
from logverse import settings as settings_
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.errors import Refused, WrongSettings
from logverse.printable import printable
from logverse.topics import LOGS, named

if TYPE_CHECKING:
    from logverse.dead_letters import Held, Wanted
    from logverse.settings import Settings

_SHOWN = 4096  # bytes of a letter that `show` prints
_MARGIN = 3_600_000  # a letter lies in the topic by the clock of who wrote it
_REASON = 70
_GROUPS = 20


@click.group()
def dlq() -> None:
    """What could not become an event: each letter has its bytes, the reason, and the place it came from.

    \b
    logverse dlq list --since 1d                              how many, why, and the newest
    logverse dlq show 5f0c                                    one of them, whole
    logverse dlq show 5f0c -o raw > line.json                 its bytes, to be mended
    logverse dlq replay 5f0c --file line.json --send          send it again
    logverse dlq replay --reason 'refused by the store'       all of a kind
    """


@dlq.command("list")
@click.option("--reason", metavar="TEXT", default="", help="With this text in the reason.")
@click.option("--topic", "source", metavar="NAME", default="", help="From this topic, or this file of a producer.")
@click.option("--since", metavar="TIME", default="7d", show_default=True, help="Not older than this.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many letters; all are counted.")
@output_option
@click.pass_obj
def list_(flags: dict[str, str | None], /, reason: str, source: str, since: str, limit: int, output: str) -> None:
    """How many dead letters there are by origin and reason, and the newest.

    \b
    logverse dlq list --reason 'not JSON' --topic logs.http --since 2h
    """
    from logverse.dead_letters import listing

    settings = settings_.load(flags)
    wanted = _wanted(settings, reason, source, since)
    with _values(settings, wanted.since) as values:
        found = listing(values, wanted, limit)
    counts = [{"from": where, "reason": why, "letters": count} for (where, why), count in found.counts.most_common()]
    if output == "json":
        letters = [_plain(held) for held in found.letters]
        return echo_json({"counts": counts, "letters": letters, "replayed": found.replayed, "unread": found.unread})
    short = [row | {"reason": str(row["reason"])[:_REASON]} for row in counts[:_GROUPS]]
    echo_rows(short, output, empty="no dead letters")
    if len(counts) > _GROUPS:
        click.echo(f"… and {len(counts) - _GROUPS} more reasons: --reason, or -o json")
    if found.letters:
        click.echo("")
        echo_rows([_row(held) for held in found.letters], output)
    if found.unread:
        click.echo(f"{found.unread} records of logs.dlq are no dead letters")


@dlq.command()
@click.argument("beginning", metavar="ID")
@click.option("-o", "--output", type=click.Choice(["table", "json", "raw"]), default="table", show_default=True, help="raw: its bytes.")
@click.pass_obj
def show(flags: dict[str, str | None], /, beginning: str, output: str) -> None:
    """One letter, whole. The beginning of its id is enough. Its bytes are shown as escapes; they steer no terminal.

    \b
    logverse dlq show 5f0c
    logverse dlq show 5f0c -o raw > line.json
    """
    held = _find(settings_.load(flags), beginning)
    if output == "json":
        return echo_json(_plain(held))
    if output == "raw":
        if sys.stdout.isatty():
            raise WrongSettings("these bytes may steer a terminal", where="-o raw", remedy="send them to a file: … -o raw > FILE")
        return click.echo(held.letter.data, nl=False)
    for name, value in _plain(held).items():
        if name not in ("text", "data"):
            click.echo(f"{name}  {printable(value)}")
    click.echo("\n".join(_dump(held.letter.data)))


@dlq.command()
@click.argument("beginning", metavar="[ID]", default="")
@click.option("--reason", metavar="TEXT", default="", help="Instead of ID: all with this text in the reason.")
@click.option("--topic", "source", metavar="NAME", default="", help="Instead of ID: all from this topic, or this file of a producer.")
@click.option("--since", metavar="TIME", default="7d", show_default=True, help="With --reason, --topic: not older than this.")
@click.option("--limit", type=click.IntRange(min=1), help="With --reason, --topic: at most so many, the oldest first.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Send this file's bytes instead: the letter, mended.")
@click.option("--as", "form", metavar="FORM", help="For a line of a producer: the form of line that it is (access, json, …).")
@click.option("--service", metavar="NAME", help="For a line of a producer: the service, when it is not the letter's.")
@click.option("--send", is_flag=True, help="Send it. Without this only what would be sent is shown.")
@click.option("--again", is_flag=True, help="Also when it was sent again before.")
@click.pass_obj
def replay(
    flags: dict[str, str | None], /, beginning: str, reason: str, source: str, since: str, limit: int | None, path: Path | None,
    form: str | None, service: str | None, send: bool, again: bool,
) -> None:  # fmt: skip
    """Send a letter again, as it is or mended; or all of one kind. Nothing is sent without --send.

    A record goes to the topic that it came from, if it is an event now. A line that a producer could not parse is parsed with --as.
    Either has the identity that it would have had, so that sending it twice leaves one row.

    \b
    logverse dlq replay 5f0c --send                                 the store refused it; now it may take it
    logverse dlq replay 5f0c --file line.json --send                mended
    logverse dlq replay 7a11 --as json --service shop --send        a producer had taken it for something else
    logverse dlq replay --reason 'refused by the store'             how many would be sent, and which would not
    logverse dlq replay --reason 'refused by the store' --send      all of them
    """
    from logverse.cli.dlq_replay import bytes_of, produce, record_of
    from logverse.dead_letters import mark

    settings = settings_.load(flags)
    if not beginning:
        return _replay_all(settings, _wanted(settings, reason, source, since), limit, path, form, service, send, again)
    if reason or source or limit:
        raise WrongSettings("one letter or many", where="ID, --reason, --topic, --limit", remedy="leave out the one or the others")
    held = _find(settings, beginning)
    topic, value = record_of(held, bytes_of(held, path), settings, form, service)
    if held.replayed_at is not None and not again:
        raise Refused(f"it was sent again at {instant.written(held.replayed_at)} already\n  → --again sends it once more")
    if not send:
        click.echo(f"would be sent to {printable(topic)}, {len(value):,} bytes; --send does it")
        return click.echo("\n".join(_dump(value)))
    produce(settings, [(topic, value)])
    produce(settings, [(named("logs.dlq", settings.topic_prefix), mark(held.letter, instant.now()))])
    click.echo(f"sent to {printable(topic)}; letter {printable(held.letter.id)} is marked as replayed")


def _replay_all(
    settings: Settings, wanted: Wanted, limit: int | None, path: Path | None, form: str | None, service: str | None, send: bool, again: bool
) -> None:
    from logverse.cli.dlq_bulk import Bulk
    from logverse.dead_letters import chosen, marked

    if not wanted.reason and not wanted.source:
        raise WrongSettings("which letters?", where="ID", remedy="an ID of `logverse dlq list`, or --reason TEXT, --topic NAME for many")
    if path is not None:
        raise WrongSettings("one file for many letters", where="--file", remedy="mend them one by one: logverse dlq replay ID --file FILE")
    with _values(settings, 0) as values:
        sent_before = marked(values)
    bulk = Bulk(settings, form, service, send)
    with _values(settings, wanted.since) as values:
        bulk.replay(islice(chosen(values, wanted, set() if again else sent_before), limit), instant.now)
    click.echo("\n".join(bulk.summary()))


def _wanted(settings: Settings, reason: str, source: str, since: str) -> Wanted:
    from logverse.dead_letters import Wanted
    from storage.query_time import moment

    source = named(source, settings.topic_prefix) if source in LOGS.values() else source
    return Wanted(reason, source, moment(since, "--since", instant.now()))


def _find(settings: Settings, beginning: str) -> Held:
    from logverse.dead_letters import find

    with _values(settings, 0) as values:
        return find(values, beginning)


@contextmanager
def _values(settings: Settings, since: int) -> Iterator[Iterator[bytes | None]]:
    """The records of logs.dlq from `since` on, marks among them."""
    from logverse.topic_range import TopicRanges

    topic = named("logs.dlq", settings.topic_prefix)
    with TopicRanges(settings) as kafka:
        ranges = kafka.between(topic, max(since - _MARGIN, 0), instant.now() + _MARGIN)
        yield (message.value() for message in kafka.read(ranges))


def _row(held: Held) -> dict[str, Any]:
    letter = held.letter
    text = letter.data[:60].decode("utf-8", "backslashreplace")
    replayed = "yes" if held.replayed_at is not None else ""
    place = f"{held.source}:{letter.origin.get('partition', '')}:{letter.origin.get('offset', '')}".replace("::", ":")
    return {
        "id": letter.id,
        "time": instant.written(letter.at),
        "from": place,
        "reason": letter.reason[:_REASON],
        "replayed": replayed,
        "bytes": text,
    }


def _plain(held: Held) -> dict[str, Any]:
    """JSON with the bytes as base64, and as text where they are."""
    import base64

    letter = held.letter
    return {
        "id": letter.id, "reason": letter.reason, "service.name": letter.service_name, "timestamp": instant.written(letter.at),
        "origin": letter.origin, "sha256": letter.sha256, "whole": held.whole, "size": len(letter.data),
        "replayed_at": instant.written(held.replayed_at) if held.replayed_at is not None else None,
        "text": _text(letter.data), "data": base64.b64encode(letter.data).decode(),
    }  # fmt: skip


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _dump(data: bytes) -> list[str]:
    """Text with what cannot be printed as escapes; bytes that are no text in hexadecimal."""
    head, text = data[:_SHOWN], _text(data)
    more = [f"… {len(data) - _SHOWN:,} more bytes: -o raw > FILE"] if len(data) > _SHOWN else []
    if text is not None:
        return ["", *map(printable, text[:_SHOWN].split("\n")), *more]
    rows = (head[start : start + 16] for start in range(0, len(head), 16))
    lines = (f"{16 * place:08x}  {row.hex(' '):47}  {_visible(row)}" for place, row in enumerate(rows))
    return ["", *lines, *more]


def _visible(row: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
