"""What the user may set, read once at the start: flag over environment over file over default.

The environment's name of a setting is `LOGVERSE_` and its name in capitals; the file is `logverse.yaml` in the home folder
(or what LOGVERSE_CONFIG names). A secret is only ever the name of a file that holds it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson
import yaml

from logverse import durations
from logverse.errors import WrongSettings

_ONE_OF = {
    "security_protocol": ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    "sasl_mechanism": ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    "hdfs_security": ("simple", "kerberos"),
}
# Setting → endpoint of the embedded stack.
_EMBEDDED = {"bootstrap_servers": "kafka", "jobmanager": "jobmanager", "cassandra_hosts": "cassandra", "mongodb_hosts": "mongodb"}
STORES = ("cassandra", "mongodb")
SHORTEST_KEPT, LONGEST_KEPT = durations.read("1m"), durations.read("20y")  # Cassandra's own longest time to live


def _setting(default: str, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True)
class Settings:
    """Where Kafka, Flink and the stores are, how to get in, and what history keeps. Empty addresses mean the embedded stack of `home`."""

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
    store: str = _setting("cassandra", "where history is kept: cassandra, mongodb, or both with a comma; queries ask the first")
    cassandra_hosts: str = _setting("", "Cassandra, HOST:PORT,…; default: the embedded stack's")
    cassandra_keyspace: str = _setting("logverse", "keyspace of the history; a topic prefix adds _PREFIX")
    cassandra_username: str = _setting("", "user name at Cassandra; none: it asks for none")
    cassandra_password_file: str = _setting("", "file that holds the password at Cassandra")
    cassandra_ca_file: str = _setting("", "certificate authority of Cassandra, PEM; naming one turns TLS on")
    mongodb_hosts: str = _setting("", "MongoDB, HOST:PORT,…; default: the embedded stack's, when it has one")
    mongodb_database: str = _setting("logverse", "database of the history; a topic prefix adds _PREFIX")
    mongodb_username: str = _setting("", "user name at MongoDB (of its database admin); none: it asks for none")
    mongodb_password_file: str = _setting("", "file that holds the password at MongoDB")
    mongodb_ca_file: str = _setting("", "certificate authority of MongoDB, PEM; naming one turns TLS on")
    store_http: str = _setting("all", "which http events go into the store: all, none, errors or errors+N%")
    store_error: str = _setting("all", "which error events go into the store")
    store_activity: str = _setting("all", "which activity events go into the store")
    keep_http: str = _setting("30d", "how long the store keeps http events")
    keep_error: str = _setting("90d", "how long the store keeps error events")
    keep_activity: str = _setting("180d", "how long the store keeps activity events")
    keep_alerts: str = _setting("400d", "how long the store keeps alerts")
    keep_anomalies: str = _setting("90d", "how long the store keeps anomalies")
    keep_series_1s: str = _setting("6h", "how long the store keeps series by the second")
    keep_series_1m: str = _setting("30d", "how long the store keeps series by the minute")
    keep_series_1h: str = _setting("2y", "how long the store keeps series by the hour")

    backup_target: str = _setting("", "where archives lie: a folder, hdfs://HOST:PORT,…/FOLDER (WebHDFS) or s3://BUCKET/PREFIX")
    backup_schedule: str = _setting("7 * * * *", "when `logverse backup schedule` backs up: a cron expression, in UTC")
    backup_keep: str = _setting("", "how long the archive keeps what Kafka appended; empty: for ever")
    hdfs_user: str = _setting("", "user name at HDFS; default: whoever runs the command")
    hdfs_security: str = _setting("simple", "how HDFS knows us: simple or kerberos")
    s3_endpoint: str = _setting("", "address of an S3-compatible store, https://HOST; default: Amazon's")
    s3_region: str = _setting("us-east-1", "region of the bucket")
    s3_access_key_file: str = _setting("", "file that holds the access key of the bucket")
    s3_secret_key_file: str = _setting("", "file that holds the secret key of the bucket")

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
    named, home = environ.get("LOGVERSE_CONFIG"), _folder(values["home"], origin["home"])
    path = Path(named) if named else home / "logverse.yaml"
    for name, value in _file(path, names, must_exist=bool(named)).items():
        take(name, value, str(path))
    for name in names:
        take(name, environ.get(f"LOGVERSE_{name.upper()}"), f"LOGVERSE_{name.upper()}")
        take(name, flags.get(name), f"--{name.replace('_', '-')}")
    endpoints = embedded_endpoints(_folder(values["home"], origin["home"]))
    for name, key in _EMBEDDED.items():
        if not values[name] and key in endpoints:
            take(name, endpoints[key], "embedded stack")
    if not values["backup_target"] and "namenode" in endpoints:
        take("backup_target", f"hdfs://{endpoints['namenode']}/logverse", "embedded stack")
    for name, allowed in _ONE_OF.items():
        if values[name] not in allowed:
            raise WrongSettings(f"{name} is {values[name]!r}", where=origin[name], remedy=_nearest(values[name].upper(), allowed))
    _stores(values["store"], origin["store"])
    for name in names:
        if name.startswith("keep_"):
            durations.given(values[name], origin[name], name, SHORTEST_KEPT, LONGEST_KEPT)
    return Settings(**values), origin


def _stores(text: str, where: str) -> None:
    named = [name.strip() for name in text.split(",")]
    for name in named:
        if name not in STORES:
            raise WrongSettings(f"store is {text[:60]!r}", where=where, remedy="cassandra, mongodb, or cassandra,mongodb")
    if len(set(named)) < len(named):
        raise WrongSettings(f"store is {text[:60]!r}: each once", where=where, remedy="cassandra,mongodb")


def embedded_endpoints(home: Path) -> dict[str, str]:
    """Addresses of the embedded stack of this home (`kafka`, `jobmanager`, `cassandra`, …: HOST:PORT); empty when there is none."""
    try:
        found: dict[str, str] = orjson.loads((home / "endpoints.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return {}
    except OSError as error:
        raise WrongSettings(f"cannot be read: {error.strerror}", where=str(home / "endpoints.json")) from error
    return found


def brokers(settings: Settings) -> str:
    """The brokers' addresses, or WrongSettings with the way to have some."""
    if not settings.bootstrap_servers:
        raise WrongSettings(
            f"no Kafka to talk to: no embedded stack in {settings.home_path} and no bootstrap_servers set",
            remedy="start one with `logverse up`, or name yours: --bootstrap-servers HOST:PORT",
        )
    return settings.bootstrap_servers


