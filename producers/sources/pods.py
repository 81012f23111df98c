"""Whose log a container's file is: Kubernetes and Docker say it in the path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

_NAME = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
# /var/log/pods/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log, and what rotation makes of it
_POD = re.compile(
    rf".*/(?P<namespace>{_NAME})_(?P<pod>{_NAME})_(?P<uid>[0-9a-f-]{{32,36}})/(?P<container>{_NAME})/(?P<restarts>\d{{1,6}})\.log.*",
    re.ASCII,
)
# /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log, links to the above
_LINK = re.compile(rf".*/(?P<pod>{_NAME})_(?P<namespace>{_NAME})_(?P<container>{_NAME})-(?P<id>[0-9a-f]{{64}})\.log.*", re.ASCII)
# /var/lib/docker/containers/ID/ID-json.log
_DOCKER = re.compile(r"(?P<folder>.*/(?P<id>[0-9a-f]{64}))/(?P=id)-json\.log.*", re.ASCII)
_ATTRIBUTES = {
    "namespace": "k8s.namespace.name", "pod": "k8s.pod.name", "uid": "k8s.pod.uid", "container": "k8s.container.name",
    "restarts": "k8s.container.restart_count", "id": "container.id",
}  # fmt: skip


class Container(NamedTuple):
    """What stands in each event: attributes with OpenTelemetry's names, and the service, which is the container's name."""

    attributes: Mapping[str, Any]
    service: str | None


_NONE = Container({}, None)


@lru_cache(maxsize=4096)
def container_of(path: str) -> Container:
    """The container whose log this is; none for any other file.

    >>> container_of("/var/log/pods/shop_pay-7f_0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f/pay/0.log").service
    'pay'
    """
    if match := _POD.fullmatch(path) or _LINK.fullmatch(path):
        found = match.groupdict()
        attributes = {_ATTRIBUTES[name]: int(text) if name == "restarts" else text for name, text in found.items()}
        return Container(attributes, found["container"])
    if match := _DOCKER.fullmatch(path):
        name = _docker_name(Path(match["folder"]))
        return Container({"container.id": match["id"], **({"container.name": name} if name else {})}, name)
    return _NONE


def _docker_name(folder: Path) -> str | None:
    """Docker keeps it beside the log, for root to read."""
    with suppress(OSError, orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
        return str(orjson.loads((folder / "config.v2.json").read_bytes())["Name"]).lstrip("/")[:100] or None
    return None
