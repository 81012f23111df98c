"""`logverse backup schedule`: backups by a cron expression, as long as it runs."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli.backup_archive import alone, kafka_source, must_be_of, opened, parallel_option, target_option
from logverse.cli.backup_prune import planned, remove
from logverse.cli.backup_run import backup, gap_lines
from logverse.errors import Malformed, Refused, TryAgain, WrongSettings

if TYPE_CHECKING:
    from logverse.settings import Settings
    from storage.backup.metrics import Figures
    from storage.backup.schedule import Schedule

log = logging.getLogger("backup")


@click.command()
@target_option
@click.option("--cron", metavar="EXPRESSION", default="", help="When, in UTC: minute hour day month weekday.  [LOGVERSE_BACKUP_SCHEDULE]")
@parallel_option
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Prometheus metrics on this port of 127.0.0.1.")
@click.option("--once", is_flag=True, help="End after the first one.")
@click.option("--detach", is_flag=True, help="Leave it to the supervisor of `logverse up`, which keeps it running.")
@click.pass_context
def schedule(
    ctx: click.Context, /, target_url: str, cron: str, parallel: int | None, metrics_port: int | None, once: bool, detach: bool
) -> None:
    """Back up whenever the cron expression says so, until stopped (Ctrl-C, SIGTERM); one that was missed is made up for at the start.

    One scheduler on a machine: a second one ends at once. A backup that fails is said and tried at the next time; whether all is well
    is told by logverse_backup_age_seconds. With backup_keep set, what is older is pruned after each. In Kubernetes a CronJob calls
    `logverse backup run` instead.

    \b
    logverse backup schedule --cron "7 * * * *" --metrics-port 9411
    logverse backup schedule --detach
    """
    from storage.backup.schedule import Schedule

    settings = settings_.load(ctx.obj)
    times = Schedule(cron or settings.backup_schedule, "--cron" if cron else "backup_schedule")
    if settings.backup_keep:
        durations.given(settings.backup_keep, "backup_keep", least=1)
    if detach:
        if once:
            raise WrongSettings("the supervisor keeps running what ends", where="--once, --detach", remedy="leave one of them out")
        more = [("--target", _anywhere(target_url)), ("--cron", cron), ("--parallel", parallel), ("--metrics-port", metrics_port)]
        return _leave(settings, ctx, [part for name, value in more if value for part in (name, str(value))])
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with alone(settings, "schedule"):
        _keep(settings, target_url, times, parallel, _figures(metrics_port), once, stop)


def _keep(
    settings: Settings, url: str, times: Schedule, parallel: int | None, figures: Figures, once: bool, stop: threading.Event
) -> None:  # fmt: skip
    """One after the other. What is wrong with the settings ends it; everything else may be better the next time."""
    _guarded(lambda: _look(settings, url, figures), figures, "looking at the archive")
    due = times.first(figures.success, instant.now())
    while True:
        log.info("next at=%s", instant.written(due))
        while (left := due - instant.now()) > 0:
            if stop.wait(min(left / 1000, 60.0)):  # a clock that is set is noticed within a minute
                return
        _guarded(lambda: _back_up(settings, url, parallel, figures), figures, "backup")
        if once or stop.is_set():
            return
        due = times.due(instant.now())


def _guarded(work: Callable[[], None], figures: Figures, what: str) -> None:
    try:
        work()
    except (TryAgain, Refused, Malformed) as error:
        figures.failures += 1
        log.warning("did not succeed what=%s why=%s", what, str(error).replace("\n", " "))


def _look(settings: Settings, url: str, figures: Figures) -> None:
    with opened(settings, url) as (_, archive):
        figures.look(archive)


def _back_up(settings: Settings, url: str, parallel: int | None, figures: Figures) -> None:
    with opened(settings, url) as (target, archive):
        must_be_of(settings, archive)
        source, _ = kafka_source(settings)
        try:
            with alone(settings, "run"):
                outcome = backup(settings, source, target, archive, parallel).run()
            log.info("finished run=%s records=%d files=%d gap_records=%d", outcome.run, outcome.rows, len(outcome.files), outcome.gap_rows)
            for line in (*outcome.notes, *gap_lines(outcome.gaps)):
                log.warning("%s", line)
            if settings.backup_keep:
                doomed = planned(settings, archive, target, instant.now() - durations.read(settings.backup_keep))
                remove(settings, archive, target, doomed)
                lost = sum(file.rows for file in doomed.only_copies)
                log.info("pruned files=%d records=%d only_copy_records=%d", len(doomed.files), doomed.rows, lost)
        finally:
            figures.look(archive)


def _figures(port: int | None) -> Figures:
    from storage.backup.metrics import BackupMetrics, Figures, serve

    figures = Figures()
    if port is not None:
        serve(BackupMetrics(figures, instant.now), port)
    return figures


def _anywhere(url: str) -> str:
    """The same target where the working folder is another."""
    return url if not url or "://" in url else str(Path(url).expanduser().absolute())


def _leave(settings: Settings, ctx: click.Context, more: list[str]) -> None:
    """An entry where the supervisor looks; it holds all that a process started elsewhere needs."""
    from logverse.cli.produce_detach import global_flags

    path = settings.home_path / "services" / "backup-schedule.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    arguments = [*global_flags(settings, ctx.obj), "backup", "schedule", *more]
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps({"name": path.stem, "arguments": arguments}, option=orjson.OPT_INDENT_2))
    draft.replace(path)
    running = (settings.home_path / "run" / "supervisor.pid").exists()
    click.echo(f"backup-schedule is the supervisor's now: it {'starts at once' if running else 'starts with `logverse up`'}")
    click.echo(f"  see it: logverse logs backup-schedule\n  end it: rm {path}")
