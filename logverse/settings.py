"""What the user may set, read once at the start: flag over environment over file over default.

The environment's name of a setting is `LOGVERSE_` and its name in capitals; the file is `logverse.yaml` in the home folder
(or what LOGVERSE_CONFIG names). A secret is only ever the name of a file that holds it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson
import yaml

from logverse.errors import WrongSettings


def _setting(default: str, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True)
class Settings:
    """Where Kafka and Flink are, and how to get in. Empty addresses mean the embedded stack of `home`."""

    home: str = _setting("~/.logverse", "folder of the embedded stack: its data, logs and addresses")
    bootstrap_servers: str = _setting("", "Kafka brokers, HOST:PORT,…; default: the embedded stack's")
    jobmanager: str = _setting("", "REST address of Flink's JobManager, HOST:PORT; default: the embedded stack's")
    topic_prefix: str = _setting("", "puts PREFIX. before every topic: a set of its own")
    security_protocol: str = _setting("PLAINTEXT", "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
    ssl_ca_file: str = _setting("", "certificate authority of the brokers, PEM")
    ssl_certificate_file: str = _setting("", "our certificate, PEM")
    ssl_key_file: str = _setting("", "our key, PEM")
    sasl_mechanism: str = _setting("SCRAM-SHA-512", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
    sasl_username: str = _setting("", "user name at the brokers")
    sasl_password_file: str = _setting("", "file that holds the password at the brokers")

    @property
    def home_path(self) -> Path:
        return Path(self.home).expanduser().absolute()


def load(flags: Mapping[str, str | None] = {}, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. WrongSettings names the variable or the file's field that cannot be."""
    return loaded(flags, environ)[0]


def loaded(flags: Mapping[str, str | None], environ: Mapping[str, str]) -> tuple[Settings, dict[str, str]]:
    """The settings in force, and for each where it came from."""
    names = [item.name for item in fields(Settings)]
    values = {item.name: str(item.default) for item in fields(Settings)}
    origin = dict.fromkeys(names, "default")

    def take(name: str, value: str | None, source: str) -> None:
        if value is not None:
            values[name], origin[name] = value, source

    take("home", environ.get("LOGVERSE_HOME"), "LOGVERSE_HOME")
    take("home", flags.get("home"), "--home")
    path = Path(environ.get("LOGVERSE_CONFIG") or Path(values["home"]).expanduser() / "logverse.yaml")
    for name, value in _file(path, names, must_exist="LOGVERSE_CONFIG" in environ).items():
        take(name, value, str(path))
    for name in names:
        take(name, environ.get(f"LOGVERSE_{name.upper()}"), f"LOGVERSE_{name.upper()}")
        take(name, flags.get(name), f"--{name.replace('_', '-')}")
    endpoints = embedded_endpoints(Path(values["home"]).expanduser())
    for name, key in (("bootstrap_servers", "kafka"), ("jobmanager", "jobmanager")):
        if not values[name] and key in endpoints:
            take(name, endpoints[key], "embedded stack")
    protocol = values["security_protocol"]
    if protocol not in ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"):
        raise WrongSettings(
            f"security_protocol is {protocol!r}",
            where=origin["security_protocol"],
            remedy="one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
        )
    return Settings(**values), origin


def embedded_endpoints(home: Path) -> dict[str, str]:
    """Addresses of the embedded stack of this home (`kafka`, `jobmanager`: HOST:PORT); empty when there is none."""
    try:
        found: dict[str, str] = orjson.loads((home / "endpoints.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return {}
    return found


def brokers(settings: Settings) -> str:
    """The brokers' addresses, or WrongSettings with the way to have some."""
    if not settings.bootstrap_servers:
        raise WrongSettings(
            f"no Kafka to talk to: no embedded stack in {settings.home_path} and no bootstrap_servers set",
            remedy="start one with `logverse up`, or name yours: --bootstrap-servers HOST:PORT",
        )
    return settings.bootstrap_servers


def _file(path: Path, names: list[str], must_exist: bool) -> dict[str, str]:
    try:
        text = path.read_text()
    except FileNotFoundError:
        if must_exist:
            raise WrongSettings("no such file", where=f"LOGVERSE_CONFIG {path}", remedy="create it or unset LOGVERSE_CONFIG") from None
        return {}
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise WrongSettings(f"not YAML: {error}", where=str(path)) from error
    if not isinstance(content, dict):
        raise WrongSettings("not a mapping of settings", where=str(path), remedy="lines of NAME: VALUE")
    for name in content:
        if name not in names:
            raise WrongSettings(f"unknown setting {name!r}", where=str(path), remedy=f"one of {', '.join(names)}")
    return {name: str(value) for name, value in content.items()}