def _folder(home: str, origin: str) -> Path:
    try:
        folder = Path(home).expanduser()
    except RuntimeError as error:  # ~nobody
        raise WrongSettings(f"home is {home!r}: {error}", where=origin, remedy="name a folder of yours") from error
    if folder.exists() and not folder.is_dir():
        raise WrongSettings(f"home is {home!r}, which is no folder", where=origin, remedy="name a folder, or one that may be created")
    return folder


def _file(path: Path, names: list[str], must_exist: bool) -> dict[str, str]:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        if must_exist:
            raise WrongSettings("no such file", where=f"LOGVERSE_CONFIG {path}", remedy="create it or unset LOGVERSE_CONFIG") from None
        return {}
    except OSError as error:
        raise WrongSettings(f"cannot be read: {error.strerror}", where=str(path), remedy="make it a file that you may read") from error
    except UnicodeDecodeError as error:
        raise WrongSettings(f"not UTF-8 text: {error.reason} at byte {error.start}", where=str(path), remedy="save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise WrongSettings(f"not YAML: {error}", where=str(path)) from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise WrongSettings("not a mapping of settings", where=str(path), remedy="lines of NAME: VALUE")
    return {name: value for key, node in root.value for name, value in [_entry(path, key, node, names)] if value is not None}


def _entry(path: Path, key: yaml.Node, node: yaml.Node, names: list[str]) -> tuple[str, str | None]:
    """One line of the file, the value as it is written; None for an empty one, which means: not set."""
    name, where = str(key.value), f"{path}:{key.start_mark.line + 1}"
    if name not in names:
        raise WrongSettings(f"unknown setting {name!r}", where=where, remedy=_nearest(name, names))
    if not isinstance(node, yaml.ScalarNode):
        raise WrongSettings("must be one value, not a list or a mapping", where=f"{where} {name}", remedy=f"{name}: VALUE")
    return name, None if node.tag == "tag:yaml.org,2002:null" else str(node.value)


def _nearest(wrong: str, known: Sequence[str]) -> str:
    near = get_close_matches(wrong, known, 1)
    return f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
