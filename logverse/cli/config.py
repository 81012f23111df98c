"""`logverse config show`: the settings in force."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from logverse import settings
from logverse.cli.output import echo_rows, output_option


@click.group()
def config() -> None:
    """Settings: a flag goes over LOGVERSE_… in the environment, over logverse.yaml, over the default."""


@config.command()
@output_option
@click.pass_obj
def show(flags: dict[str, str | None], output: str) -> None:
    """Every setting, its value, and where the value comes from. Secrets are files: only their names show."""
    values, origin = settings.loaded(flags, os.environ)
    echo_rows([{"setting": name, "value": value, "from": origin[name]} for name, value in asdict(values).items()], output)
