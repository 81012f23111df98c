"""The write protocol: what a backup does, in this order, and announces before it does it. Killed anywhere, nothing wrong is promised."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias


class Step(IntEnum):
    """Numbered. 1 to 5 for each file, 6 to 8 for each manifest; several files may be on their way at a time."""

    about: str

    def __new__(cls, number: int, about: str) -> Step:
        made = int.__new__(cls, number)
        made._value_, made.about = number, about
        return made

    READ = 1, "Records are read from Kafka into a Parquet file in the spool folder of this machine."
    CLOSE = 2, "The file gets its footer, and does not change any more; its sha256 and the CRC-32 of each row group are worked out."
    UPLOAD = 3, "The file is written to the target, under a temporary name."
    READ_BACK = 4, "Every byte of it is read back from there: its sha256 must be the same."
    PUBLISH = 5, "It gets its final name; nothing is overwritten. No manifest knows it yet: the next backup finds and adopts it."
    WRITE_MANIFEST = 6, "The manifest with the next number is written to the target, under a temporary name."
    READ_MANIFEST_BACK = 7, "It is read back, and must be the same."
    PUBLISH_MANIFEST = 8, "It gets its number, which only one can have: from here on the archive promises what it says."
    CLEAN = 9, "The spool folder is deleted, and what a killed backup left under temporary names."


Announce: TypeAlias = Callable[[Step, str], None]
"""Called before each step with the file or manifest that it is about."""
