"""`logverse backup run`: what is new in Kafka goes into the archive."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli.backup_archive import (
    MOST_AT_ONCE,
    alone,
    kafka_source,
    must_be_of,
    opened,
    parallel_option,
    target_option,
)
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.cli.replay_progress import Progress
from logverse.printable import printable

if TYPE_CHECKING:
    from logverse.settings import Settings
    from storage.backup.manifest import Gap
    from storage.backup.plan import Plan
    from storage.backup.run import Backup, Outcome, Told


@click.command()
@target_option
@parallel_option
@click.option("--dry-run", is_flag=True, help="Only say what would be read, and what is gone already.")
@output_option
@click.pass_obj
def run(flags: dict[str, str | None], /, target_url: str, parallel: int | None, dry_run: bool, output: str) -> int:
    """Back up what Kafka has and the archive has not: log lines, dead letters, alerts, anomalies, rules, silences, and what people said.

    Reads Kafka by offsets, no database is needed. A backup that is killed goes on where it was: what is whole is not written again.
    What Kafka deleted before it was backed up is told as a gap, once, and stays in the manifest. Exit code 0 when all that Kafka has
    is in the archive, 1 when Kafka or the target is away or says no.

    \b
    logverse backup run --dry-run
    logverse backup run --target /mnt/backup
    logverse backup run --target hdfs://namenode:9870,standby:9870/logverse -o json
    """
    settings = settings_.load(flags)
    with opened(settings, target_url) as (target, archive):
        must_be_of(settings, archive)
        source, missing = kafka_source(settings)
        for name in missing:
            click.echo(f"topic {printable(name)} does not exist: nothing of it is backed up", err=True)
        if dry_run:
            from storage.backup.plan import plan

            _show_plan(plan(source.parts(), archive), output)
            return 0
        with alone(settings, "run"):
            progress, began = Progress(), time.monotonic()
            made = backup(settings, source, target, archive, parallel, shown(progress, time.monotonic))
            progress.step("backup")
            outcome = made.run()
            progress.step("")
    _show(outcome, time.monotonic() - began, output)
    return 0


def backup(
    settings: Settings, source: Any, target: Any, archive: Any, parallel: int | None, tell: Callable[[Told], None] = lambda _: None
) -> Backup:
    """A backup that is ready to run, with a name of its own."""
    from storage.backup.run import Backup

    name = f"{instant.written(instant.now())[:19].replace(':', '').replace('-', '')}Z-{secrets.token_hex(4)}"
    spool = settings.home_path / "backup" / "spool" / name
    workers = parallel or min(MOST_AT_ONCE, os.cpu_count() or 1)
    return Backup(source, target, archive, spool, instant.now, settings.topic_prefix, tell=tell, parallel=workers)


def shown(progress: Progress, monotonic: Callable[[], float]) -> Callable[[Told], None]:
    """How far it is, and how much longer at the rate so far."""
    began = monotonic()

    def line(told: Told) -> str:
        rate = told.rows / max(0.001, monotonic() - began)
        share = told.offsets / told.of if told.of else 1.0
        left = (monotonic() - began) * (1 / share - 1) if share else 0
        ahead = f" · about {durations.said(round(left * 1000))} left" if 0 < share < 1 else ""
        return f"{share:4.0%} · {told.rows:,} records · {rate:,.0f}/s{ahead}"

    return lambda told: progress.show(lambda: line(told))


def _show_plan(todo: Plan, output: str) -> None:
    if output == "json":
        return echo_json({"records_at_most": todo.offsets, "topics": _by_topic(todo), "notes": todo.notes})
    echo_rows(_by_topic(todo), output, empty="nothing is new: the archive has all that Kafka has")
    for note in todo.notes:
        click.echo(printable(note))
    if todo.offsets:
        click.echo(f"{todo.offsets:,} records at most would be read; nothing was written")


def _by_topic(todo: Plan) -> list[dict[str, Any]]:
    topics: dict[str, dict[str, Any]] = {}
    gaps = [(gap.span, 0, gap.rows) for gap in todo.gaps]
    for span, records, lost in [*((span, span.next - span.start, 0) for span in todo.spans), *gaps]:
        row = topics.setdefault(span.topic, {"topic": span.topic, "partitions": set[int](), "records at most": 0, "gone": 0})
        row["partitions"].add(span.partition)
        row["records at most"] += records
        row["gone"] += lost
    return [{**row, "partitions": len(row["partitions"])} for _, row in sorted(topics.items())]


def _show(outcome: Outcome, seconds: float, output: str) -> None:
    if output == "json":
        return echo_json(plain(outcome) | {"seconds": round(seconds, 3)})
    for note in outcome.notes:
        click.echo(printable(note))
    for line in gap_lines(outcome.gaps):
        click.echo(click.style(line, fg="red", bold=True))
    if outcome.adopted:
        click.echo(f"{outcome.adopted} whole files of a backup that was killed are taken in as they are")
    rate = f", {outcome.rows / max(0.001, seconds):,.0f} records/s" if outcome.rows else ""
    what = f"{outcome.rows:,} records in {len(outcome.files)} files, {outcome.bytes / 1e6:,.1f} MB" if outcome.files else "nothing was new"
    click.echo(f"{what}; run {outcome.run}, {seconds:.1f} s{rate}")


def plain(outcome: Outcome) -> dict[str, Any]:
    """For -o json."""
    gaps = [
        {"topic": gap.span.topic, "partition": gap.span.partition, "start": gap.span.start, "next": gap.span.next} for gap in outcome.gaps
    ]
    return {
        "run": outcome.run, "rows": outcome.rows, "files": len(outcome.files), "bytes": outcome.bytes, "gap_rows": outcome.gap_rows,
        "gaps": gaps, "adopted": outcome.adopted, "manifests": outcome.manifests, "notes": outcome.notes,
    }  # fmt: skip


def gap_lines(gaps: list[Gap]) -> list[str]:
    """One for each gap."""
    spans = [(gap.span, gap.why) for gap in gaps]
    return [
        f"gap: {printable(span.topic)} partition {span.partition} offsets {span.start:,} to {span.next - 1:,}: {printable(why)}"
        for span, why in spans
    ]
