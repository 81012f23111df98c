"""`logverse simulate`: believable access logs as files, with labelled faults."""

from __future__ import annotations

import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logverse import durations, instant
from logverse.cli.output import echo_json, output_option
from logverse.errors import Malformed, WrongSettings

if TYPE_CHECKING:
    from producers.simulator.traffic import Simulation


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--service", "services", multiple=True, metavar="NAME", help="A service; repeat for more.  [default: web, api, shop]")
@click.option("--rate", default=20.0, show_default=True, metavar="N", help="Requests per second and service, average of a day.")
@click.option("--for", "span", metavar="SPAN", help="How long: 45s, 10m, 1h30m.  [default: 10m; with --live until Ctrl-C]")
@click.option(
    "--log",
    "logs",
    multiple=True,
    type=click.Choice(["access", "application", "activity"]),
    help="Which logs; repeat for more.  [default: access, and those that a fault shows in]",
)
@click.option(
    "--hosts",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    metavar="N",
    help="Hosts of each service, each with files of its own.",
)
@click.option("--seed", default=1, show_default=True, metavar="N", help="The same seed and start give the same bytes.")
@click.option("--start", metavar="TIME", help="First instant, 2026-11-21T14:00:00Z.  [default: so that it ends now; with --live now]")
@click.option("--live", is_flag=True, help="Write each line when its time has come; a start in the past is caught up with at once.")
@click.option("--fault", "faults", multiple=True, metavar="KIND:SERVICE@START+DURATION", help="Something that should raise an alert.")
@click.option("--benign", multiple=True, metavar="KIND:SERVICE@START+DURATION", help="Something unusual that should not.")
@output_option
def simulate(
    folder: Path, services: tuple[str, ...], rate: float, span: str | None, logs: tuple[str, ...], hosts: int, seed: int, start: str | None,
    live: bool, faults: tuple[str, ...], benign: tuple[str, ...], output: str,
) -> None:  # fmt: skip
    """Write believable logs, DIR/SERVICE/access.log, and what happened when, DIR/labels.json.

    \b
    Logs (--log); times are UTC; DIR must not hold logs yet
      access         nginx's combined format with $request_time at the end
      application    Spring Boot's, with stack traces: application.log
      activity       logins, one JSON object a line: activity.log
    Faults (--fault)                                            magnitude
      error-burst        requests end in slow 5xx               share, 40%
      error-rate         requests end in fast 500s              share, 5%
      latency-shift      requests take longer                   factor, 5x
      slow-drift         requests grow slower bit by bit        factor, 4x
      silence            nothing comes, in any log              share, 100%
      traffic-drop       fewer requests come                    share, 60%
      traffic-surge      more requests come                     factor, 5x
      scan               one client asks for what is not there  factor, 0.5x
      silent-host        one of --hosts gets no requests        share, 100%
      new-error-pattern  application: an error that never was   share, 5%
      pattern-rate       application: a rare warning, often     factor, 20x
      brute-force        activity: one client fails to log in   factor, 10x
    Benign events (--benign)
      deploy             502 and 503 for 4 s, then slow answers share, 10%
      lunch-peak         more requests, no more errors          factor, 2.5x
      batch-run          one client adds requests on one route  factor, 1x
      cache-flush        slow answers, less and less            factor, 3x
      crawler            a search engine reads the site         factor, 0.3x

    Each is written KIND:SERVICE[/ROUTE]@START+DURATION[=MAGNITUDE], START counted from the beginning:
    error-burst:web@2m+45s=40% is 40 % errors on web, from 2 min in, for 45 s.

    \b
    Examples:
      logverse simulate demo-logs --live --fault error-burst:shop/pay@1m+45s=90%
      logverse simulate day --for 24h --seed 7 --fault silence:api@9h+5m --benign lunch-peak:web@12h+1h=3x
      logverse simulate app --service shop --log application --fault new-error-pattern:shop@2m+1m --fault brute-force:shop@5m+1m
    """
    from producers.simulator.files import write_all, write_live

    simulation = _simulation(services, rate, span, logs, hosts, seed, start, live, faults, benign)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if live:
        written = write_live(folder, simulation, _now, stop.wait, _live_progress(simulation), stop.is_set)
    else:
        written = write_all(folder, simulation, _progress(simulation), stop.is_set)
    _report(folder, simulation, written, output)
    if stop.is_set() and not live:
        raise click.exceptions.Exit(130)


