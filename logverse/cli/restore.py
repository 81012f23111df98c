"""`logverse restore`: archived records back to where they can be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli.backup_archive import opened, target_option
from logverse.cli.output import echo_json, output_option
from logverse.cli.replay_progress import Progress as Shown
from logverse.errors import WrongSettings
from logverse.printable import printable

if TYPE_CHECKING:
    from storage.backup.restore import Told
    from storage.backup.restore_choice import Choice, Estimate

INTO = ("view", "store", "topic", "files")
# Records a second: a first guess for the estimate, on two cores beside all servers; the store's is what Cassandra took there.
RATES = {"view": 10_000, "store": 10_000, "topic": 50_000, "files": 100_000}


@click.command()
@click.option("--since", metavar="TIME", help="Records of this time on (event time), like 7d (ago) or 2026-11-21.")
@click.option("--until", metavar="TIME", help="Before this time.  [default: now]")
@click.option(
    "--type", "types", metavar="NAME", multiple=True, help="http, error, activity, alerts, …; repeatable.  [default: all that fit]"
)
@click.option("--service", "services", metavar="NAME", multiple=True, help="Only of this service; repeatable.")
@click.option("--into", type=click.Choice(INTO), default="view", show_default=True, help="Where to.")
@click.option("--name", metavar="NAME", help="Of the restore and its view: the same name goes on.  [default: from what is asked for]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="--into files: the folder.")
@click.option("--live", is_flag=True, help="--into topic: the topics in use, not a set of their own; with --type.")
@click.option("--again", is_flag=True, help="From the beginning, although it was done before.")
@click.option("--dry-run", is_flag=True, help="Only the estimate.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--list", "listing", is_flag=True, help="The restores of this home, and how far they are.")
@click.option("--drop", metavar="NAME", help="Take away a restore: its view or topics, and what is known of it.")
@target_option
@output_option
@click.pass_obj
def restore(
    flags: dict[str, str | None], /, listing: bool, drop: str | None, target_url: str, output: str, since: str | None, dry_run: bool,
    yes: bool, **given: Any,
) -> int:  # fmt: skip
    """Bring archived records back: into a view of their own, the store, topics or files.

    The manifests say what has to be read; each row group is checked against them first. Records keep the identity that they had, so
    restoring twice is restoring once, and nothing collides with what came after. What was killed goes on where it was: the same
    command again. Exit code 1 when something of the archive is damaged or cannot be known; all else is restored all the same.

    \b
    view    a keyspace (database) of its own beside the history; read it with logverse query --view NAME
    store   the history itself: what the storage policy kept, for as long as it had left; what is past its time stays gone
    topic   topics of their own, restored-NAME.logs.http, …; with --live those in use (rules, silences, … after a disaster)
    files   the records' own lines as .jsonl, by type and hour, in a folder that is empty

    \b
    logverse restore --since 2026-11-01 --until 2026-11-03 --service web
    logverse restore --since 7d --into store --yes
    logverse restore --since 30d --type rules --type silences --into topic --live
    logverse restore --since yesterday --type http --into files --out ./yesterday
    """
    from logverse.cli import restore_runs

    settings = settings_.load(flags)
    if listing:
        return restore_runs.show(settings, output)
    if drop:
        return restore_runs.drop(settings, drop, yes)
    choice = _choice(since, given)
    _check(given)
    with opened(settings, target_url) as (target, archive):
        from storage.backup.restore_choice import estimated

        asked = _asked(since, choice, given, target)
        name, span = restore_runs.named_or_next(settings, given["name"], asked, given["again"])
        choice = replace(choice, since=span[0], until=span[1]) if span else choice
        estimate = estimated(archive, choice)
        _tell_estimate(estimate, choice, given["into"], output if dry_run else "table")
        if dry_run or not estimate.files:
            return 1 if estimate.broken else 0
        if given["into"] == "store" or given["live"]:
            yes or click.confirm("Go on?", abort=True, err=True)
        progress = Shown()
        about = asked | {"range": [choice.since, choice.until]}
        run = restore_runs.Run(settings, target, estimate, choice, name, about, given, progress.say)
        progress.step("restoring")
        result = run.run(lambda told: progress.show(lambda: _line(told)), given["again"])
        progress.step("")
    seconds = progress.seconds.get("restoring", 0.0)
    result |= {"seconds": round(seconds, 3), "gaps": estimate.gaps, "broken_manifests": estimate.broken}
    _tell_result(result, given["into"], output)
    return 1 if result["damage"] or estimate.broken else 0


def _choice(since: str | None, given: dict[str, Any]) -> Choice:
    from storage.backup.restore_choice import TYPES, Choice
    from storage.backup.restore_store import KINDS
    from storage.query_time import EXAMPLES, moment

    if not since:
        raise WrongSettings("is missing", where="--since", remedy=EXAMPLES)
    now = instant.now()
    begin, end = moment(since, "--since", now), moment(given["until"], "--until", now) if given["until"] else now + 1
    if begin >= end:
        raise WrongSettings("is not before --until", where="--since", remedy="exchange them")
    possible = [name for name, topic in TYPES.items() if given["into"] in ("topic", "files") or topic in KINDS]
    for name in given["types"]:
        if name not in possible:
            remedy = f"one of {', '.join(possible)}" if name not in TYPES else "restore it --into topic or --into files: no store has it"
            raise WrongSettings(f"{name[:40]!r} cannot be restored there", where="--type", remedy=remedy)
    return Choice(begin, end, tuple(TYPES[name] for name in given["types"] or possible), tuple(given["services"]))


def _check(given: dict[str, Any]) -> None:
    if (given["into"] == "files") != bool(given["out"]):
        raise WrongSettings("is for --into files, and needed there", where="--out", remedy="--into files --out DIR")
    if given["live"] and given["into"] != "topic":
        raise WrongSettings("is for --into topic", where="--live", remedy="leave it out")
    if given["live"] and not given["types"]:
        remedy = "--type rules --type silences --type acks …: log lines would be judged again, and alerts told again"
        raise WrongSettings("wants to be told what comes back into topics in use", where="--live", remedy=remedy)


def _asked(since: str | None, choice: Choice, given: dict[str, Any], target: object) -> dict[str, Any]:
    """What tells one restore from another, in the user's words."""
    return {
        "since": since, "until": given["until"] or "", "topics": list(choice.topics), "services": list(choice.services),
        "target": repr(target), "into": given["into"], "live": given["live"], "out": str(given["out"].absolute()) if given["out"] else "",
    }  # fmt: skip


