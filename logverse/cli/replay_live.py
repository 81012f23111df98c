"""`logverse replay --shift-to-now`: old events into the live topics, moved in time."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logverse import durations
from logverse.cli.output import echo_json
from logverse.cli.replay_progress import Progress
from logverse.settings import Settings

if TYPE_CHECKING:
    from logverse.cli.replay_sources import FromBackup, FromFiles, FromHistory


def feed(settings: Settings, source: FromFiles | FromHistory | FromBackup, speed: float, output: str) -> int:
    """Send all of it, each event when it is due. 0 when everything has arrived, 130 when it was stopped."""
    from producers.publisher import KafkaPublisher
    from producers.replay.feeding import Feed
    from producers.run import Stop

    progress, run = Progress(), secrets.token_hex(4)
    with tempfile.TemporaryDirectory(prefix="logverse-replay-") as folder:
        publisher = KafkaPublisher(settings, progress.say)
        publisher.connect(lambda: True)
        progress.step("reading")
        gathered = source.gather(settings, Path(folder), progress.say, lambda count: progress.show(lambda: f"{count:,} events"))
        spool, stop = gathered.spool, Stop()  # from here on: what was sent when it is asked still arrives
        span = (spool.last or 0) - (spool.first or 0)
        progress.say(f"run {run}: {len(spool):,} events of {durations.said(span)} in {durations.said(int(span / speed))}")
        progress.step("feeding")
        of = len(spool)
        feeding = Feed(publisher, run, speed, told=lambda fed: progress.show(lambda: f"{fed.events:,} of {of:,} events"))
        fed = feeding.run(spool, stop)
        progress.step("")
    told = {"run": run, "events": fed.events, "of": of, "behind_ms": fed.behind_ms, "arrived": fed.arrived}
    if output == "json":
        echo_json(told)
    else:
        behind = f", at worst {fed.behind_ms / 1000:.1f} s behind" if fed.behind_ms >= 1000 else ""
        click.echo(f"{fed.events:,} of {of:,} events fed, run {run}{behind}" + ("" if fed.arrived else "; not all of them have arrived"))
    return 130 if stop() else 0 if fed.arrived else 1
