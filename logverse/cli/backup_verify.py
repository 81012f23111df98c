"""`logverse backup verify`: the archive read back, and compared with Kafka and the store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli.backup_archive import hour, kafka_source, must_be_of, opened, target_option
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.cli.replay_progress import Progress
from logverse.errors import WrongSettings
from logverse.printable import printable
from logverse.topics import LOGS, named

if TYPE_CHECKING:
    from logverse.settings import Settings
    from storage.backup.archive import Archive
    from storage.backup.joined import Tally
    from storage.backup.manifest import Place
    from storage.backup.reading import Source
    from storage.backup.reconcile import Reconciled
    from storage.backup.targets.target import Target
    from storage.backup.verdict import Verdict

_FINDINGS = ("alerts", "anomalies")
_JUDGED = (*LOGS.values(), *_FINDINGS)
# Dead letters are written after the record they are about, by clocks that may differ.
_MARGIN = 3_600_000
_ALL = 2**63  # behind every offset


@click.command()
@target_option
@click.option("--since", metavar="TIME", default="", help="Only what Kafka appended from this time on.  [default: everything]")
@click.option("--until", metavar="TIME", default="", help="Before this time.")
@click.option("--archive-only", is_flag=True, help="Read the archive back and compare it with nothing: needs neither Kafka nor the store.")
@click.option("--no-store", is_flag=True, help="Compare with Kafka only.")
@output_option
@click.pass_obj
def verify(
    flags: dict[str, str | None], /, target_url: str, since: str, until: str, archive_only: bool, no_store: bool, output: str
) -> int:
    """Read everything back and compare: the last line says "complete", or names what is missing. Exit code 0 when it is complete.

    \b
    archive   each byte against its sums (a flipped bit is named by file and row group), rows, times, and whether
              the ranges of all manifests join
    Kafka     each record that is still there has the same place and the same bytes in the archive
    store     each record is judged again; its row must be there, unless a policy, a dead letter or its age says why not

    Events are counted by distinct uid per hour of event time and type. What Kafka deleted before the first backup is said; what it
    deleted later is not "complete", and neither is a place where no backup has finished.

    \b
    logverse backup verify
    logverse backup verify --since 2d --no-store -o json
    """
    from storage.query_time import moment

    settings, now = settings_.load(flags), instant.now()
    begin = moment(since, "--since", now) if since else instant.BEGINNING
    end = moment(until, "--until", now) if until else instant.END + 1
    if begin >= end:
        raise WrongSettings("the range is empty", where="--since, --until", remedy="--since must be before --until")
    progress = Progress()
    with opened(settings, target_url) as (target, archive):
        verdict = _read_back(target, archive, begin, end, progress)
        if not archive_only:
            must_be_of(settings, archive)
            progress.step("comparing")
            _compare(verdict, settings, target, archive, (begin, end, now), progress, store=not no_store)
    progress.step("")
    if output == "json":
        echo_json(verdict.plain())
    else:
        _show(verdict)
    return 0 if verdict.complete else 1


def _read_back(target: Target, archive: Archive, begin: int, end: int, progress: Progress) -> Verdict:
    from storage.backup import joins
    from storage.backup.verdict import Verdict
    from storage.backup.verify import damages

    files = [file for file in archive.files.values() if joins.within(file, begin, end)]
    done = total = 0

    def tell(file: Any) -> None:
        nonlocal done
        done += file.bytes
        progress.show(lambda: f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB")

    total = sum(file.bytes for file in files)
    progress.step("reading back")
    found = list(damages(target, files, tell))
    losses = [loss for loss in joins.losses(archive) if loss.before is None or begin <= loss.before]
    problems = [*joins.problems(archive), *joins.unfinished(archive)]
    pruned = sum(file.rows for file in archive.removed.values() if joins.within(file, begin, end))
    return Verdict(len(files), sum(file.rows for file in files), problems, found, losses, pruned=pruned)


def _compare(
    verdict: Verdict, settings: Settings, target: Target, archive: Archive, times: tuple[int, int, int], progress: Progress, store: bool
) -> None:
    from storage.backup.joined import Joined
    from storage.backup.reconcile import compared
    from storage.stores import chosen

    source, missing = kafka_source(settings)
    for name in missing:
        progress.say(f"topic {name} does not exist: nothing of it is compared with Kafka")
    skip = [damage.file.name for damage in verdict.damages]
    known = {span.topic_id: span.topic for spans in archive.spans().values() for span in spans}
    there = {part.topic_id: part.topic for part in source.parts()}
    others = sorted({*known.values(), *there.values()} - {*_JUDGED})
    verdict.deleted = sorted({topic for topic_id, topic in known.items() if topic_id not in there})
    first, *more = chosen(settings) if store else [""]
    verdict.reconciled = _reconciled(settings, source, target, archive, skip, times, progress, first)
    verdict.stores = {name: _reconciled(settings, source, target, archive, skip, times, progress, name) for name in more}
    verdict.others = compared(Joined(source, target, archive, others, skip), *times[:2])
    verdict.store = store


def _reconciled(
    settings: Settings, source: Source, target: Target, archive: Archive, skip: list[str], times: tuple[int, int, int],
    progress: Progress, store: str,
) -> Reconciled:  # fmt: skip
    """With this store, or with none. What is stored by policy is said by the one that queries ask."""
    from flink_jobs.judging import Judge
    from logverse.topic_range import TopicRanges
    from storage import account, account_findings, stores
    from storage.backup.generations import Generations
    from storage.backup.joined import Joined
    from storage.backup.reconcile import Marking, reconciled
    from storage.policy import Policies

    begin, end, now = times
    ids: dict[str, str] = {span.topic_id: span.topic for spans in archive.spans().values() for span in spans if span.topic in _JUDGED}
    ids |= {part.topic_id: part.topic for part in source.parts() if part.topic in _JUDGED}
    with ExitStack() as stack:
        passed = _passed(stack.enter_context(TopicRanges(settings, named("history", settings.topic_prefix))), settings, source)
        joined = Joined(source, target, archive, _JUDGED, skip, passed)
        judge = account_findings.FindingsToo(Judge({}), {topic_id: topic for topic_id, topic in ids.items() if topic in _FINDINGS})
        marking, made = Marking(judge, joined, ids), None
        if store:
            history = stack.enter_context(closing(stores.STORES[store](settings)))
            first = stores.chosen(settings)[0]
            deciding = history if store == first else stack.enter_context(closing(stores.STORES[first](settings)))
            letters = Joined(source, target, archive, ["logs.dlq"], skip)
            by_name: dict[str, list[str]] = {}
            for topic_id, topic in ids.items():
                by_name.setdefault(named(topic, settings.topic_prefix), []).append(topic_id)
            reasons = Generations(by_name, lambda: (one.value for one in letters.between(begin - _MARGIN, instant.END + 1)), begin, end)
            kept = {topic_id: now - durations.read(getattr(settings, f"keep_{_kind(topic)}")) for topic_id, topic in ids.items()}
            keeps = account_findings.keeping_all(Policies(deciding.policies()).keeps)
            rows = account_findings.RowsAndFindings(history)
            tell = lambda text: progress.show(lambda: text)  # noqa: E731
            made = account.Account(marking, keeps, rows, reasons, expires=kept, tell=tell, by_event=True)
        return reconciled(joined, marking, made, ids, begin, end)


def _passed(kafka: Any, settings: Settings, source: Source) -> Callable[[Place], int]:
    """How far the history job is, by topic id and partition; a topic that was deleted it has passed: nobody will ever read it again."""
    from storage.backup.manifest import Place

    topics = {part.topic: part.topic_id for part in source.parts() if part.topic in _JUDGED}
    found = {topic: kafka.committed(named(topic, settings.topic_prefix)) for topic in topics}
    offsets = {Place(topics[topic], number): offset for topic, of_topic in found.items() for number, offset in of_topic.items()}
    there = {*topics.values()}
    return lambda place: offsets.get(place, 0 if place.topic_id in there else _ALL)


def _kind(topic: str) -> str:
    return topic.removeprefix("logs.")


def _show(verdict: Verdict) -> None:
    if verdict.reconciled:
        echo_rows([_row(line, verdict.store) for line in verdict.reconciled.lines], "table", empty="no events")
        if verdict.reconciled.recounted:
            click.echo("more uids than memory holds: what is repeated after long counts again")
    _echo_others(verdict.others)
    for problem in (*verdict.problems, *(f"{damage.file.name} {damage.problem}" for damage in verdict.damages)):
        click.echo(click.style(printable(problem), fg="red"))
    for loss in verdict.losses:
        span, when = loss.gap.span, f" (before {hour(loss.before)})" if loss.before is not None else ""
        click.echo(
            f"gap: {printable(span.topic)} partition {span.partition} offsets {span.start:,} to {span.next - 1:,}{when}: {loss.gap.why}"
        )
    click.echo(click.style(printable(verdict.line()), fg="green" if verdict.complete else "red", bold=True))


def _row(line: Any, store: bool) -> dict[str, Any]:
    found = {"event hour (utc)": hour(line.hour), "topic": line.topic, "kafka": line.kafka, "archive": line.archive}
    found |= {"missing": line.missing, "later": line.waiting}
    if store:
        entry = line.entry
        found |= {name: getattr(entry, name) if entry else 0 for name in ("stored", "by_policy", "expired", "pending")}
        found |= {"dead": sum(entry.dead_letters.values()) if entry else 0, "missing in store": entry.missing if entry else 0}
    return found


def _echo_others(others: Any) -> None:
    tallies: list[tuple[str, Tally]] = [(topic, tally) for topic, tally in others.items() if tally.missing or tally.altered]
    for topic, tally in tallies:
        click.echo(click.style(f"{topic}: {tally.missing:,} records are missing in the archive, {tally.altered:,} are others", fg="red"))
