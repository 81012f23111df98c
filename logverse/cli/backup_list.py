"""`logverse backup list | show`: what an archive holds, by its manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli.backup_archive import hour, opened, target_option
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.errors import Refused
from logverse.printable import printable

if TYPE_CHECKING:
    from storage.backup.archive import Archive
    from storage.backup.manifest import File, Manifest


@click.command("list")
@target_option
@click.option("--since", metavar="TIME", default="7d", show_default=True, help="Backups that were made from this time on.")
@output_option
@click.pass_obj
def list_(flags: dict[str, str | None], /, target_url: str, since: str, output: str) -> None:
    """The backups that were made, newest first, and when the last one finished.

    \b
    logverse backup list
    logverse backup list --since 400d -o json
    """
    from storage.query_time import moment

    settings, now = settings_.load(flags), instant.now()
    begin = moment(since, "--since", now)
    with opened(settings, target_url) as (_, archive):
        found = [run for run in _runs(archive) if run[-1].at >= begin]
    if output == "json":
        return echo_json([_plain(run) for run in found])
    echo_rows([_row(run) for run in found], "table", empty="no backup was made then: logverse backup run")
    finished = max((one.at for one in archive.manifests if one.finished), default=None)
    if finished is not None:
        click.echo(f"the last one finished {durations.said(max(0, now - finished))} ago")


@click.command()
@click.argument("beginning", metavar="[RUN]", default="")
@target_option
@output_option
@click.pass_obj
def show(flags: dict[str, str | None], /, beginning: str, target_url: str, output: str) -> None:
    """The archive as a whole, topic by topic; or the files of one backup, the beginning of whose name is enough.

    \b
    logverse backup show
    logverse backup show 20261121T1400 -o json
    """
    settings = settings_.load(flags)
    with opened(settings, target_url) as (_, archive):
        if not beginning:
            topics = _topics(archive)
            return echo_json(topics) if output == "json" else echo_rows(topics, "table", empty="the archive is empty: logverse backup run")
        run = _chosen(archive, beginning)
        files = [file for manifest in run for file in manifest.files]
    if output == "json":
        return echo_json(_plain(run) | {"file_list": [_plain_file(file) for file in files]})
    echo_rows([_row_of(file) for file in files], "table", empty="it found nothing new")
    for manifest in run:
        for line in (*manifest.notes, *(f"removed: {name}" for name in manifest.removed)):
            click.echo(printable(line))
    for gap in (gap for manifest in run for gap in manifest.gaps):
        click.echo(f"gap: {printable(gap.span.topic)} partition {gap.span.partition} offsets {gap.span.start:,} to {gap.span.next - 1:,}")


def _runs(archive: Archive) -> list[list[Manifest]]:
    """The manifests of each run, the newest run first."""
    runs: dict[str, list[Manifest]] = {}
    for manifest in archive.manifests:
        runs.setdefault(manifest.run, []).append(manifest)
    return sorted(runs.values(), key=lambda run: -run[-1].number)


def _chosen(archive: Archive, beginning: str) -> list[Manifest]:
    found = [run for run in _runs(archive) if run[0].run.startswith(beginning)]
    if not found:
        raise Refused(f"no backup is called {beginning!r}\n  → logverse backup list --since 400d")
    if len(found) > 1:
        raise Refused("\n".join([f"{len(found)} backups begin so: type more of it", *(f"  {run[0].run}" for run in found[:10])]))
    return found[0]


def _counts(run: list[Manifest]) -> dict[str, int]:
    files = [file for manifest in run for file in manifest.files]
    return {
        "files": len(files), "rows": sum(file.rows for file in files), "bytes": sum(file.bytes for file in files),
        "gap_rows": sum(gap.rows for manifest in run for gap in manifest.gaps),
        "removed": sum(len(manifest.removed) for manifest in run),
    }  # fmt: skip


def _plain(run: list[Manifest]) -> dict[str, Any]:
    notes = [note for manifest in run for note in manifest.notes]
    first = {"run": run[0].run, "at": instant.written(run[-1].at), "finished": run[-1].finished}
    return first | _counts(run) | {"manifests": [manifest.number for manifest in run], "notes": notes}


def _row(run: list[Manifest]) -> dict[str, Any]:
    counts = _counts(run)
    what = "pruned" if counts["removed"] else "finished" if run[-1].finished else "did not finish"
    return {
        "run": run[0].run, "at (utc)": instant.written(run[-1].at)[:19].replace("T", " "), "": what, "records": f"{counts['rows']:,}",
        "files": counts["files"], "MB": f"{counts['bytes'] / 1e6:,.1f}", "gap": f"{counts['gap_rows']:,}" if counts["gap_rows"] else "",
    }  # fmt: skip


def _topics(archive: Archive) -> list[dict[str, Any]]:
    by_topic: dict[str, list[File]] = {}
    for file in archive.files.values():
        by_topic.setdefault(file.span.topic, []).append(file)
    gaps: dict[str, int] = {}
    for gap in archive.gaps:
        by_topic.setdefault(gap.span.topic, [])
        gaps[gap.span.topic] = gaps.get(gap.span.topic, 0) + gap.rows
    return [
        {
            "topic": topic, "records": sum(file.rows for file in files), "files": len(files), "bytes": sum(file.bytes for file in files),
            "first appended": hour(min(file.appended.first for file in files)) if files else "",
            "last appended": hour(max(file.appended.last for file in files)) if files else "", "gap records": gaps.get(topic, 0),
        }
        for topic, files in sorted(by_topic.items())
    ]  # fmt: skip


def _row_of(file: File) -> dict[str, Any]:
    return {
        "file": file.name, "records": f"{file.rows:,}", "KB": f"{file.bytes / 1e3:,.0f}",
        "offsets": f"{file.span.start}-{file.span.next - 1}", "sha256": file.sha256[:12],
    }  # fmt: skip


def _plain_file(file: File) -> dict[str, Any]:
    from storage.backup.manifest import plain_file

    return plain_file(file)
