"""What a masking policy costs: lines/s from bytes to records, without and with it, in turns: `python -m benchmarks.masking`.

No Kafka: parsing, identity, JSON and masking only, on one core, by CPU time. Access lines as `benchmarks.produce` writes them, the
same as JSON, and access lines of which each holds a mail address and a password. The `ratio` is with the policy over without.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import orjson

from benchmarks.produce import write
from producers.account import Account
from producers.checkpoint import Position
from producers.masking import PATTERNS
from producers.masking.mask import Mask
from producers.masking.policy import DEFAULT, Policy, read_policy
from producers.sources.lines import Chunk
from producers.translation import Translator

LINES, AT_ONCE, ROUNDS = 30_000, 1_000, 3
SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835
NOW = 1_795_262_400_000
POLICIES: dict[str, Policy] = {
    "default policy": read_policy(DEFAULT),
    "every kind hashed": Policy(dict.fromkeys(PATTERNS, "hash"), key=b"k" * 32),
    "default and client.address hashed": Policy(
        {**read_policy(DEFAULT).patterns}, {"client.address": "hash", "user.name": "hash"}, key=b"k" * 32, dead="drop"
    ),
}


@dataclass(frozen=True, slots=True)
class Input:
    """Lines of one form."""

    name: str
    form: str
    lines: list[bytes]


def main() -> None:
    for given in inputs():
        print(f"{given.name}: {sum(map(len, given.lines)) / len(given.lines):.0f} bytes a line")
        for name, policy in POLICIES.items():
            without, having = [], []
            for _ in range(ROUNDS):
                without.append(rate(given, None))
                having.append(rate(given, Mask(policy)))
            off, on = median(without), median(having)
            print(f"  {name:34} {on:9,.0f} lines/s, without {off:9,.0f}   ratio {on / off:.2f}   {1e6 / on - 1e6 / off:.1f} µs a line")
    print("target: default policy at least 0.6 of the producer's whole rate without it")


def inputs() -> list[Input]:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "log", LINES)
        access = (Path(folder) / "log").read_bytes().splitlines()
    as_json = [
        orjson.dumps({"time": "2026-11-21T12:00:00.000Z", "level": "info", "message": f"order {n} paid",
                      "trace_id": f"{n * SPREAD % 2**128:032x}",
                      "user_id": n % 997, "duration_ms": n % 700, "cart": {"items": n % 9, "sum": n % 5000 / 100}})
        for n in range(LINES)
    ]  # fmt: skip
    secret = [line.replace(b" HTTP/1.1", b"?to=jo%40example.com&password=hunter2 HTTP/1.1") for line in access]
    return [Input("access log", "access", access), Input("JSON log", "json", as_json), Input("secrets on each line", "access", secret)]


def rate(given: Input, mask: Mask | None) -> float:
    """Lines per CPU second."""
    text = SimpleNamespace(
        identity="bench", position=Position("bench", NOW), head=b"", high=None, last_time=None, begins_at=None, events=0, untimed=0,
        live=False, label="bench", fields={}, attributes={}, service=None,
    )  # fmt: skip
    translator = Translator("web", "web-1", given.form, Account(), mask=mask)
    began, offset = time.process_time(), 0
    for first in range(0, len(given.lines), AT_ONCE):
        lines = given.lines[first : first + AT_ONCE]
        end = offset + sum(map(len, lines)) + len(lines)
        translator.records(text, Chunk(offset, end, lines), NOW)
        offset = end
    return len(given.lines) / (time.process_time() - began)


if __name__ == "__main__":
    main()
