"""`logverse produce … --detach`: what to run, written down where the supervisor of `logverse up` looks."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from logverse import settings
from logverse.errors import WrongSettings
from logverse.settings import Settings
from logverse.topics import named

if TYPE_CHECKING:
    from producers.order import InputOrder, Order


def detach(in_force: Settings, ctx: click.Context, order: Order) -> None:
    """Leave an entry that holds all a process started elsewhere needs: absolute names, global flags, every option."""
    if not order.follow:
        raise WrongSettings("--detach follows files, --no-follow ends", where="--detach", remedy="leave one of them out")
    what = ["--config", str(order.config)] if order.config else _of_one(order, order.inputs[0])
    arguments = [*global_flags(in_force, ctx.obj), "produce", *what]
    name = f"produce-{order.config.stem if order.config else named(order.name, in_force.topic_prefix)}"
    path = in_force.home_path / "services" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps({"name": name, "arguments": arguments}, option=orjson.OPT_INDENT_2))
    draft.replace(path)
    running = (in_force.home_path / "run" / "supervisor.pid").exists()
    click.echo(f"{name} is the supervisor's now: it {'starts at once' if running else 'starts with `logverse up`'} and is kept running")
    click.echo(f"  see it: logverse logs {name}\n  end it: rm {path}")


def _of_one(order: Order, one: InputOrder) -> list[str]:
    if one.addresses == ("-",):
        raise WrongSettings("standard input cannot be left to another process", where="--detach", remedy="name a file, or leave it out")
    tls = one.tls
    return [
        *(text if "://" in text else str(Path(text).absolute()) for text in one.addresses),
        "--service", one.service, "--type", _form(one.log_type), *([] if one.host is None else ["--host", one.host]),
        "--poll", f"{order.poll_s * 1000:.0f}ms", "--watermark-delay", f"{order.watermark_delay_s:g}s",
        "--checkpoint", str(one.checkpoint.absolute()), *(["--timezone", one.zone] if one.zone else []),
        *([] if one.year is None else ["--year", str(one.year)]),
        *([] if order.metrics_port is None else ["--metrics-port", str(order.metrics_port)]),
        *([] if tls is None else ["--tls", str(tls.certificate.absolute()), str(tls.key.absolute())]),
        *([] if tls is None or tls.client_ca is None else ["--client-ca", str(tls.client_ca.absolute())]),
        *(part for network in one.senders for part in ("--from", network)), *_of_topic(one),
        *([] if one.masking is None else ["--masking", one.masking.path]),
    ]  # fmt: skip


def _form(log_type: str) -> str:
    """A name, or a file that is found from anywhere."""
    return str(Path(log_type).absolute()) if log_type.endswith((".yaml", ".yml")) else log_type


def _of_topic(one: InputOrder) -> list[str]:
    if one.field_map:
        raise WrongSettings("a field map of a file", where="--detach", remedy="put the input into a producers.yaml, and detach that")
    return [*([] if one.shape == "auto" else ["--shape", one.shape]), *(["--group", one.group] if one.group else [])]


def global_flags(in_force: Settings, flags: dict[str, str | None]) -> list[str]:
    """Global flags that bring about the settings in force where neither our flags nor our environment are there."""
    without = settings.load({"home": in_force.home}, {})
    differing = [item.name for item in fields(Settings) if getattr(in_force, item.name) != getattr(without, item.name)]
    lost = [name for name in differing if name not in (*flags, "home", "jobmanager")]
    if lost:
        raise WrongSettings(
            f"{', '.join(lost)} would not reach the supervisor's processes",
            where="--detach",
            remedy=f"put into {in_force.home_path / 'logverse.yaml'} what is in the environment: lines of NAME: VALUE",
        )
    wanted = [name for name in flags if name != "home" and (name in differing or flags[name])]
    return [part for name in wanted for part in (f"--{name.replace('_', '-')}", getattr(in_force, name))]
