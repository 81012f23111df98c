"""Who is told, and how: `alerting.yaml`, in Alertmanager's words.

route:
  receiver: ops
  watchdog: {receiver: deadman, interval: 1m}   # optional, see watchdog.py
receivers:
  - name: deadman
    webhook_configs:
      - url: https://deadman.example.org/ping
  - name: ops
    webhook_configs:
      - url_file: chat-address          # relative to this file
    email_configs:
      - to: ops@example.org
        from: logverse@example.org
        smarthost: smtp.example.org:587
        auth_username: logverse
        auth_password_file: mail-password
        send_resolved: true
    console_configs:
      - {}
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from alerting.channels import CHANNELS
from alerting.channels.channel import Channel
from alerting.strict_yaml import Document, below
from logverse import durations
from logverse.errors import WrongSettings
from logverse.instant import Millis

_MINUTE: Millis = 60_000
_KINDS = {f"{name}_configs": kind for name, kind in CHANNELS.items()}


@dataclass(frozen=True, slots=True)
class Receiver:
    """A name and the channels behind it: each gets every notification."""

    name: str
    channels: tuple[Channel, ...]
    watchdog: Watched | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """Who is told that we are alive, and how often (milliseconds)."""

    receiver: str
    channels: tuple[Channel, ...]
    every_ms: Millis


CONSOLE_ONLY = Receiver("console", tuple(CHANNELS["console"].channels(CHANNELS["console"].config())))


def read(path: Path, must_exist: bool) -> Receiver:
    """The receiver that the route names; without a file the console. WrongSettings has all that is wrong, each with its line."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        if must_exist:
            raise WrongSettings("no such file", where=str(path), remedy="create it, or leave --config away for the console") from None
        return CONSOLE_ONLY
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}"
        raise WrongSettings(problem, where=str(path)) from error
    return _receiver(Document(path, text))


def _receiver(document: Document) -> Receiver:
    if document.root is None:
        raise WrongSettings("empty", where=str(document.path), remedy="delete it for the console, or give route and receivers")
    top = document.mapping(document.root, ["route", "receivers"], "")
    for name in ("route", "receivers"):
        if name not in top:
            document.complain(document.root, name, "missing", f"add {name}: …")
    receivers = _receivers(document, top["receivers"]) if "receivers" in top else {}
    wanted, watched = _route(document, top["route"], receivers) if "route" in top else ("", None)
    document.finish()
    return replace(receivers[wanted], watchdog=watched)


def _route(document: Document, node: yaml.Node, receivers: dict[str, Receiver]) -> tuple[str, Watched | None]:
    found = document.mapping(node, ["receiver", "watchdog"], "route")
    watched = _watched(document, found["watchdog"], receivers) if "watchdog" in found else None
    return _receiver_named(document, node, found, "route", receivers), watched


def _receiver_named(document: Document, node: yaml.Node, found: dict[str, yaml.Node], at: str, receivers: dict[str, Receiver]) -> str:
    at = below(at, "receiver")
    if "receiver" not in found:
        document.complain(node, at, "missing", "add receiver: NAME")
        return ""
    name = document.build(found["receiver"], str, at)
    if name is not None and name not in receivers:
        document.complain(found["receiver"], at, f"no receiver {name!r}", f"one of {', '.join(receivers) or 'those below'}")
    return name or ""


def _watched(document: Document, node: yaml.Node, receivers: dict[str, Receiver]) -> Watched | None:
    found = document.mapping(node, ["receiver", "interval"], "route.watchdog")
    name = _receiver_named(document, node, found, "route.watchdog", receivers)
    every_ms = _MINUTE
    if "interval" in found:
        text = document.build(found["interval"], str, "route.watchdog.interval")
        try:
            every_ms = durations.given(text or "1m", "interval", least=10_000, most=60 * _MINUTE)
        except WrongSettings as error:
            document.complain(found["interval"], "route.watchdog.interval", error.problem, error.remedy)
    return Watched(name, receivers[name].channels, every_ms) if name in receivers else None


def _receivers(document: Document, node: yaml.Node) -> dict[str, Receiver]:
    receivers: dict[str, Receiver] = {}
    for item, at in document.listing(node, "receivers"):
        found = document.mapping(item, ["name", *_KINDS], at)
        name = document.build(found["name"], str, below(at, "name")) if "name" in found else None
        if "name" not in found:
            document.complain(item, below(at, "name"), "missing", "add name: …")
        elif name in receivers:
            document.complain(found["name"], below(at, "name"), f"a second receiver {name!r}", "give it another name")
        receivers[name or at] = Receiver(name or "", tuple(_channels(document, found, at)))
        if not any(getattr(found.get(key), "value", None) for key in _KINDS):
            document.complain(item, at, "reaches nobody", f"add one of {', '.join(_KINDS)}")
    return receivers


def _channels(document: Document, found: dict[str, yaml.Node], at: str) -> list[Channel]:
    channels: list[Channel] = []
    for key, kind in _KINDS.items():
        for item, place in document.listing(found[key], below(at, key)) if key in found else ():
            config = document.build(item, kind.config, place)
            added = kind.channels(config) if config is not None else ()
            twice = Counter(channel.name for channel in channels) & Counter(channel.name for channel in added)
            if twice:
                document.complain(item, place, f"the same address again: {', '.join(twice)}", "delete one of the two")
            channels += added
    return channels
