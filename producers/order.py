"""What a producer is told to do: by a command line or by producers.yaml, already understood."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from producers.masking.policy import Policy


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files of a listener: its certificate and key, and the authority whose clients alone may come in (None: anybody)."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class InputOrder:
    """One input: what to read, as whose, and how. Two that are equal are the same input, over a reload too.

    `addresses`: files and globs, or one of what `producers.sources.addresses` understands. `host` None: the one that the
    checkpoint is of, this one when there is none. `shape` and `group` are for Kafka topics.
    """

    name: str
    service: str
    addresses: tuple[str, ...]
    checkpoint: Path
    log_type: str = "auto"
    host: str | None = None
    tls: Tls | None = None
    shape: str = "auto"
    field_map: tuple[tuple[str, str], ...] = ()
    group: str = ""
    senders: tuple[str, ...] = ()  # networks that may send; none: the whole of what can reach the address
    masking: Policy | None = None  # as its file said when it was read: another text, another input
    zone: str = ""  # of times that name none; nobody said: UTC, and the user is told
    year: int | None = None  # of the first line, when its lines name none; None: from the file's own times


@dataclass(frozen=True, slots=True)
class Limits:
    """What a producer may use at most: memory for what is on its way, connections to listeners, in all."""

    bytes_in_flight: int = 24 * 1024 * 1024
    bytes_waiting: int = 16 * 1024 * 1024  # taken in by a listener and not sent yet, of each
    connections: int = 512  # of each listener
    files: int = 4096  # open at once, of the process


@dataclass(frozen=True, slots=True)
class Order:
    """All inputs of one producer. `config`: the file they came from, read again when it changes."""

    name: str
    inputs: tuple[InputOrder, ...]
    follow: bool
    poll_s: float
    watermark_delay_s: float
    metrics_port: int | None
    status: Path
    config: Path | None = None
    limits: Limits = Limits()
    prefix: str = ""  # of the topics
