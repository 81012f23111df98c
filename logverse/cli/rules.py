"""`logverse rules …`: what is too much, written in YAML, run by the detect job."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse import settings
from logverse.cli.output import echo_json, output_option
from logverse.cli.rules_import import import_elastalert
from logverse.cli.rules_show import diff, list_, schema, show
from logverse.cli.rules_test import test

if TYPE_CHECKING:
    from flink_jobs.rules.confirmation import Confirmations
    from logverse.rule import Rule

files_argument = click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="FILE|FOLDER...")
names_argument = click.argument("names", nargs=-1, required=True, metavar="NAME...")


@click.group()
def rules() -> None:
    """The rules that the detect job watches the logs with.

    \b
    Example:  logverse rules apply                    the rules that come with LogVerse
              logverse rules check shop.yaml
              logverse rules test shop.yaml --from-history --since 7d
              logverse rules diff rules/              a folder of files against what is in force
              logverse rules apply rules/             confirmed by the running job within seconds
              logverse rules pause http-latency-p95

    \b
    A rule file:
      defaults: {owner: team-shop}          # for all rules of the file
      rules:
        - name: checkout-errors
          type: percentage_match            # docs/rules.md has all types
          where: {service.name: checkout}
          match: {http.response.status_code: 5xx}
          max_percentage: 5
          min_count: 20
          window: 60s
          for: 5s
          severity: critical
    """


for _command in (test, list_, show, diff, schema, import_elastalert):
    rules.add_command(_command)


@rules.command()
@files_argument
@output_option
def check(files: tuple[Path, ...], output: str) -> int:
    """Check rule files, or folders of them: every problem with its file, line, field and remedy. Exit code 2 when there is one.

    Without a FILE it checks the rules that come with LogVerse. Nothing is written, no server is asked.
    """
    from flink_jobs.rules.files import DEFAULTS, BrokenRules, read_all

    try:
        found = read_all(files or (DEFAULTS,))
    except BrokenRules as broken:
        if output != "json":
            raise
        echo_json([asdict(problem) for problem in broken.problems])
        return 2
    if output == "json":
        echo_json([])
    else:
        click.echo(f"{len(found)} rules are well formed: {', '.join(rule.name for rule in found)}")
    return 0


@rules.command()
@files_argument
@click.option("--prune", is_flag=True, help="Delete the rules that are not in the files.")
@click.pass_obj
def apply(flags: dict[str, str | None], files: tuple[Path, ...], prune: bool) -> None:
    """Put the rules of these files in force; without a FILE, those that come with LogVerse.

    All files are checked first: when anything is wrong, nothing is written and the old rules stay. Then it waits until the
    running job has taken the rules. A rule that the job cannot see is refused, with the way out.
    """
    from flink_jobs.rules import topic
    from flink_jobs.rules.applying import plan_of
    from flink_jobs.rules.files import DEFAULTS, read_all

    wanted = read_all(files or (DEFAULTS,))
    found = settings.load(flags)
    _put_in_force(found, plan_of(wanted, topic.snapshot(found), prune))


@rules.command()
@names_argument
@click.pass_obj
def pause(flags: dict[str, str | None], names: tuple[str, ...]) -> None:
    """Stop watching with these rules until `resume`; their alerts end with the reason "rule paused"."""
    _change(flags, names, lambda rule: replace(rule, paused=True))


@rules.command()
@names_argument
@click.pass_obj
def resume(flags: dict[str, str | None], names: tuple[str, ...]) -> None:
    """Watch with these rules again, from now on."""
    _change(flags, names, lambda rule: replace(rule, paused=False))


@rules.command()
@names_argument
@click.pass_obj
def delete(flags: dict[str, str | None], names: tuple[str, ...]) -> None:
    """Take these rules out of force for good; their alerts end with the reason "rule deleted"."""
    _change(flags, names, lambda rule: replace(rule, deleted=True))


def _change(flags: dict[str, str | None], names: tuple[str, ...], changed: Callable[[Rule], Rule]) -> None:
    from flink_jobs.rules import topic
    from flink_jobs.rules.applying import Step, change_of, named_rules

    found = settings.load(flags)
    former = named_rules(names, topic.snapshot(found))
    _put_in_force(found, [Step(changed(rule), rule, change_of(changed(rule), rule)) for rule in former])


def _put_in_force(found: settings.Settings, steps: list[Any]) -> None:
    from flink_jobs.rules.applying import put_in_force

    changed = [step for step in steps if step.change != "unchanged"]
    with _progress(len(changed)) as progress:
        job = put_in_force(found, steps, progress)
    for step in steps:
        click.echo(f"{step.change:<9}  {step.rule.name}")
    if job == "absent":
        click.echo("written; no detect job runs now: it takes effect with `logverse job submit detect`")
    else:
        click.echo("confirmed by the running job" if changed else "nothing to do: all rules were in force already")


@contextmanager
def _progress(count: int) -> Iterator[Callable[[Confirmations], None]]:
    """A line that counts the confirmed rules, on a terminal only."""
    on_terminal = sys.stderr.isatty()

    def show(confirmations: Confirmations) -> None:
        if on_terminal:
            click.echo(f"\rwaiting for the job: {len(confirmations.confirmed)} of {count} rules confirmed ", nl=False, err=True)

    try:
        yield show
    finally:
        if on_terminal:
            click.echo("\r\x1b[K", nl=False, err=True)
