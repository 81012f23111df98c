"""`logverse backup drill`: restore a random hour, compare it with the archive, take it away again."""

from __future__ import annotations

import random
import secrets
import time
from typing import TYPE_CHECKING, Any

import click

from logverse import instant, settings
from logverse.cli.backup_archive import hour as written_hour
from logverse.cli.backup_archive import opened, target_option
from logverse.cli.output import echo_json, output_option
from logverse.cli.replay_progress import Progress as Shown
from logverse.errors import Refused
from logverse.printable import printable

if TYPE_CHECKING:
    from logverse.settings import Settings
    from storage.backup.drill import Compared, Hour
    from storage.backup.restore_progress import Progress


@click.command()
@click.option("--hour", "wanted", metavar="TIME", help="The hour of this time, like 2026-11-21T07:00Z.  [default: a random one]")
@click.option(
    "--at-most", type=click.IntRange(1), default=500_000, show_default=True, metavar="N", help="Records; of a larger hour some files."
)
@target_option
@output_option
@click.pass_obj
def drill(flags: dict[str, str | None], /, wanted: str | None, at_most: int, target_url: str, output: str) -> int:
    """Prove that the archive can be restored: a random hour goes into a view, is compared field by field, and is taken away.

    The comparing reader shares no code with the restore: it reads the archive's Parquet and JSON as anybody would, and the view as
    queries do. Exit code 1 when a record is missing, has another field, is damaged, or is there and should not be. Worth a cron entry.

    \b
    logverse backup drill
    logverse backup drill --hour 2026-11-21T07:00Z -o json
    """
    found = settings.load(flags)
    with opened(found, target_url) as (target, archive):
        from storage.backup.drill import cut, hours

        all_hours = hours(archive)
        if wanted:
            from storage.query_time import moment

            at = moment(wanted, "--hour", instant.now())
            all_hours = [one for one in all_hours if one.start <= at < one.start + 3_600_000]
        if not all_hours:
            raise Refused("the archive has no events of that hour\n  → logverse backup list" if wanted else "the archive has no events yet")
        whole = random.choice(all_hours)  # noqa: S311 (no secret)
        hour = cut(whole, at_most, lambda files: random.sample(files, len(files)))
        result = _done(found, target, hour)
    result |= {
        "hour": instant.written(hour.start),
        "files": len(hour.files),
        "of_files": len(whole.files),
        "broken_manifests": archive.broken,
    }
    if output == "json":
        echo_json(result)
    else:
        _show(result, written_hour(hour.start))
    return 0 if result["same"] and not archive.broken else 1


def _done(found: Settings, target: Any, hour: Hour) -> dict[str, Any]:
    from storage import stores
    from storage.backup.drill import compare
    from storage.backup.restore_views import drop, settings_of

    shown, name, began = Shown(), f"drill-{secrets.token_hex(4)}", time.monotonic()
    try:
        shown.step("restoring")
        progress = _restored(found, target, hour, name, shown)
        shown.step("comparing")
        store = stores.opened(settings_of(found, name))
        try:
            compared = compare(target, hour, store)
        finally:
            store.close()
    finally:
        shown.step("clearing away")
        drop(found, name)
        _forget(found, name)
        shown.step("")
    return _plain(compared, progress) | {"seconds": round(time.monotonic() - began, 1)}


def _restored(found: Settings, target: Any, hour: Hour, name: str, shown: Shown) -> Progress:
    from logverse.cli.restore_runs import VIEW_LIVES, folder, into_store
    from logverse.cli.schema import run_name
    from storage.backup.restore import Restore
    from storage.backup.restore_choice import Choice, Estimate
    from storage.backup.restore_progress import Progress
    from storage.backup.restore_store import KINDS
    from storage.backup.restore_views import make, settings_of

    progress = Progress(folder(found) / name, {"into": "view", "topics": list(KINDS), "live": False, "range": [0, instant.END]})
    progress.mark({})  # killed from here on, it can be taken away: logverse restore --drop NAME
    make(found, name, run_name(), lambda _: None)
    sink = into_store(settings_of(found, name), lambda *_: True, VIEW_LIVES)
    estimate, choice = Estimate(hour.files, 0, {}), Choice(0, instant.END, KINDS)
    try:
        tell = lambda told: shown.show(lambda: f"{told.rows:,} of {told.of:,} records")  # noqa: E731
        Restore(target, estimate, choice, sink, progress, tell).run()
    finally:
        sink.close()
    return progress


def _forget(found: Settings, name: str) -> None:
    import shutil

    from logverse.cli.restore_runs import folder

    shutil.rmtree(folder(found) / name, ignore_errors=True)


def _plain(compared: Compared, progress: Progress) -> dict[str, Any]:
    return {
        "same": compared.same and not progress.damage and not progress.counts["refused"] and not _nothing(compared),
        "compared": dict(compared.compared),
        "fields": compared.fields, "missing": compared.missing, "different": compared.different, "besides": compared.besides,
        "odd": compared.odd,
        "unread": compared.unread, "shown": compared.shown, "restored": dict(progress.counts), "damage": progress.damage,
    }  # fmt: skip


def _nothing(compared: Compared) -> bool:
    """There were records, and none that its reader understands: that proves nothing."""
    return bool(compared.unread) and not compared.compared.total()


def _show(result: dict[str, Any], hour: str) -> None:
    some = f", {result['files']} of its {result['of_files']} files" if result["files"] < result["of_files"] else ""
    click.echo(f"hour {hour} UTC{some}: restored, compared, taken away in {result['seconds']} s")
    for line in (*result["damage"], *result["shown"]):
        click.echo(click.style(printable(line), fg="red"))
    records = ", ".join(f"{count:,} {kind}" for kind, count in sorted(result["compared"].items())) or "no records"
    if result["same"]:
        unread = f"; {result['unread']:,} that its reader does not understand were not compared" if result["unread"] else ""
        click.echo(f"the same in every field: {records} ({result['fields']:,} fields){unread}")
    else:
        wrong = [f"{result[name]:,} {name}" for name in ("missing", "different", "besides") if result[name]]
        unread = f"nothing could be compared of {result['unread']:,} records"
        otherwise = "damaged" if result["damage"] else "refused by the store" if result["restored"].get("refused") else unread
        click.echo(click.style(f"NOT the same: {', '.join(wrong) or otherwise}, of {records}", fg="red", bold=True))
