"""`logverse rules list | show | diff | schema`: what is in force, how it goes, and how it differs from the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse import settings
from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.printable import printable

if TYPE_CHECKING:
    from flink_jobs.rules.applying import Step
    from flink_jobs.rules.confirmation import Confirmations
    from logverse.alert import Alert
    from logverse.rule import Rule


@click.command("list")
@output_option
@click.pass_obj
def list_(flags: dict[str, str | None], /, output: str) -> None:
    """Every rule in force: when it fires, whose it is, whether the job runs it, and its last alert.

    \b
    States: running (every subtask confirmed it), shadow (runs, its alerts are told to nobody), paused, disabled (enabled: false in its
    file), refused (the job cannot run it: `rules show NAME` says why), waiting (no job confirmed it).
    """
    from flink_jobs.rules import topic

    found = settings.load(flags)
    current, said = topic.snapshot(found), topic.last_said(found)
    confirmations = said.confirmations({name: rule.revision for name, rule in current.items()})
    alerts = _last_alerts(found) if current else {}
    rows = [_row(rule, confirmations, alerts.get(name)) for name, rule in sorted(current.items())]
    if output == "json":
        rows = [row | {"rule": asdict(current[row["name"]])} for row in rows]
    echo_rows(rows, output, empty="no rules yet → logverse rules apply")


@click.command()
@click.argument("name")
@output_option
@click.pass_obj
def show(flags: dict[str, str | None], /, name: str, output: str) -> None:
    """One rule, whole: in words, as a file would have it, what the job says of it, and its last alert.

    \b
    logverse rules show http-5xx-share
    """
    import yaml

    from flink_jobs.rules import topic
    from flink_jobs.rules.applying import named_rules
    from flink_jobs.rules.written import entry_of

    found = settings.load(flags)
    rule = named_rules([name], topic.snapshot(found))[0]
    confirmations = topic.last_said(found).confirmations({rule.name: rule.revision})
    row = _row(rule, confirmations, _last_alerts(found).get(rule.name))
    if output == "json":
        return echo_json(row | {"rule": asdict(rule)})
    for what in ("state", "confirmed by", "last alert", "fires when"):
        click.echo(f"{what:<13} {printable(row[what])}")
    click.echo()
    click.echo(yaml.safe_dump([entry_of(rule)], sort_keys=False, allow_unicode=False, width=120).rstrip())


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="FILE|FOLDER...")
@output_option
@click.pass_obj
def diff(flags: dict[str, str | None], /, files: tuple[Path, ...], output: str) -> int:
    """What `apply --prune` of these files would change; without a FILE, of the rules that come with LogVerse. Nothing is written.

    Exit code 0 when there is no difference, 1 when there is one.

    \b
    logverse rules diff rules/ && echo "all of it is in force, and nothing else"
    """
    from flink_jobs.rules import topic
    from flink_jobs.rules.applying import plan_of
    from flink_jobs.rules.files import DEFAULTS, read_all

    wanted = read_all(files or (DEFAULTS,))
    steps = [step for step in plan_of(wanted, topic.snapshot(settings.load(flags)), prune=True) if step.change != "unchanged"]
    if output == "json":
        echo_json([{"rule": step.rule.name, "change": _change(step), "fields": _fields(step)} for step in steps])
    elif not steps:
        click.echo(f"no difference: {len(wanted)} rules are in force as written")
    else:
        click.echo("\n".join(line for step in steps for line in _lines(step)))
    return 1 if steps else 0


@click.command()
def schema() -> None:
    """Print the JSON Schema of rule files, for editors: names complete themselves, mistakes are seen as they are typed.

    \b
    logverse rules schema > rules.schema.json
    # and at the top of a rule file, for editors with a YAML language server:
    # yaml-language-server: $schema=rules.schema.json
    """
    from flink_jobs.rules.schema import schema as made

    echo_json(made())


def _change(step: Step) -> str:
    return "only in force" if step.change == "deleted" else "only in the files" if step.change == "new" else "differs"


def _fields(step: Step) -> dict[str, dict[str, Any]]:
    """By field what is in force and what the files say."""
    from flink_jobs.rules.written import entry_of

    if step.former is None or step.change == "deleted":
        return {}
    former, wanted = entry_of(step.former), entry_of(step.rule)
    return {
        name: {"in force": former.get(name), "files": wanted.get(name)}
        for name in dict.fromkeys([*former, *wanted])
        if former.get(name) != wanted.get(name)
    }


def _lines(step: Step) -> list[str]:
    signs = {"only in force": "-", "only in the files": "+", "differs": "~"}
    lines = [f"{signs[_change(step)]} {step.rule.name}  ({_change(step)})"]
    for name, sides in _fields(step).items():
        lines += [f"    {sign} {name}: {printable(value)}" for sign, value in zip("-+", sides.values(), strict=True) if value is not None]
    return lines


def _last_alerts(found: settings.Settings) -> Mapping[str, Alert]:
    """The alert that each rule raised last."""
    from alerting import story
    from logverse.cli.alerts_mark import values

    newest = story.latest(story.alerts_in(values(found, "alerts.state")))
    return {alert.rule: alert for alert in reversed(newest)}


def _row(rule: Rule, confirmations: Confirmations, alert: Alert | None) -> dict[str, Any]:
    from logverse import instant

    return {
        "name": rule.name,
        "type": rule.type,
        "severity": rule.severity,
        "owner": rule.owner,
        "fires when": _condition(rule),
        "state": _state(rule, confirmations),
        "confirmed by": confirmations.words(rule.name) or "nobody yet",
        "last alert": f"{alert.status} {instant.written(alert.at)[:19]}Z" if alert else "",
    }


def _state(rule: Rule, confirmations: Confirmations) -> str:
    if rule.paused or not rule.enabled:
        return "paused" if rule.paused else "disabled"
    if rule.name in confirmations.refused:
        return "refused"
    if rule.name not in confirmations.confirmed:
        return "waiting"
    return "shadow" if rule.shadow else "running"


def _condition(rule: Rule) -> str:
    from flink_jobs.rules.explain import condition_in_words
    from flink_jobs.rules.plan import Plan
    from logverse.errors import Malformed

    try:
        return condition_in_words(Plan(rule))
    except Malformed as error:
        return f"cannot be run: {error}"
