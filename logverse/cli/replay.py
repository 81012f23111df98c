"""`logverse replay`: old logs judged by rules, or fed into a live stack as if they happened now."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from logverse import durations, instant, settings
from logverse.cli.output import echo_json, output_option
from logverse.errors import WrongSettings
from logverse.settings import Settings

if TYPE_CHECKING:
    from logverse.cli.replay_sources import FromBackup, FromFiles, FromHistory
    from logverse.rule import Rule

SERVICE = "replay"
_Command = TypeVar("_Command", bound=Callable[..., Any])


def source_options(command: _Command) -> _Command:
    """What is replayed, and how its lines are read: for `replay` and `rules test`."""
    for option in reversed(
        (
            click.option("--service", "services", metavar="NAME", multiple=True, help=f"Whose lines these are.  [default: {SERVICE}]"),
            click.option("--type", "log_type", default="auto", show_default=True, metavar="FORM", help="Form of the lines."),
            click.option("--timezone", default="", metavar="ZONE", help="Of times that name none.  [default: UTC]"),
            click.option("--year", type=click.IntRange(1970, 9999), help="Of the first line, where lines name none."),
            click.option("--host", metavar="NAME", help="The host that wrote the files.  [default: this one]"),
            click.option("--masking", metavar="FILE|default", help="What must not leave this host: logverse masking --help."),
            click.option("--from-history", is_flag=True, help="Events of the store instead of files; --service: only of these."),
            click.option(
                "--from-backup", is_flag=True, help="Archived events instead; --service: only of these; --target: another archive."
            ),
            click.option(
                "--target", "target_url", metavar="URL", default="", help="--from-backup: where archives lie, if not backup_target."
            ),
            click.option("--since", metavar="TIME", help="--from-history, --from-backup: from this time on, like 7d (ago) or 2026-11-21."),
            click.option("--until", metavar="TIME", help="--from-history, --from-backup: before this time.  [default: now]"),
            click.option(
                "--watermark-delay", default="1s", show_default=True, metavar="SPAN", help="Of a live job: to count what is late."
            ),
        )
    ):
        command = option(command)
    return command


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1)
@click.option("--rules", "rule_files", metavar="FILE", multiple=True, type=click.Path(path_type=Path), help="Judge by these; repeatable.")
@source_options
@click.option("--shift-to-now", is_flag=True, help="Feed the live topics instead, as if it happened now.")
@click.option("--speed", type=click.FloatRange(0.01, 100_000), metavar="N", help="--shift-to-now: so many times as fast.  [default: 1]")
@output_option
@click.pass_obj
def replay(
    flags: dict[str, str | None], /, files: tuple[str, ...], rule_files: tuple[Path, ...], shift_to_now: bool, speed: float | None,
    output: str, **given: Any,
) -> int:  # fmt: skip
    """Judge old logs by rules: when each rule would have fired, for how long, how often a day. Nobody is notified.

    The detect job's graph runs over the events in order of time, in a process and on topics of its own that are gone at the end:
    it takes no slot of the Flink cluster, and a live stack goes first where both want the processor. Needs Kafka (logverse up) and
    PyFlink here. Without --rules: those in force, or those that come with LogVerse. The newest 100 reports stay in HOME/replays/reports.

    \b
    Examples:
      logverse replay /var/log/nginx/access.log.1.gz --service web
      logverse replay 'app-2026-11-*.log' --service shop --rules shop.yaml -o json
      logverse replay --from-history --since 7d --rules shop.yaml
      logverse replay --from-backup --since 90d --until 60d      today's rules over archived logs
      logverse rules test shop.yaml --from-history --since 7d
      logverse replay access.log --service web --shift-to-now --speed 10      a demonstration on the live stack
    """
    in_force = settings.load(flags)
    source = source_of(in_force, files, given)
    _stop_on_term()
    if shift_to_now:
        if rule_files:
            raise WrongSettings(
                "the live job's rules judge", where="--rules", remedy="logverse rules apply FILE; or without --shift-to-now"
            )
        from logverse.cli.replay_live import feed

        return feed(in_force, source, speed or 1.0, output)
    if speed is not None:
        raise WrongSettings("a replay is as fast as it can be", where="--speed", remedy="--speed N --shift-to-now feeds a live stack")
    report = judged(in_force, source, rules_of(in_force, rule_files))
    show(report, output)
    return 1 if report["result"]["problems"] else 0


def judged(in_force: Settings, source: FromFiles | FromHistory | FromBackup, rules: Sequence[Rule]) -> dict[str, Any]:
    """The report of a replay."""
    from logverse.cli.replay_engine import check_rules
    from logverse.cli.replay_engine import replay as run
    from logverse.cli.replay_progress import Progress

    check_rules(rules)
    return run(in_force, source, rules, Progress())


def show(report: dict[str, Any], output: str) -> None:
    from logverse.cli.replay_report import echo_report

    echo_json(report) if output == "json" else echo_report(report)


def rules_of(in_force: Settings, files: Sequence[Path]) -> list[Rule]:
    """Those of the files; without one those in force, else the shipped ones."""
    from flink_jobs.rules.files import DEFAULTS, read_all
    from flink_jobs.rules.topic import snapshot
    from logverse.errors import Refused

    if files:
        return read_all(files)
    try:
        found = snapshot(in_force)
    except Refused:  # there is no such topic: nothing was ever in force
        found = {}
    return list(found.values()) or read_all((DEFAULTS,))


def source_of(in_force: Settings, files: tuple[str, ...], given: Mapping[str, Any]) -> FromFiles | FromHistory | FromBackup:
    """What the user named. WrongSettings when it is nothing, or does not go together."""
    if given["from_history"] or given["from_backup"]:
        return _from_kept(files, given)
    for name in ("since", "until", "target_url"):
        if given[name]:
            where = f"--{name.removesuffix('_url')}"
            raise WrongSettings("is for --from-history and --from-backup", where=where, remedy="leave it out: files are replayed whole")
    if not files:
        raise WrongSettings("nothing to replay", where="FILE", remedy="name log files, or --from-history --since 7d")
    return _from_files(in_force, files, given)


def _from_kept(files: tuple[str, ...], given: Mapping[str, Any]) -> FromHistory | FromBackup:
    from logverse.cli.replay_sources import FromBackup, FromHistory
    from storage.query_time import EXAMPLES, moment

    flag = "--from-history" if given["from_history"] else "--from-backup"
    if files:
        raise WrongSettings(f"files and {flag} do not go together", where=files[0], remedy="one after the other")
    if given["from_history"] and (given["from_backup"] or given["target_url"]):
        raise WrongSettings("the history and an archive do not go together", where=flag, remedy="one after the other")
    if not given["since"]:
        raise WrongSettings("is missing", where="--since", remedy=EXAMPLES)
    now = instant.now()
    since, until = moment(given["since"], "--since", now), moment(given["until"], "--until", now) if given["until"] else now
    if since >= until:
        raise WrongSettings("is not before --until", where="--since", remedy="exchange them")
    if given["from_backup"]:
        return FromBackup(since, until, given["target_url"], given["services"])
    return FromHistory(since, until, given["services"])


def _from_files(in_force: Settings, files: tuple[str, ...], given: Mapping[str, Any]) -> FromFiles:
    from logverse.cli.replay_sources import FromFiles
    from producers import forms
    from producers.configuration import NAME
    from producers.masking.policy import named_policy
    from producers.order import InputOrder
    from producers.parsers.local_time import zone_named
    from producers.replay.reading import check

    service, *more = given["services"] or (SERVICE,)
    if more or not NAME.fullmatch(service):
        raise WrongSettings("is one name of letters, digits, `.`, `_`, `-`", where="--service", remedy="--service web")
    forms.check(given["log_type"], "--type")
    zone_named(given["timezone"] or "UTC")
    policy = named_policy(given["masking"], Path()) if given["masking"] else None
    order = InputOrder(
        service, service, files, in_force.home_path / "replays" / "checkpoint.json", given["log_type"], given["host"], masking=policy,
        zone=given["timezone"], year=given["year"],
    )  # fmt: skip
    check(order)
    return FromFiles(order, durations.given(given["watermark_delay"], "--watermark-delay"))


def _stop_on_term() -> None:
    """SIGTERM ends a replay as Ctrl-C does: with what it has made cleared away."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