def _simulation(
    services: tuple[str, ...], rate: float, span: str | None, logs: tuple[str, ...], hosts: int, seed: int, start: str | None,
    live: bool, faults: tuple[str, ...], benign: tuple[str, ...],
) -> Simulation:  # fmt: skip
    from producers.simulator.episodes import KINDS, read_episode
    from producers.simulator.simulation import ACCESS, LOGS, Simulation
    from producers.simulator.sites import site_of

    services = tuple(dict.fromkeys(services)) or ("web", "api", "shop")
    for service in services:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", service):
            raise WrongSettings(
                "becomes a folder's name", where=f"--service {service!r}", remedy="letters, digits, dots, dashes, underscores"
            )
    if not 0 < rate <= 100_000:
        raise WrongSettings("out of range", where=f"--rate {rate:g}", remedy="above 0 and at most 100000 requests per second")
    lasts_s = None if live and span is None else durations.given(span or "10m", "--for") // 1000
    if lasts_s == 0:
        raise WrongSettings("nothing would be written", where=f"--for {span}", remedy="for example --for 10m")
    first = _start(start, 0 if live else lasts_s or 0)
    end = None if lasts_s is None else first + 1000 * lasts_s
    sites = {service: list(dict.fromkeys(route.template for route in site_of(service))) for service in services}
    episodes = [read_episode(text, "--fault", False, first, sites) for text in faults]
    episodes += [read_episode(text, "--benign", True, first, sites) for text in benign]
    for text, episode in zip((*faults, *benign), episodes, strict=True):
        if end is not None and episode.end > end:
            raise WrongSettings("ends after the simulation", where=text, remedy=f"make --for longer than {span or '10m'}")
        if episode.kind == "silent-host" and hosts == 1:
            raise WrongSettings("there is but one host", where=text, remedy="--hosts 3")
    wanted = {*(logs or (ACCESS,)), *(KINDS[episode.kind].log for episode in episodes)}
    return Simulation(services, rate, seed, first, end, tuple(episodes), tuple(log for log in LOGS if log in wanted), hosts)


def _start(text: str | None, before_now_s: int) -> int:
    if text is None:
        return (int(time.time()) - before_now_s) * 1000
    try:
        return instant.read(text) // 1000 * 1000
    except Malformed as error:
        raise WrongSettings("not a time in UTC", where=f"--start {text}", remedy="for example 2026-11-21T14:00:00Z") from error


def _now() -> int:
    return time.time_ns() // 1_000_000


def _progress(simulation: Simulation) -> Callable[[int, int], None]:
    def show(at: int, written: int) -> None:
        if sys.stderr.isatty() and simulation.end:
            share = (at - simulation.start) / (simulation.end - simulation.start)
            click.echo(f"\r{share:4.0%}  {written:,} lines", nl=False, err=True)

    return show


def _live_progress(simulation: Simulation) -> Callable[[int, int], None]:
    """Says when an episode begins and ends; on a terminal also how far it is."""
    coming = sorted(
        (at, f"{episode.kind} on {episode.service}{episode.route or ''} {word}")
        for episode in simulation.episodes
        for at, word in ((episode.start, f"begins, for {(episode.end - episode.start) // 1000} s"), (episode.end, "is over"))
    )

    def show(at: int, written: int) -> None:
        line_start = "\r" if sys.stderr.isatty() else ""
        while coming and coming[0][0] <= at:
            when, what = coming.pop(0)
            click.echo(f"{line_start}{_clock_time(when)}  {what}", err=True)
        if line_start:
            click.echo(f"\r{_clock_time(at)}  {written:,} lines, Ctrl-C ends", nl=False, err=True)

    return show


def _clock_time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M:%S")


def _report(folder: Path, simulation: Simulation, written: int, output: str) -> None:
    from producers.simulator.files import places

    logs = list(map(str, places(folder, simulation).values()))
    labels = str(folder / "labels.json")
    start = instant.written(simulation.start)
    if output == "json":
        return echo_json({"lines": written, "logs": logs, "labels": labels, "seed": simulation.seed, "start": start})
    if sys.stderr.isatty():
        click.echo("", err=True)
    click.echo(f"{written:,} lines in {', '.join(logs)}")
    click.echo(f"what happened when: {labels}    the same again: --seed {simulation.seed} --start {start}")
