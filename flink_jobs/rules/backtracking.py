"""Regular expressions that would burn a core: a repeat of what is a repeat itself, as in `(a+)+`.

A text of n letters can be cut into such repeats in 2^n ways, and an engine that backtracks, as Java's and Python's do, tries them
all before it says no: one long line would stop the job. What stands between the two repeats and must be there, as in `(a+,)+`, leaves
one way only. Alternatives that overlap, as in `(a|a)+`, are not found.
"""

from __future__ import annotations

from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_MANY = 10  # repeats within repeats that are too many

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)


def explodes(pattern: str) -> bool:
    """Whether some repeat is of another one and of nothing else that must be there. The pattern is one that `re` compiles.

    >>> [explodes(one) for one in ("(a+)+b", "(?:x|a*)*$", "(a+,)+com", "(ab){2}c?")]
    [True, True, False, False]
    """
    return _within(parser.parse(pattern))


def _within(sequence: Any) -> bool:
    """Of this sequence, or of anything inside of it."""
    for code, given in sequence:
        if code in _REPEATS and given[1] >= _MANY and _stretches(given[2]):
            return True
        if any(_within(inner) for inner in _inner(code, given)):
            return True
    return False


def _stretches(sequence: Any) -> bool:
    """Whether it may be one repeat of no fixed length and nothing else."""
    for place, (code, given) in enumerate(sequence):
        if all(sequence[other : other + 1].getwidth()[0] == 0 for other in range(len(sequence)) if other != place):
            if code in _REPEATS and given[1] > max(1, given[0]) and given[2].getwidth()[1] > 0:
                return True
            if any(_stretches(inner) for inner in _inner(code, given)):
                return True
    return False


def _inner(code: Any, given: Any) -> list[Any]:
    """The sequences right inside of this."""
    if code is codes.BRANCH:
        return list(given[1])
    if code in (codes.SUBPATTERN, codes.ASSERT, codes.ASSERT_NOT) or code in _REPEATS:
        return [given[-1]]
    return []
