"""`logverse rules test`: would these rules have fired? A replay, and a verdict for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from logverse import settings
from logverse.cli.output import output_option
from logverse.cli.replay import judged, show, source_of, source_options
from logverse.errors import WrongSettings


@click.command("test")
@click.argument("rule_file", metavar="RULES", type=click.Path(path_type=Path))
@click.argument("files", metavar="FILE...", nargs=-1)
@click.option("--must-fire", metavar="NAME", multiple=True, help="Fail when this rule does not fire; repeatable.")
@click.option("--most-a-day", type=click.FloatRange(0), metavar="N", help="Fail when all of them together fire more often a day.")
@source_options
@output_option
@click.pass_obj
def test(
    flags: dict[str, str | None], /, rule_file: Path, files: tuple[str, ...], must_fire: tuple[str, ...], most_a_day: float | None,
    output: str, **given: Any,
) -> int:  # fmt: skip
    """Try the rules of a file or folder on old logs before they are in force: `logverse replay` with a verdict. Nothing is applied.

    Exit code 1 when an expectation (--must-fire, --most-a-day) is not met, or a file could not be read to its end.

    \b
    Examples:
      logverse rules test shop.yaml /var/log/shop/*.log --service shop
      logverse rules test shop.yaml --from-history --since 7d --most-a-day 5
      logverse rules test shop.yaml outage.log --service shop --must-fire checkout-errors
    """
    from flink_jobs.rules.files import read_all

    in_force, rules = settings.load(flags), read_all([rule_file])
    if unknown := sorted(set(must_fire) - {rule.name for rule in rules}):
        raise WrongSettings(f"no rule {', '.join(unknown)} in {rule_file}", where="--must-fire", remedy=", ".join(r.name for r in rules))
    report = judged(in_force, source_of(in_force, files, given), rules)
    show(report, output)
    failed = list(failures(report["result"], must_fire, most_a_day))
    for line in failed:
        click.echo(f"FAILED  {line}", err=True)
    return 1 if failed else 0


def failures(result: dict[str, Any], must_fire: Sequence[str], most_a_day: float | None) -> Iterator[str]:
    """What is not as it must be."""
    yield from result["problems"]
    fired = {one["rule"]: one["fired"] for one in result["rules"]}
    yield from (f"{name} did not fire" for name in must_fire if not fired.get(name))
    if most_a_day is not None and result["alerts_a_day"] > most_a_day:
        yield f"{result['alerts_a_day']:g} alerts a day, more than {most_a_day:g}"