def _tell_estimate(estimate: Estimate, choice: Choice, into: str, output: str) -> None:
    seconds = estimate.rows / RATES[into]
    if output == "json":
        return echo_json(
            {"files": len(estimate.files), "records_at_most": estimate.rows, "bytes": estimate.bytes, "gaps": estimate.gaps,
             "broken_manifests": estimate.broken, "seconds_about": round(seconds, 1)}
        )  # fmt: skip
    if not estimate.files:
        return click.echo(f"the archive has nothing of that from {instant.written(choice.since)} on", err=True)
    took = durations.said(max(1000, int(seconds * 1000)))
    size = f"{estimate.bytes / 1e6:,.1f} MB"
    click.echo(f"to be read: {len(estimate.files):,} files, {estimate.rows:,} records at most, {size}; about {took}", err=True)
    if estimate.gaps:
        click.echo(f"{estimate.gaps:,} records of these topics are in no archive: Kafka deleted them before a backup came", err=True)


def _line(told: Told) -> str:
    kept = sum(count for name, count in told.counts.items() if name in ("events", "alerts", "anomalies", "records", "lines", "odd"))
    return f"{told.rows / max(1, told.of):4.0%} · {told.rows:,} of {told.of:,} records looked at, {kept:,} restored"


def _tell_result(result: dict[str, Any], into: str, output: str) -> None:
    if output == "json":
        return echo_json(result)
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(result["counts"].items()))
    again = " (done before)" if result["before"] else ""
    rate = f", {result['rows'] / result['seconds']:,.0f} records/s" if result["seconds"] > 0.1 and not result["before"] else ""
    click.echo(f"restored {result['name']}{again}: {counts or 'nothing was asked for that is there'}; {result['seconds']:.1f} s{rate}")
    for line in result["damage"]:
        click.echo(click.style(f"damaged: {printable(line)}", fg="red", bold=True))
    for line in result["refusals"]:
        click.echo(f"refused by the store: {printable(line)}")
    if line := _NEXT[into](result):
        click.echo(line)


_NEXT: dict[str, Callable[[dict[str, Any]], str]] = {
    "view": lambda result: (
        f"read it:  logverse query --view {result['name']} events --service NAME --since …\n"
        f"drop it:  logverse restore --drop {result['name']}"
    ),
    "store": lambda _: "",
    "topic": lambda result: f"in topics {result['where']}",
    "files": lambda result: f"in {result['where']}",
}
