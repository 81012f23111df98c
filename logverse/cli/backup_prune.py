"""`logverse backup prune`: what is older than the archive is to keep."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli.backup_archive import alone, hour, kafka_source, must_be_of, opened, target_option
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.printable import printable
from logverse.topics import LOGS

if TYPE_CHECKING:
    from logverse.settings import Settings
    from storage.backup.archive import Archive
    from storage.backup.prune import Pruning
    from storage.backup.targets.target import Target

_STORED = {**{topic: kind for kind, topic in LOGS.items()}, "alerts": "alerts", "anomalies": "anomalies"}


@click.command()
@target_option
@click.option("--older", metavar="SPAN", default="", help="Files whose records are all older than this.  [LOGVERSE_BACKUP_KEEP]")
@click.option("--yes", is_flag=True, help="Do it; without it, only what would be done is said.")
@output_option
@click.pass_obj
def prune(flags: dict[str, str | None], /, target_url: str, older: str, yes: bool, output: str) -> None:
    """Remove old files from the archive, and say first which of them are the only copy of what they hold.

    Only by age, by the time when Kafka appended the records. Rules, silences and the like are never removed: what is in force may be old.
    Also removes what backups that were killed left and no manifest promises.

    \b
    logverse backup prune --older 400d
    logverse backup prune --older 400d --yes
    """
    settings, now = settings_.load(flags), instant.now()
    span = older or settings.backup_keep
    if not span:
        raise WrongSettings("the archive keeps everything", where="backup_keep", remedy="name how long: --older 400d, or backup_keep")
    before = now - durations.given(span, "--older" if older else "backup_keep", least=1)
    with opened(settings, target_url) as (target, archive):
        must_be_of(settings, archive)
        doomed = planned(settings, archive, target, before)
        if output == "table":
            _show(doomed, yes)
        if yes:
            remove(settings, archive, target, doomed)
    if output == "json":
        echo_json(_plain(doomed) | {"removed": yes})


def planned(settings: Settings, archive: Archive, target: Target, before: int) -> Pruning:
    """What goes when everything that was appended before this time does. A Kafka that is away has nothing: all are only copies then.

    So has a store that keeps only a part of a type (store_http: errors) nothing of it, as far as copies go.
    """
    from storage.backup.prune import pruning
    from storage.policy import wanted

    now, policies = instant.now(), wanted(settings)
    try:
        parts = kafka_source(settings)[0].parts()
    except (TryAgain, Refused, WrongSettings):
        parts = []
    whole = {topic: kind for topic, kind in _STORED.items() if policies.get(kind, "all") == "all"}
    kept = {topic: now - durations.read(getattr(settings, f"keep_{kind}")) for topic, kind in whole.items()}
    return pruning(archive, target, before, parts, kept, now)


def remove(settings: Settings, archive: Archive, target: Target, doomed: Pruning) -> None:
    """Do it, while no backup runs on this machine; what one has promised since `doomed` was worked out stays."""
    from storage.backup import archive as archives
    from storage.backup.committing import Committing
    from storage.backup.prune import prune as prune_
    from storage.backup.prune import still
    from storage.backup.storing import Storing

    run = f"prune-{instant.written(instant.now())[:19].replace(':', '').replace('-', '')}Z"
    with alone(settings, "run"), TemporaryDirectory() as folder:
        now = archives.read(target)
        archive.manifests, archive.broken, archive.last = now.manifests, now.broken, now.last
        storing = Storing(target, run, lambda *_: None, time.sleep)
        committing = Committing(storing, archive, Path(folder), lambda *_: None, instant.now)
        prune_(still(doomed, archive), target, committing, run, settings.topic_prefix, lambda _: None)


def _show(doomed: Pruning, yes: bool) -> None:
    rows: dict[str, dict[str, Any]] = {}
    for file in doomed.files:
        row = rows.setdefault(file.span.topic, {"topic": file.span.topic, "files": 0, "records": 0, "MB": 0.0, "only copy": 0, "until": 0})
        row["files"], row["records"], row["MB"] = row["files"] + 1, row["records"] + file.rows, row["MB"] + file.bytes / 1e6
        row["only copy"] += file.rows if file in doomed.only_copies else 0
        row["until"] = max(row["until"], file.appended.last)
    shown = [{**row, "MB": f"{row['MB']:,.1f}", "until": hour(row["until"])} for _, row in sorted(rows.items())]
    echo_rows(shown, "table", empty="nothing in the archive is that old")
    for note in doomed.notes:
        click.echo(printable(note))
    if doomed.nobodys:
        click.echo(f"{len(doomed.nobodys)} files that no manifest promises")
    if doomed.only_copies:
        lost = sum(file.rows for file in doomed.only_copies)
        click.echo(click.style(f"of {lost:,} records this is the only copy: neither Kafka nor the store has them any more", fg="red"))
    if doomed.files or doomed.nobodys:
        click.echo("removed" if yes else "nothing was removed: --yes does it")


def _plain(doomed: Pruning) -> dict[str, Any]:
    return {
        "files": [file.name for file in doomed.files], "records": doomed.rows, "bytes": doomed.bytes,
        "only_copies": [file.name for file in doomed.only_copies],
        "only_copy_records": sum(file.rows for file in doomed.only_copies), "unpromised": doomed.nobodys, "notes": doomed.notes,
    }  # fmt: skip
