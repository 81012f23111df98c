"""Writes `jars.lock.toml` from `jars.toml`; run by whoever changes a version: python -m deploy.local.jar_lock

Each coordinate is resolved by itself, and the first to name an artifact decides its version: resolved together, jgo lets the
dependency management of any of them rule over the others (log4j's would put Kafka's own client library at 3.9).
"""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import Any

from deploy.local.jars import LOCK, sha256_of


def main() -> None:
    """Resolve, fetch and hash every jar of every server, then write the lock."""
    wanted = tomllib.loads(LOCK.with_name("jars.toml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        LOCK.write_text("\n".join(_section(server, entry["coordinates"], Path(folder)) for server, entry in wanted.items()))


def _section(server: str, coordinates: list[str], folder: Path) -> str:
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=folder, timeout=60)
    chosen: dict[tuple[str, str, str], Any] = {}
    for coordinate in coordinates:
        for artifact in _closure(context, coordinate):
            chosen.setdefault((artifact.groupId, artifact.artifactId, artifact.classifier), artifact)
    lines = sorted(f'"{_name(artifact)}" = "{sha256_of(Path(artifact.resolve()))}"' for artifact in chosen.values())
    return "\n".join([f"[{server}]", *lines, ""])


def _closure(context: Any, coordinate: str) -> list[Any]:
    top = context.create_dependency(coordinate)
    top.scope = "compile"
    inputs, behind = context.resolver.resolve([top])
    return [found.artifact for found in [*inputs, *behind] if found.scope in ("compile", "runtime")]


def _name(artifact: Any) -> str:
    return ":".join(filter(None, (artifact.groupId, artifact.artifactId, artifact.version, artifact.classifier)))


if __name__ == "__main__":
    main()
