"""JSON as others write it, by name: which of their fields is which of ours. To add one: one line in SHAPES.

Names that OpenTelemetry, ECS, nginx and common loggers use are understood without a shape (`producers.parsers.names`); a shape
says what is left: where a shipper puts the line, the host, the service, the pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import yaml

from logverse.errors import WrongSettings
from logverse.event import FIELDS

# What a field map may name beside logverse.event.FIELDS; any other name becomes an attribute.
OWN = ("timestamp", "body", "severity_text", "severity_number", "service.name", "log.type", "log.record.uid")


@dataclass(frozen=True, slots=True)
class Shape:
    """`fields`: their dotted name and ours, the first that is there wins. `wraps`: the body is a whole log line, with a form of its own."""

    fields: tuple[tuple[str, str], ...] = ()
    wraps: bool = False


# Fluent Bit's and Fluentd's Kubernetes filter.
_POD = (
    ("kubernetes.labels.app.kubernetes.io/name", "service.name"), ("kubernetes.labels.app", "service.name"),
    ("kubernetes.container_name", "service.name"), ("kubernetes.host", "host.name"),
    ("kubernetes.namespace_name", "k8s.namespace.name"), ("kubernetes.pod_name", "k8s.pod.name"), ("kubernetes.pod_id", "k8s.pod.uid"),
    ("kubernetes.container_image", "container.image.name"), ("kubernetes.docker_id", "container.id"),
)  # fmt: skip
_VECTOR_POD = (
    ("kubernetes.pod_labels.app.kubernetes.io/name", "service.name"), ("kubernetes.pod_labels.app", "service.name"),
    ("kubernetes.container_name", "service.name"), ("kubernetes.pod_node_name", "host.name"),
    ("kubernetes.pod_namespace", "k8s.namespace.name"), ("kubernetes.pod_name", "k8s.pod.name"), ("kubernetes.pod_uid", "k8s.pod.uid"),
    ("kubernetes.container_image", "container.image.name"), ("kubernetes.container_id", "container.id"),
)  # fmt: skip
# Elastic's agents, which add Kubernetes metadata under ECS-like names.
_BEATS_POD = (
    ("kubernetes.labels.app_kubernetes_io/name", "service.name"), ("kubernetes.container.name", "service.name"),
    ("kubernetes.node.name", "host.name"), ("kubernetes.namespace", "k8s.namespace.name"), ("kubernetes.pod.name", "k8s.pod.name"),
    ("kubernetes.pod.uid", "k8s.pod.uid"),
)  # fmt: skip

SHAPES: dict[str, Shape] = {
    "auto": Shape(),
    "ecs": Shape((("log.file.path", "log.file.path"), ("event.original", "log.record.original"), ("host.name", "host.name"))),
    "otel": Shape((("observedTimeUnixNano", "timestamp"),)),
    "nginx-json": Shape((("http_x_request_id", "trace_id"), ("upstream_addr", "nginx.upstream.address"), ("server_name", "service.name"))),
    "kubernetes": Shape((("log", "body"), ("time", "timestamp"), *_POD, *_BEATS_POD), wraps=True),
    "vector": Shape((("host", "host.name"), ("file", "log.file.path"), ("source_type", "vector.source_type"), *_VECTOR_POD), wraps=True),
    "fluent-bit": Shape((("log", "body"), ("date", "timestamp"), ("tag", "fluent.tag"), *_POD), wraps=True),
}


def shaped(flat: Mapping[str, object], shape: Shape) -> dict[str, object]:
    """The same members under our names. One whose place is taken stays what it was.

    >>> shaped({"log": "GET /", "stream": "stdout"}, SHAPES["fluent-bit"])
    {'stream': 'stdout', 'body': 'GET /'}
    """
    found = dict(flat)
    for theirs, ours in shape.fields:
        if theirs in found and (theirs == ours or ours not in found):
            found[ours] = found.pop(theirs)
    return found


def named(name: str, own: tuple[tuple[str, str], ...], where: str) -> Shape:
    """The shape of this name, the user's own map of fields before it. WrongSettings when there is none."""
    if name not in SHAPES:
        near = get_close_matches(name, SHAPES, 1)
        remedy = f"did you mean {near[0]}?" if near else f"one of {', '.join(SHAPES)}, or a YAML file of your field names"
        raise WrongSettings(f"no shape {name[:60]!r}", where=where, remedy=remedy)
    return Shape((*_checked(own, where), *SHAPES[name].fields), SHAPES[name].wraps)


def field_map(path: Path) -> tuple[tuple[str, str], ...]:
    """Lines of THEIR.NAME: OUR.NAME. WrongSettings names the file and the line."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise WrongSettings(
            f"cannot be read: {error.strerror}", where=str(path), remedy=f"name a file, or one of {', '.join(SHAPES)}"
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise WrongSettings(f"not YAML: {error}", where=str(path), remedy="lines of THEIR.NAME: OUR.NAME") from error
    if not isinstance(root, yaml.MappingNode) or not all(isinstance(value, yaml.ScalarNode) for _, value in root.value):
        raise WrongSettings("no map of fields", where=str(path), remedy="lines of THEIR.NAME: OUR.NAME, like ts: timestamp")
    return _checked(tuple((str(key.value), str(value.value)) for key, value in root.value), str(path))


def _checked(own: tuple[tuple[str, str], ...], where: str) -> tuple[tuple[str, str], ...]:
    """A name that is nearly one of ours is a slip; any other is an attribute, and meant."""
    known = (*OWN, *FIELDS)
    for theirs, ours in own:
        near = get_close_matches(ours, known, 1, cutoff=0.85)
        if ours not in known and near:
            raise WrongSettings(f"{theirs}: {ours} is no field", where=where, remedy=f"did you mean {near[0]}?")
    return own
