"""How often a keyspace is copied, and where: `--replication` in words, and as Cassandra has it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from logverse.errors import WrongSettings

FLAG = "--replication"
FORM = "DC=COPIES,DC=COPIES with the data centres of `nodetool status`, such as dc1=3"


def wanted(text: str, nodes: int) -> dict[str, str]:
    """The replication that the flag asks for; without it one copy, where there is one node to have it. WrongSettings.

    >>> wanted("dc1=3,dc2=2", nodes=6)
    {'class': 'NetworkTopologyStrategy', 'dc1': '3', 'dc2': '2'}
    """
    if not text and nodes > 1:
        raise WrongSettings(f"{nodes} nodes, and nothing says how many of them keep a copy", where=FLAG, remedy=FORM)
    if not text:
        return {"class": "SimpleStrategy", "replication_factor": "1"}
    found = [re.fullmatch(r"\s*([\w.-]+)=([1-9]\d?)\s*", part, re.ASCII) for part in text.split(",")]
    if not all(found) or len({one[1] for one in found if one}) < len(found):
        raise WrongSettings(f"{text[:60]!r} says no copies", where=FLAG, remedy=FORM)
    return {"class": "NetworkTopologyStrategy"} | {one[1]: one[2] for one in found if one}


def creation(keyspace: str, copies: Mapping[str, str]) -> str:
    """The statement that makes the keyspace."""
    return f"CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {{{_written(copies)}}}"


def must_agree(keyspace: str, there: Mapping[str, str], copies: Mapping[str, str]) -> None:
    """WrongSettings when a keyspace that is there is copied otherwise: changing that moves data, and is the operator's to decide."""
    if {**there, "class": there["class"].rpartition(".")[2]} != dict(copies):
        change = f"ALTER KEYSPACE {keyspace} WITH replication = {{{_written(copies)}}}"
        raise WrongSettings(
            f"keyspace {keyspace} is there with {_written(there)}",
            where=FLAG,
            remedy=f"leave the flag out; or {change}, then nodetool repair",
        )


def _written(copies: Mapping[str, str]) -> str:
    return ", ".join(f"'{name}': '{value}'" for name, value in copies.items())
