"""What finds one kind of text, and the cheap signs by which most lines are known to hold none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Found(NamedTuple):
    """A place in a text, `start` to `end` (exclusive), and what stands there in the one form that all its spellings share."""

    start: int
    end: int
    value: str


class Pattern(Protocol):
    """Finds one kind of text. Log text is written by attackers: the time must stay linear in its length, whatever it holds."""

    def suspected(self, signs: Signs) -> bool:
        """Whether a text may hold any; False is certain. If False for a text, it is False for every part of it."""

    def found(self, text: str) -> Iterator[Found]:
        """All of them, in their order, without overlap."""

    def named(self, name: str) -> bool:
        """Whether a field of this name holds one, whatever its value looks like."""


def _table(*classes: tuple[bytes, bytes], other: bytes = b"x") -> bytes:
    table = bytearray(other * 256)
    for members, written in classes:
        for member in members:
            table[member] = written[0]
    return bytes(table)


_DIGITS = b"0123456789"
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NUMBERS = _table((_DIGITS, b"0"), (b"+", b"+"))
_SHAPE = _table((_DIGITS, b"0"), (b"-", b"-"), (b"(", b"("), (b")", b")"), (b":", b":"))
_WORDS = bytes(range(256)).lower()
_NO_LETTERS = bytes(set(range(256)) - set(_LETTERS + b". "))
_RUNS = _table((_DIGITS + _LETTERS + b"_-", b"a"))


class Signs:
    """An ASCII text in the forms that make looking for signs quick: bytes are translated and searched by C, regular expressions are not.

    `words`: its letters in lower case, points and spaces, and nothing else. `numbers`: without separators; digits are `0`, `+` is
    itself, all else `x`. `shape`: digits are `0`, `-():` themselves, all else `x`. `runs`: what tokens are made of is `a`, all else `x`.
    """

    __slots__ = ("numbers", "runs", "shape", "text", "words")

    def __init__(self, text: str) -> None:
        data = text.encode()
        self.text = text
        self.words = data.translate(_WORDS, _NO_LETTERS).decode()
        spaced = data.replace(b"%20", b" ") if "%" in text else data
        self.numbers = spaced.translate(_NUMBERS, b" -._()")
        self.shape = data.translate(_SHAPE)
        self.runs = data.translate(_RUNS)

    @property
    def lower(self) -> str:
        """In lower case."""
        return self.text.lower()
