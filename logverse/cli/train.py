"""`logverse train`: detectors learn from history what is usual, before they judge."""

from __future__ import annotations

import heapq
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant
from logverse import settings as settings_
from logverse.cli.output import echo_rows, output_option
from logverse.errors import Malformed, Refused, WrongSettings
from logverse.instant import Millis
from logverse.printable import printable
from logverse.settings import Settings
from logverse.summary import Summary

if TYPE_CHECKING:
    from logverse.model import Model
    from logverse.rule import Rule
    from storage.series_rows import SeriesRow, SeriesStore, Step

_MINUTE = 60_000


@click.command()
@click.argument("names", nargs=-1, metavar="[RULE...]")
@click.option("--since", metavar="SPAN", default="7d", show_default=True, help="How far back the history is read: 6h, 7d, 4w.")
@click.option("--dry-run", is_flag=True, help="Learn and tell what came of it; write nothing.")
@output_option
@click.pass_obj
def train(flags: dict[str, str | None], /, names: tuple[str, ...], since: str, dry_run: bool, output: str) -> None:
    """Let the detectors of the rules in force (or of these) learn from history, so that they need not wait until they have seen enough.

    Rules of type `anomaly` are shown their series as they were; what they learnt goes to topic `models`, from where a running job takes
    it for series that have not learnt enough by themselves. Doing it again does no harm.

    Seconds are kept for hours, minutes for weeks (settings keep_series_1s, _1m): a rule with `step: 1m` learns from weeks, one with a
    finer step from hours.

    \b
    logverse train --since 4w
    logverse train web-traffic --since 6h --dry-run
    """
    from storage.stores import opened

    settings, now = settings_.load(flags), instant.now()
    span = durations.given(since, "--since", least=_MINUTE)
    rules = _rules(settings, names)
    store = opened(settings)
    try:
        services = sorted({name for name, _ in store.services()})
        found = list(models(store.series, services, rules, now - span, now, settings))
    finally:
        store.close()
    if not dry_run:
        _write(settings, found)
    _tell(found, rules, dry_run, output)


def models(
    store: SeriesStore, services: Sequence[str], rules: Sequence[Rule], since: Millis, until: Millis, settings: Settings
) -> Iterator[Model]:
    """What the rules' detectors learn from the series of these services between these times."""
    from flink_jobs.rules.plan import Plan
    from flink_jobs.rules.training import step_of

    for step, group in groupby(sorted(rules, key=step_of), key=step_of):
        same = list(group)
        rows = _rows_for(step)
        start = max(since, until - durations.read(getattr(settings, f"keep_series_{rows.name}")))
        start, end = start + -start % step, until - until % step
        across = [rule for rule in same if Plan(rule).type.across(rule)]
        within = [rule for rule in same if rule not in across]
        for place, service in enumerate(services if within else ()):
            _progress(f"{printable(service)} ({place + 1} of {len(services)})")
            yield from _trained(service, within, _steps([store.read(rows, service, start, end)], step), end)
        for rule in across:
            _progress(f"rule {rule.name} over all services")
            yield from _trained(rule.name, [rule], _steps([store.read(rows, service, start, end) for service in services], step), end)
    _progress("")


def _trained(key: str, rules: Sequence[Rule], steps: Iterable[tuple[Millis, list[Summary]]], end: Millis) -> list[Model]:
    from flink_jobs.rules.training import Training

    training = Training(key, rules)
    for until, summaries in steps:
        training.see(summaries, until)
    training.see([], end)
    return training.models()


def _rows_for(step: Millis) -> Step:
    """The coarsest rows that make up steps of this length exactly."""
    from storage.series_rows import STEPS

    return next(each for each in reversed(STEPS) if step % each.ms == 0)


def _steps(sources: Sequence[Iterator[SeriesRow]], step: Millis) -> Iterator[tuple[Millis, list[Summary]]]:
    """The summaries of each step in which there was something, with the end of the step."""
    merged = heapq.merge(*sources, key=lambda row: row.at)
    for start, rows in groupby(merged, key=lambda row: row.at - row.at % step):
        yield start + step, [summary for row in rows for summary in summaries_of(row)]


def summaries_of(row: SeriesRow) -> Iterator[Summary]:
    """A kept row as the summaries that it was made of, as far as their dimensions are known."""
    from storage.series_figures import COUNT, DURATION_COUNT, DURATION_MAX, DURATION_SUM, HISTOGRAM, OTHER, SIZE, read_cells

    for key, figures in read_cells(row.cells):
        nobody: tuple[Any, ...] = (None,) * 8
        yield Summary(
            second=row.at,
            dimensions=(row.service, *(nobody if key == OTHER else key)),
            count=figures[COUNT],
            duration_count=figures[DURATION_COUNT],
            duration_sum=figures[DURATION_SUM] / 1_000_000,
            duration_max=figures[DURATION_MAX] / 1_000_000,
            histogram=tuple(figures[HISTOGRAM:]),
            size_sum=figures[SIZE],
        )


def _rules(settings: Settings, names: tuple[str, ...]) -> list[Rule]:
    """The rules in force that can learn from history; of those that were named each must."""
    from flink_jobs.rules import topic
    from flink_jobs.rules.applying import named_rules
    from flink_jobs.rules.training import learns

    current = topic.snapshot(settings)
    chosen = named_rules(names, current) if names else list(current.values())
    able = []
    for rule in chosen:
        try:
            fits = learns(rule)
        except Malformed as error:
            raise Refused(f"{error}\n  → logverse rules check shows how to mend it") from error
        if fits:
            able.append(rule)
        elif names:
            remedy = "rules of type anomaly on fields of the view `traffic` (docs/rules.md)"
            raise WrongSettings(f"rule {rule.name} has nothing to learn from history", where="RULE", remedy=remedy)
    if not able:
        raise Refused("no rule in force learns from history\n  → rules of type anomaly do: docs/rules.md")
    return able


def _write(settings: Settings, found: Sequence[Model]) -> None:
    from logverse.topic_writer import write

    write(settings, "models", [(model.fingerprint, model.to_json()) for model in found])


def _tell(found: Sequence[Model], rules: Sequence[Rule], dry_run: bool, output: str) -> None:
    series = Counter(model.rule for model in found)
    detectors = {model.rule: model.detector for model in found}
    rows = [
        {
            "rule": rule.name,
            "detector": detectors.get(rule.name, ""),
            "series": series[rule.name],
            "learnt": "what there was" if series[rule.name] else "nothing: history has no such events",
        }
        for rule in rules
    ]
    echo_rows(rows, output)
    if output != "json":
        done = "nothing was written" if dry_run else "written to topic models; a running job takes them up"
        click.echo(f"{len(found)} series, {done}")


def _progress(text: str) -> None:
    """What is being read, on a terminal only."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[K" + (f"reading {text} " if text else ""), nl=False, err=True)
