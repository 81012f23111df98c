"""`logverse account`: what became of every record that Kafka appended."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.errors import WrongSettings
from logverse.printable import printable
from logverse.topics import DAY, LOGS, named

if TYPE_CHECKING:
    from logverse.settings import Settings
    from logverse.topic_range import TopicRanges
    from storage.account import Appended, Entry
    from storage.account_letters import Letters

# Dead letters and late events are written after the record they are about, by clocks that may differ.
_MARGIN = 3_600_000
_COUNTS = ("produced", "stored", "repeated", "by_policy", "pending", "expired", "missing", "doubled", "late")


@click.command()
@click.option("--since", metavar="TIME", default="1d", show_default=True, help="Records appended to Kafka from this time on.")
@click.option("--until", metavar="TIME", default="now", show_default=True, help="Before this time.")
@click.option("--topic", "only", type=click.Choice(list(LOGS.values())), help="Only this topic.")
@output_option
@click.pass_obj
def account(flags: dict[str, str | None], /, since: str, until: str, only: str | None, output: str) -> int:
    """What became of every record: by topic and hour in which Kafka appended it. Exit code 1 when one is missing or doubled.

    Reads the topics again, judges each record as the history job does, and looks for its row in the store: it believes no counter.
    produced = stored + repeated + by_policy + dead + pending + expired + missing

    \b
    repeated   the same record again, sent twice by a producer: one row
    by_policy  not stored, as store_http, store_error, store_activity said when it was appended
    dead       in logs.dlq with its reason: logverse dlq list
    pending    the history job has not come there yet
    expired    so old that the store may have deleted it
    missing    must be in the store, and is not
    doubled    rows with a uid that another row has
    late       too late for detection; stored all the same

    \b
    logverse account --since 2h
    logverse account --since yesterday --until today --topic logs.http -o json
    """
    from storage.query_time import moment

    settings, now = settings_.load(flags), instant.now()
    begin, end = moment(since, "--since", now), moment(until, "--until", now)
    if begin >= end:
        raise WrongSettings("the range is empty", where="--since, --until", remedy="--since must be before --until")
    entries, letters, forgot = _account(settings, begin, end, [only] if only else list(LOGS.values()), now)
    totals = {name: sum(getattr(entry, name) for entry in entries) for name in _COUNTS}
    if output == "json":
        echo_json(_whole(entries, letters, totals, begin, end))
    else:
        _show(entries, letters, totals, forgot)
    return 1 if totals["missing"] or totals["doubled"] else 0


def _account(settings: Settings, begin: int, end: int, topics: list[str], now: int) -> tuple[list[Entry], Letters, bool]:
    from flink_jobs.judging import Judge
    from flink_jobs.topic_ids import topic_ids
    from logverse.topic_range import TopicRanges
    from storage import account as accounts
    from storage import account_letters
    from storage.cassandra import policies, sharding
    from storage.cassandra.account_reading import CassandraRows
    from storage.cassandra.connection import connect
    from storage.policy import Policies

    prefix = settings.topic_prefix
    names = {kind: named(topic, prefix) for kind, topic in LOGS.items() if topic in topics}
    kept = {name: now - durations.read(getattr(settings, f"keep_{kind}")) for kind, name in names.items()}
    judge = Judge(topic_ids(settings, [named(topic, prefix) for topic in LOGS.values()]))
    with ExitStack() as stack:
        kafka = stack.enter_context(TopicRanges(settings, named("history", prefix)))
        session = stack.enter_context(connect(settings))
        source = _Topics(kafka, sorted(names.values()))
        dead = kafka.read(kafka.between(named("logs.dlq", prefix), begin - _MARGIN, now + DAY))
        letters = account_letters.letters((message.value() for message in dead), begin, end, judge.place_id)
        told = kafka.read(kafka.between(named("logs.late", prefix), begin, end))
        late = account_letters.late(((message.timestamp()[1], message.value()) for message in told), names)
        keeps, rows = Policies(policies.epochs(session)).keeps, CassandraRows(session, sharding.read(session))
        made = accounts.Account(judge, keeps, rows, letters.of_records, late, kept, _progress)
        entries = made.of(source, begin, end)
    _progress("")
    return entries, letters, made.forgot


class _Topics:
    """The log topics in Kafka. How far the job has come is asked for at once: whatever it has passed by then must be found afterwards,
    in the store or among the dead letters."""

    def __init__(self, kafka: TopicRanges, names: list[str]) -> None:
        self._kafka, self._names = kafka, names
        self._passed = {(name, number): offset for name in names for number, offset in kafka.committed(name).items()}

    def between(self, since: int, until: int) -> Iterator[Appended]:
        from storage.account import HOUR, Appended

        starts = [since, *range(since - since % HOUR + HOUR, until, HOUR), until]
        for begin, end in pairwise(starts):
            ranges: dict[tuple[str, int], tuple[int, int]] = {}
            for name in self._names:
                ranges |= self._kafka.between(name, begin, end)
            for message in self._kafka.read(ranges):
                yield Appended(message.topic(), message.partition(), message.offset(), message.timestamp()[1], message.value())

    def read_up_to(self, topic: str, partition: int) -> int:
        return self._passed.get((topic, partition), 0)


def _show(entries: list[Entry], letters: Letters, totals: dict[str, int], forgot: bool) -> None:
    rows = [_row(instant.written(entry.hour)[:16], entry.topic, _plain(entry), sum(entry.dead_letters.values())) for entry in entries]
    if rows:
        rows.append(_row("all", "", totals, sum(row["dead"] for row in rows)))
    echo_rows(rows, "table", empty="no records were appended then")
    reasons: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        reasons.update({(entry.topic, reason): count for reason, count in entry.dead_letters.items()})
    for (where, reason), count in reasons.most_common():
        click.echo(f"dead: {count:,} of {printable(where)}: {printable(reason)}")
    for (where, reason), count in letters.of_files.most_common(20):
        click.echo(f"dead before Kafka: {count:,} lines of {printable(where)}: {printable(reason)}")
    if forgot:
        click.echo("so many records that repetitions over long times could not be told: they count as stored")
    if totals["pending"]:
        click.echo(f"{totals['pending']:,} pending: the history job has not come there yet (logverse job status history)")
    wrong = [f"{totals[name]:,} {name}" for name in ("missing", "doubled") if totals[name]]
    click.echo(click.style(", ".join(wrong), fg="red", bold=True) if wrong else "nothing is missing, nothing is doubled")


def _row(hour: str, topic: str, counts: dict[str, Any], dead: int) -> dict[str, Any]:
    first = {name: counts[name] for name in _COUNTS[:4]}
    return {"hour (utc)": hour, "topic": topic, **first, "dead": dead, **{name: counts[name] for name in _COUNTS[4:]}}


def _plain(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _COUNTS}


def _whole(entries: list[Entry], letters: Letters, totals: dict[str, int], begin: int, end: int) -> dict[str, Any]:
    of_files = [{"file": where, "reason": reason, "lines": count} for (where, reason), count in letters.of_files.most_common()]
    return {
        "since": instant.written(begin), "until": instant.written(end), "complete": not (totals["missing"] or totals["doubled"]),
        "totals": totals | {"dead_letters": sum(sum(entry.dead_letters.values()) for entry in entries)},
        "entries": [
            {"hour": instant.written(entry.hour), "topic": entry.topic, **_plain(entry), "dead_letters": dict(entry.dead_letters),
             "heartbeats": entry.heartbeats}
            for entry in entries
        ],
        "producers": of_files, "unread_dead_letters": letters.unread,
    }  # fmt: skip


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
