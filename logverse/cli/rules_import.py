"""`logverse rules import-elastalert`: the rules one has, as rules of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from logverse.errors import Malformed, WrongSettings
from logverse.printable import printable

if TYPE_CHECKING:
    from flink_jobs.rules.elastalert import Imported


@click.command("import-elastalert")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="FILE|FOLDER...")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write there.  [default: standard output]")
def import_elastalert(files: tuple[Path, ...], to: Path | None) -> int:
    """Translate rules of ElastAlert2: types and options by their names, filters into `where`.

    What means something else here, or nothing, is named with its file and line and what to do about it, and stands above the rule as a
    comment. A rule that cannot be translated whole is not made. How people are told is not taken over: that stands in alerting.yaml.
    Exit code 1 when a rule was not translated.

    \b
    logverse rules import-elastalert /etc/elastalert/rules --to shop.yaml
    logverse rules test shop.yaml --from-history --since 7d
    """
    from flink_jobs.rules.elastalert import yaml_of

    rules = [rule for file in files for path in _rule_files(file) for rule in [_read(path)]]
    text = yaml_of(rules)
    if to is None:
        click.echo(text, nl=False)
    else:
        try:
            to.write_text(text, encoding="utf-8")
        except OSError as error:
            raise WrongSettings(
                f"cannot be written: {error.strerror}", where=str(to), remedy="name a file in a folder that is there"
            ) from error
    for rule in rules:
        _tell(rule)
    made = sum(rule.entry is not None for rule in rules)
    click.echo(f"{made} of {len(rules)} rules translated" + (f" to {to}" if to else ""), err=True)
    return 0 if made == len(rules) else 1


def _rule_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
    if not found:
        raise WrongSettings("has no rule file", where=str(path), remedy="rule files end with .yaml or .yml")
    return found


def _read(path: Path) -> Imported:
    from flink_jobs.rules.elastalert import Imported, Note, translated

    try:
        return translated(path, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return Imported(path, path.stem, None, [Note(1, "not UTF-8 text", "save it as UTF-8")])
    except Malformed as error:
        return Imported(path, path.stem, None, [Note(1, str(error), "leave it out")])


def _tell(rule: Imported) -> None:
    for note in rule.notes:
        if note.needed or note.remedy:
            remedy = f"\n  → {printable(note.remedy)}" if note.remedy else ""
            click.echo(f"{rule.file}:{note.line}: rule {printable(rule.name)}: {printable(note.what)}{remedy}", err=True)
