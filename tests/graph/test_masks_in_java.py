"""The masks as Java runs them, which is what masks in the job: the same text comes out as in Python."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from flink_jobs.patterns.masks import MASKS, READ, masked

LOGS = Path(__file__).parents[2].parent / "shared" / "data" / "loghub_2k"
SIGNS = "0123456789abcdefxzABF:.-_/@'\"<*> \n\t,+T%JanMoue[]{}$\\µ\u0661😀\0"


def bodies() -> list[str]:
    """Real lines, made up ones, and long ones made to be looked at again and again."""
    real = [
        row["Content"]
        for path in sorted(LOGS.glob("*/*structured.csv"))
        for row in list(csv.DictReader(path.open(newline="", encoding="utf-8")))[::20]
    ]
    chance = random.Random(7)
    made = ["".join(chance.choices(SIGNS, k=chance.randrange(1, 120))) for _ in range(500)]
    long = ["1." * READ, "a:" * READ, '"x' * READ, "blk_1 " * READ, "<*> " * READ, "f" * READ + "1", "1-a@" * READ, "\n" * READ]
    return [text[:READ] for text in real + made + long]


@pytest.mark.flink
def test_java_masks_as_python_does():
    """Of real, made up and hostile lines Java's matcher makes the same, and runs out of no stack."""
    from pyflink.java_gateway import get_gateway

    jvm = get_gateway().jvm
    compiled = [(jvm.java.util.regex.Pattern.compile(mask.pattern), mask.replacement) for mask in MASKS]

    def in_java(text: str) -> str:
        for pattern, replacement in compiled:
            text = pattern.matcher(text).replaceAll(replacement)
        return text

    given = bodies()
    different = [text for text in given if in_java(text)[:1000] != masked(text)]

    assert len(given) > 500
    assert different == []
