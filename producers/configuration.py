"""producers.yaml: several inputs of one producer. Every mistake is named with its line and its remedy."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from logverse import durations
from logverse.errors import WrongSettings
from producers import forms, shapes
from producers.assembly import memory
from producers.masking.policy import Policy, named_policy
from producers.order import InputOrder, Limits, Order, Tls
from producers.parsers.local_time import zone_named
from producers.parsers.pattern import is_file
from producers.sources import addresses

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_TOP = ("inputs", "limits", "poll", "watermark_delay", "metrics_port", "masking")
_INPUT = ("read", "service", "type", "host", "checkpoint", "tls", "from", "shape", "fields", "group", "timezone", "year", "masking")
_TLS = ("certificate", "key", "client_ca")
_LIMITS = ("bytes_in_flight", "bytes_waiting", "connections", "files")
_SIZE = re.compile(r"(\d{1,12})\s*(KiB|MiB|GiB)?", re.ASCII)
_UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def read(path: Path, home: Path, status: Path, prefix: str = "") -> Order:
    """The order that this file gives. `prefix`: of the topics, and of the checkpoints' names with it."""
    return _Reader(path).order(home, status, prefix)


def again(order: Order) -> Order:
    """The order that its file gives now."""
    if order.config is None:
        raise AssertionError("an order without a file has nothing to be read again")
    return read(order.config, order.status.parent.parent, order.status, order.prefix)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def order(self, home: Path, status: Path, prefix: str) -> Order:
        top = self._mapping(self._root(), _TOP)
        if "inputs" not in top:
            raise self._wrong(None, "has no inputs", "inputs:\n      web: {read: /var/log/nginx/access.log}")
        named = self._mapping(top["inputs"], None)
        of_all = self._policy(top.get("masking"))
        inputs = tuple(self._input(name, node, home, prefix) for name, node in named.items())
        inputs = tuple(replace(one, masking=one.masking or of_all) for one in inputs)
        for one in inputs:
            shapes.named(one.shape, one.field_map, f"{self._path} {one.name}")
            addresses.understood(one.addresses)
        port = self._number(top["metrics_port"], 0, 65535) if "metrics_port" in top else None
        name = f"{prefix}.{self._path.stem}" if prefix else self._path.stem
        return Order(
            name, inputs, True, self._span(top.get("poll"), "200ms", 10), self._span(top.get("watermark_delay"), "1s", 1), port,
            status, self._path, self._limits(top["limits"]) if "limits" in top else Limits(), prefix,
        )  # fmt: skip

    def _input(self, name: str, node: yaml.Node, home: Path, prefix: str) -> InputOrder:
        if not NAME.fullmatch(name):
            raise self._wrong(node, f"{name[:60]!r} is no name of an input", "letters, digits, `.`, `_`, `-`; like web-frontend")
        given = self._mapping(node, _INPUT)
        if "read" not in given:
            raise self._wrong(
                node, f"{name} reads nothing", "read: a file, a glob, a list of these, or an address like syslog://127.0.0.1:1514"
            )
        service = self._text(given["service"]) if "service" in given else name
        if not NAME.fullmatch(service):
            raise self._wrong(
                given["service"], f"{service[:60]!r} is no name of a service", "letters, digits, `.`, `_`, `-`; like web-frontend"
            )
        whole = f"{prefix}.{name}" if prefix else name
        order = InputOrder(
            name, service, self._addresses(given["read"]),
            self._file(given["checkpoint"]) if "checkpoint" in given else memory(home, whole),
            host=self._text(given["host"]) if "host" in given else None,
            tls=self._tls(given["tls"]) if "tls" in given else None,
            senders=tuple(self._network(item) for item in self._items(given["from"])) if "from" in given else (),
        )  # fmt: skip
        return self._formed(order, given)

    def _formed(self, order: InputOrder, given: dict[str, yaml.Node]) -> InputOrder:
        fields = self._mapping(given["fields"], None) if "fields" in given else {}
        return replace(
            order,
            log_type=self._form(given["type"]) if "type" in given else "auto",
            shape=self._text(given["shape"]) if "shape" in given else "auto",
            field_map=tuple((theirs, self._text(ours)) for theirs, ours in fields.items()),
            group=self._text(given["group"]) if "group" in given else "",
            masking=self._policy(given.get("masking")),
            **self._dated(given),
        )

    def _addresses(self, node: yaml.Node) -> tuple[str, ...]:
        """Files are named from where the YAML file is: whoever starts us may be anywhere."""
        texts = [self._text(item) for item in self._items(node)]
        return tuple(text if text == "-" or "://" in text else str((self._path.parent / text).absolute()) for text in texts)

    def _form(self, node: yaml.Node) -> str:
        form = str(self._file(node)) if is_file(self._text(node)) else self._text(node)
        forms.check(form, self._place(node))
        return form

    def _dated(self, given: dict[str, yaml.Node]) -> dict[str, Any]:
        """What the times of its lines leave out."""
        zone = self._text(given["timezone"]) if "timezone" in given else ""
        zone_named(zone or "UTC", self._place(given.get("timezone")))
        return {"zone": zone, "year": self._number(given["year"], 1970, 9999) if "year" in given else None}

    def _policy(self, node: yaml.Node | None) -> Policy | None:
        return None if node is None else named_policy(self._text(node), self._path.parent)

    def _tls(self, node: yaml.Node) -> Tls:
        given = self._mapping(node, _TLS)
        if not {"certificate", "key"} <= set(given):
            raise self._wrong(node, "a certificate and its key go together", "tls: {certificate: server.pem, key: server.key}")
        return Tls(
            self._file(given["certificate"]), self._file(given["key"]), self._file(given["client_ca"]) if "client_ca" in given else None
        )

    def _limits(self, node: yaml.Node) -> Limits:
        given = self._mapping(node, _LIMITS)
        sizes = {name: self._size(value) for name, value in given.items() if name.startswith("bytes_")}
        counts = {name: self._number(value, 1, 1_000_000) for name, value in given.items() if not name.startswith("bytes_")}
        return Limits(**sizes, **counts)

    def _size(self, node: yaml.Node) -> int:
        match = _SIZE.fullmatch(self._text(node))
        size = int(match[1]) * _UNITS[match[2] or ""] if match else 0
        if not 1024**2 <= size <= 1024**3:
            raise self._wrong(node, f"{self._text(node)[:40]!r} is no size that works", "from 1MiB to 1GiB, like 24MiB")
        return size

    def _number(self, node: yaml.Node, least: int, most: int) -> int:
        text = self._text(node)
        if not text.isdecimal() or not text.isascii() or not least <= int(text) <= most:
            raise self._wrong(node, f"{text[:40]!r} is no number that works", f"from {least} to {most}")
        return int(text)

    def _span(self, node: yaml.Node | None, usual: str, least: int) -> float:
        return durations.given(usual if node is None else self._text(node), self._place(node), least=least) / 1000

    def _network(self, node: yaml.Node) -> str:
        try:
            return str(ipaddress.ip_network(self._text(node), strict=False))
        except ValueError as error:
            raise self._wrong(node, str(error), "from: [10.0.0.0/8, 192.168.7.4]") from None

    def _file(self, node: yaml.Node) -> Path:
        return (self._path.parent / Path(self._text(node)).expanduser()).absolute()

    def _items(self, node: yaml.Node) -> list[yaml.Node]:
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not items:
            raise self._wrong(node, "is empty", "at least one")
        return list(items)

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.value == "":
            raise self._wrong(node, "must be one value", "NAME: VALUE")
        return str(node.value)

    def _mapping(self, node: yaml.Node, known: tuple[str, ...] | None) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._wrong(node, "must be a mapping", "lines of NAME: VALUE")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if known is not None and name not in known:
                near = get_close_matches(name, known, 1)
                raise self._wrong(key, f"unknown key {name[:60]!r}", f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}")
            if name in found:
                raise self._wrong(key, f"{name[:60]!r} stands there twice", "leave one of them out")
            found[name] = value
        return found

    def _root(self) -> yaml.Node:
        try:
            root = yaml.compose(self._path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except OSError as error:
            raise self._wrong(None, f"cannot be read: {error.strerror}", "name a file that you may read") from error
        except UnicodeDecodeError as error:
            raise self._wrong(None, f"not UTF-8 text: {error.reason} at byte {error.start}", "save it as UTF-8") from error
        except yaml.YAMLError as error:
            raise self._wrong(None, f"not YAML: {error}", "see docs/producers.md") from error
        return yaml.MappingNode("", []) if root is None else root

    def _place(self, node: yaml.Node | None) -> str:
        return str(self._path) if node is None or node.start_mark is None else f"{self._path}:{node.start_mark.line + 1}"

    def _wrong(self, node: yaml.Node | None, problem: str, remedy: str) -> WrongSettings:
        return WrongSettings(problem, where=self._place(node), remedy=remedy)
