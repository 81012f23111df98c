"""`logverse masking`: write, check and try the policy of what must not leave this host."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse.cli.output import echo_json, echo_rows, output_option
from logverse.errors import Malformed, WrongSettings
from logverse.printable import printable

if TYPE_CHECKING:
    from producers.parsers import Parser

_MOST_LINES = 10_000  # an answer is for eyes: more of a log than that is `produce`'s work


@click.group()
def masking() -> None:
    """What must not leave this host: mail addresses, passwords and tokens, card and phone numbers, IP addresses, whole fields.

    A policy says what happens to each: mask it, replace it by a keyed hash (HMAC-SHA256, so that it can still be counted and
    searched), or drop it. Producers apply it before Kafka, to events and to dead letters.

    \b
    Examples:
      logverse produce app.log --service shop --masking default
      logverse masking init masking.yaml
      logverse masking check masking.yaml
      tail app.log | logverse masking try masking.yaml
      logverse produce app.log --service shop --masking masking.yaml
    """


@masking.command()
@click.argument("file", metavar="[FILE]", default="masking.yaml", type=click.Path(dir_okay=False, path_type=Path))
def init(file: Path) -> None:
    """Write a policy to start from, and a key for hashes beside it.

    Keep the key: with another one the same address has another hash.

    \b
    Example:
      logverse masking init masking.yaml
    """
    from producers.masking.policy import DEFAULT

    key = file.with_suffix(".key")
    for taken in (file, key):
        if taken.exists():
            raise WrongSettings("is there already", where=str(taken), remedy="name another file, or remove it first")
    key.touch(mode=0o600)
    key.write_text(secrets.token_urlsafe(32) + "\n")
    _, _, rules = DEFAULT.read_text(encoding="utf-8").partition("\n#\n")
    file.write_text(rules.replace("# key_file: masking.key", f"key_file: {key.name}"), encoding="utf-8")
    click.echo(f"{printable(file)} is the policy: edit it, then  logverse masking check {printable(file)}")
    click.echo(f"{printable(key)} is the key for hashes: keep it, and keep it secret")


@masking.command()
@click.argument("policy", metavar="FILE|default")
@output_option
def check(policy: str, output: str) -> None:
    """Say what a policy does; every mistake in it with line, field and remedy.

    \b
    Example:
      logverse masking check masking.yaml
    """
    from producers.masking import PATTERNS
    from producers.masking.policy import named_policy

    found = named_policy(policy, Path())
    rows = [{"what": kind, "found by": "pattern", "action": found.patterns.get(kind, "keep")} for kind in PATTERNS]
    rows += [{"what": name, "found by": "field", "action": action} for name, action in found.fields.items()]
    rows.append({"what": "line that is no event", "found by": "dead letter", "action": found.dead})
    echo_rows(rows, output)


@masking.command(name="try")
@click.argument("policy", metavar="FILE|default")
@click.argument("lines", metavar="[LOG]", default="-", type=click.File("rb"))
@click.option("--type", "form", default="auto", show_default=True, metavar="FORM", help="Form of the lines: auto, access, json, …")
@output_option
def try_(policy: str, lines: Any, form: str, output: str) -> None:
    """Show what lines become under a policy: the body, and the fields that changed. Nothing is sent.

    LOG is a file; without it lines are read from standard input.

    \b
    Examples:
      echo 'login?user=jo@example.com&password=hunter2' | logverse masking try default
      logverse masking try masking.yaml /var/log/nginx/access.log -o json
    """
    from producers.masking.mask import Mask
    from producers.masking.policy import named_policy
    from producers.parsers import PARSERS
    from producers.routes import Routes

    if form not in ("auto", *PARSERS):
        raise WrongSettings(f"no form {printable(form)!r}", where="--type", remedy=f"one of auto, {', '.join(PARSERS)}")
    mask = Mask(named_policy(policy, Path()))
    parsers = {name: make(Routes()) for name, make in PARSERS.items() if form in ("auto", name)}
    tried = [_tried(mask, parsers, line.rstrip(b"\r\n")) for line, _ in zip(lines, range(_MOST_LINES), strict=False)]
    if output == "json":
        return echo_json({"lines": tried, "masked": dict(mask.counts)})
    for one in tried:
        click.echo(printable(one["body"]))
        for name, change in one["changed"].items():
            click.echo(f"    {printable(name)}: {printable(change)}")
    total = ", ".join(f"{count:,} × {kind}" for kind, count in mask.counts.most_common())
    click.echo(f"{len(tried):,} lines: {total or 'nothing to mask'}", err=True)


def _tried(mask: Any, parsers: dict[str, Parser], line: bytes) -> dict[str, Any]:
    """The line under the policy; as a dead letter when no parser takes it."""
    for name, parser in parsers.items():
        try:
            before = dict(_flat(parser.parse(line.decode("utf-8", "replace"))))
            after = dict(_flat(mask.mask_parsed(parser.parse(line.decode("utf-8", "replace")))))
        except Malformed:
            continue
        gone = {field: "dropped" for field in before if field not in after}
        return {"form": name, "body": after["body"], "changed": {**_differing(before, after), **gone}}
    return {"form": "dead letter", "body": mask.mask_bytes(line).decode("utf-8", "replace"), "changed": {}}


def _differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in after.items() if name != "body" and before.get(name) != value}


def _flat(parsed: Any) -> Iterator[tuple[str, Any]]:
    yield "body", parsed.body
    yield from parsed.fields.items()
    yield from ((f"attributes.{name}", value) for name, value in (parsed.attributes or {}).items())
