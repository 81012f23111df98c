"""`logverse account`: what became of every record that Kafka appended."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.errors import WrongSettings
from logverse.printable import printable
from logverse.topics import DAY, LOGS, named

if TYPE_CHECKING:
    from logverse.settings import Settings
    from storage.account import Entry
    from storage.account_letters import Letters

# Dead letters and late events are written after the record they are about, by clocks that may differ.
_MARGIN = 3_600_000
_COUNTS = ("produced", "stored", "repeated", "by_policy", "pending", "expired", "missing", "lost", "doubled", "late")
_WRONG = ("missing", "lost", "doubled")
_FINDINGS = ("alerts", "anomalies")


@click.command()
@click.option("--since", metavar="TIME", default="1d", show_default=True, help="Records appended to Kafka from this time on.")
@click.option("--until", metavar="TIME", default="now", show_default=True, help="Before this time.")
@click.option("--topic", "only", type=click.Choice([*LOGS.values(), *_FINDINGS]), help="Only this topic.")
@output_option
@click.pass_obj
def account(flags: dict[str, str | None], /, since: str, until: str, only: str | None, output: str) -> int:
    """What became of every record: by topic and hour in which Kafka appended it. Exit code 1 when one is missing, lost or doubled.

    Reads the topics again, judges each record as the history job does, and looks for its row in the store: it believes no counter.
    produced = stored + repeated + by_policy + dead + pending + expired + missing + lost

    \b
    repeated   the same record again, sent twice by a producer: one row
    by_policy  not stored, as store_http, store_error, store_activity said when it was appended
    dead       in logs.dlq with its reason: logverse dlq list
    pending    the history job has not come there yet
    expired    so old that the store may have deleted it
    missing    must be in the store, and is not
    lost       deleted by Kafka before the history job had read it, whenever that was; in the hour of the oldest
               record that is left. Known until the job has gone on behind the gap
    doubled    rows with a uid that another row has
    late       too late for detection; stored all the same

    Records that Kafka has deleted since cannot be judged again: it says so where --since is before the oldest that is left.
    Topic summaries has no account: its records are added up, so that no row of the store is one of them. Of several stores (setting
    `store`) there is one account each; the policies of the first hold for all.

    \b
    logverse account --since 2h
    logverse account --since yesterday --until today --topic logs.http -o json
    """
    from storage.query_time import moment

    settings, now = settings_.load(flags), instant.now()
    begin, end = moment(since, "--since", now), moment(until, "--until", now)
    if begin >= end:
        raise WrongSettings("the range is empty", where="--since, --until", remedy="--since must be before --until")
    from storage.stores import chosen

    topics = [only] if only else [*LOGS.values(), *_FINDINGS]
    seen = {name: _account(settings, name, begin, end, topics, now) for name in chosen(settings)}
    totals = {name: _totals(one.entries) for name, one in seen.items()}
    if output == "json":
        whole = [_whole(one, name, begin, end) for name, one in seen.items()]
        echo_json(whole[0] if len(whole) == 1 else {"complete": all(one["complete"] for one in whole), "stores": whole})
    else:
        for name, one in seen.items():
            if len(seen) > 1:
                click.echo(click.style(name, bold=True))
            _show(one, totals[name], begin)
    return 1 if any(of_store[name] for of_store in totals.values() for name in _WRONG) else 0


class _Seen(NamedTuple):
    """`findings`: full names of the topics that are no log topics. `forgot`: Account.forgot. `deleted_before`: KafkaTopics."""

    entries: list[Entry]
    letters: Letters
    findings: set[str]
    forgot: bool
    deleted_before: Mapping[str, int]


def _account(settings: Settings, store: str, begin: int, end: int, topics: list[str], now: int) -> _Seen:
    from flink_jobs.judging import Judge
    from flink_jobs.topic_ids import topic_ids
    from logverse.topic_range import TopicRanges
    from storage import account as accounts
    from storage import account_findings, account_letters
    from storage.account_topics import KafkaTopics
    from storage.policy import Policies
    from storage.stores import STORES, chosen

    prefix = settings.topic_prefix
    names = {kind: named(topic, prefix) for kind, topic in LOGS.items() if topic in topics}
    findings = {named(topic, prefix): topic for topic in _FINDINGS if topic in topics}
    kinds = names | {kind: name for name, kind in findings.items()}
    kept = {name: now - durations.read(getattr(settings, f"keep_{kind}")) for kind, name in kinds.items()}
    judge = Judge(topic_ids(settings, [named(topic, prefix) for topic in (*LOGS.values(), *_FINDINGS)]))
    with ExitStack() as stack:
        kafka = stack.enter_context(TopicRanges(settings, named("history", prefix)))
        rows_of = stack.enter_context(closing(STORES[store](settings)))
        first = chosen(settings)[0]
        deciding = rows_of if store == first else stack.enter_context(closing(STORES[first](settings)))
        source = KafkaTopics(kafka, sorted(kinds.values()), now)
        dead = kafka.read(kafka.between(named("logs.dlq", prefix), begin - _MARGIN, now + DAY))
        letters = account_letters.letters((message.value() for message in dead), begin, end, judge.place_id)
        told = kafka.read(kafka.between(named("logs.late", prefix), begin, end)) if names else ()
        late = account_letters.late(((message.timestamp()[1], message.value()) for message in told), names)
        keeps = account_findings.keeping_all(Policies(deciding.policies()).keeps)
        rows = account_findings.RowsAndFindings(rows_of)
        judges = account_findings.FindingsToo(judge, findings)
        made = accounts.Account(judges, keeps, rows, letters.of_records, late, kept, source.lost(), _progress)
        entries = made.of(source, begin, end)
    _progress("")
    return _Seen(entries, letters, set(findings), made.forgot, source.deleted_before())


def _totals(entries: Iterable[Entry]) -> dict[str, int]:
    counted = list(entries)
    return {name: sum(getattr(entry, name) for entry in counted) for name in _COUNTS}


def _show(seen: _Seen, totals: dict[str, int], begin: int) -> None:
    entries = seen.entries
    rows = [_row(instant.written(entry.hour)[:16], entry.topic, _plain(entry), sum(entry.dead_letters.values())) for entry in entries]
    if rows:
        rows.append(_row("all", "", totals, sum(row["dead"] for row in rows)))
    echo_rows(rows, "table", empty="no records were appended then")
    reasons: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        reasons.update({(entry.topic, reason): count for reason, count in entry.dead_letters.items()})
    for (where, reason), count in reasons.most_common():
        click.echo(f"dead: {count:,} of {printable(where)}: {printable(reason)}")
    for (where, reason), count in seen.letters.of_files.most_common(20):
        click.echo(f"dead before Kafka: {count:,} lines of {printable(where)}: {printable(reason)}")
    if seen.forgot:
        click.echo("so many records that repetitions over long times could not be told: they count as stored")
    if totals["pending"]:
        click.echo(f"{totals['pending']:,} pending: the history job has not come there yet (logverse job status history)")
    for topic, at in sorted(seen.deleted_before.items()):
        if begin < at:
            click.echo(f"{printable(topic)}: Kafka has deleted what was appended before {instant.written(at)}: of that there is no account")
    if totals["lost"]:
        click.echo(f"{totals['lost']:,} lost: Kafka deleted them before the history job had read them")
    wrong = [f"{totals[name]:,} {name}" for name in _WRONG if totals[name]]
    of_what = "of what Kafka still has " if any(begin < at for at in seen.deleted_before.values()) else ""
    click.echo(click.style(", ".join(wrong), fg="red", bold=True) if wrong else f"{of_what}nothing is missing, nothing is doubled")


def _row(hour: str, topic: str, counts: dict[str, Any], dead: int) -> dict[str, Any]:
    first = {name: counts[name] for name in _COUNTS[:4]}
    return {"hour (utc)": hour, "topic": topic, **first, "dead": dead, **{name: counts[name] for name in _COUNTS[4:]}}


def _plain(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _COUNTS}


def _whole(seen: _Seen, store: str, begin: int, end: int) -> dict[str, Any]:
    of_files = [{"file": where, "reason": reason, "lines": count} for (where, reason), count in seen.letters.of_files.most_common()]
    events = [entry for entry in seen.entries if entry.topic not in seen.findings]
    findings = [entry for entry in seen.entries if entry.topic in seen.findings]
    return {
        "store": store, "since": instant.written(begin), "until": instant.written(end),
        "complete": not any(_totals(seen.entries)[name] for name in _WRONG),
        "deleted_before": {topic: instant.written(at) for topic, at in seen.deleted_before.items()},
        "totals": _totals(events) | {"dead_letters": _dead(events)},
        "findings": _totals(findings) | {"dead_letters": _dead(findings)},
        "entries": [
            {"hour": instant.written(entry.hour), "topic": entry.topic, **_plain(entry), "dead_letters": dict(entry.dead_letters),
             "heartbeats": entry.heartbeats}
            for entry in seen.entries
        ],
        "producers": of_files, "unread_dead_letters": seen.letters.unread,
    }  # fmt: skip


def _dead(entries: Iterable[Entry]) -> int:
    return sum(sum(entry.dead_letters.values()) for entry in entries)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
