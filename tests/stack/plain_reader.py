"""A reader of access logs that shares no code with the product: what its counts are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pytest
import zstandard

DATA = Path(__file__).parents[3] / "shared" / "data" / "http"


def real_log(name: str) -> bytes:
    """The text of `../shared/data/http/NAME_logs.log.zst`; the test is skipped where it is not."""
    path = DATA / f"{name}_logs.log.zst"
    if not path.exists():
        pytest.skip("../shared/data is not beside the checkout")
    return zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()


def seconds(lines: Iterable[bytes]) -> Counter[int]:
    """How many lines each second has (milliseconds UTC), by the time between the first brackets."""
    return Counter(int(datetime.strptime(_time(line), "%d/%b/%Y:%H:%M:%S %z").timestamp()) * 1000 for line in lines)


def _time(line: bytes) -> str:
    return line.split(b"[", 1)[1].split(b"]", 1)[0].decode()
