"""Regular expressions that would burn a core: those that can read the same text in exponentially many ways, like `(a+)+b` or `(.*,)+x`.

An engine that backtracks, as Java's and Python's do, tries all ways before it says no: one long line would stop the job. Found as by
Weber and Seidl, "On the degree of ambiguity of finite automata" (1991): in the automaton of the pattern's positions (Glushkov 1961) some
state comes back to itself by two ways over one text. Characters are compared by samples: those that the pattern names, their neighbours
and one of each kind. A loop in which every state may be the end cannot fail, and is none to worry about. Not found: alternatives that
begin alike, as in `(a|a)+b`, which Python's parser makes one of; and what grows only with a power of the text, as `.*.*.*x`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from re import _constants as codes  # type: ignore[attr-defined]  # private, and the same in 3.11 and 3.12; else a parser of our own
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

_MANY = 10  # times that are as bad as any number
_COPIES = 4  # of what comes a few times
_MOST = 60_000  # pairs of states that are looked at; a loop of more is not
_BOUNDARY = "\U0010ffff"  # stands for \b, ^ and $: they keep apart what is on both sides
_KINDS = {
    codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_NOT_DIGIT: r"\D", codes.CATEGORY_SPACE: r"\s", codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"\w", codes.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip

Follows = Counter[tuple[int, int]]  # pairs of positions → by how many ways the second may come after the first


class _Part(NamedTuple):
    """Of a part of the pattern: positions it may begin and end with, and whether it may be nothing."""

    first: frozenset[int]
    last: frozenset[int]
    empty: bool


_NOTHING = _Part(frozenset(), frozenset(), True)


def explodes(pattern: str) -> bool:
    """Whether the time of a search may grow exponentially with the text. The pattern is one that `re` compiles; RecursionError of one that
    is nested a hundred deep.

    >>> [explodes(one) for one in ("(a+)+b", "^(.*,)+x", "(a+,)+b", "(ab){2}c?", "(a+)+")]
    [True, True, False, False, False]
    """
    parsed = parser.parse(pattern)
    ignore_case = bool(parsed.state.flags & re.IGNORECASE)
    return any(_Automaton(one, ignore_case).explodes() for one in [parsed, *_looked_at(parsed)])


class _Automaton:
    def __init__(self, sequence: Any, ignore_case: bool) -> None:
        self._ignore_case = ignore_case
        self._samples = sorted({_BOUNDARY, *"a0 _-\n\t.,é", *_named(sequence)})
        self._characters: list[frozenset[str]] = []
        self._follows: Follows = Counter()
        self._ends = self._sequence(sequence, 1).last

    def explodes(self) -> bool:
        after: dict[int, list[int]] = {}
        for one, other in self._follows:
            after.setdefault(one, []).append(other)
        for loop in _loops(after):
            if loop <= self._ends:
                continue
            if any(ways > 1 and one in loop and other in loop for (one, other), ways in self._follows.items()):
                return True
            if self._two_ways(loop, after):
                return True
        return False

    def _two_ways(self, loop: set[int], after: dict[int, list[int]]) -> bool:
        """Whether two different states of the loop are reached from one by one text, and reach one again."""
        if len(loop) ** 2 > _MOST:
            return False
        pairs = {
            (one, other): [(a, b) for a in after[one] if a in loop for b in after[other] if b in loop and self._alike(a, b)]
            for one in loop
            for other in loop
        }
        return any(
            any(one == other for one, other in together) and any(one != other for one, other in together) for together in _loops(pairs)
        )

    def _alike(self, one: int, other: int) -> bool:
        return not self._characters[one].isdisjoint(self._characters[other])

    def _sequence(self, sequence: Iterable[tuple[Any, Any]], times: int) -> _Part:
        found = _NOTHING
        for code, given in sequence:
            found = self._then(found, self._part(code, given, times))
        return found

    def _part(self, code: Any, given: Any, times: int) -> _Part:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, body = given
            return self._repeat(least, most, body, times)
        if code is codes.SUBPATTERN:
            return self._sequence(given[-1], times)
        if code is codes.BRANCH:
            parts = [self._sequence(one, times) for one in given[1]]
            first, last = (frozenset().union(*sets) for sets in ([one.first for one in parts], [one.last for one in parts]))
            return _Part(first, last, any(one.empty for one in parts))
        if code is codes.AT:
            return _NOTHING if given is codes.AT_NON_BOUNDARY else self._position(frozenset(_BOUNDARY))
        if code in (codes.ASSERT, codes.ASSERT_NOT):
            return _NOTHING
        return self._position(frozenset(sample for sample in self._samples if _matches(code, given, sample, self._ignore_case)))

    def _repeat(self, least: int, most: int, body: Any, times: int) -> _Part:
        times = min(_MANY, times * min(_MANY, most))
        if most <= 1 or (times < _MANY and not _varies(body)) or (least == most and not _varies(body)):
            copies = min(most, _COPIES)
        else:
            copies = most if times < _MANY else 0
        if copies:
            found = _NOTHING
            for number in range(copies):
                one = self._sequence(body, times)
                found = self._then(found, one._replace(empty=one.empty or number >= least))
            return found
        one = self._sequence(body, times)
        ways = 2 if one.empty and most < codes.MAXREPEAT else 1  # which ones of so many are nothing
        self._follows.update({(last, first): ways for last in one.last for first in one.first})
        return one._replace(empty=one.empty or least == 0)

    def _then(self, one: _Part, other: _Part) -> _Part:
        self._follows.update((last, first) for last in one.last for first in other.first)
        first = one.first | other.first if one.empty else one.first
        last = one.last | other.last if other.empty else other.last
        return _Part(first, last, one.empty and other.empty)

    def _position(self, characters: frozenset[str]) -> _Part:
        self._characters.append(characters)
        place = frozenset({len(self._characters) - 1})
        return _Part(place, place, False)


def _varies(body: Any) -> bool:
    least, most = body.getwidth()
    return bool(least != most)


def _inner(code: Any, given: Any) -> list[Any]:
    """The sequences right inside of this."""
    if code is codes.BRANCH:
        return list(given[1])
    if code in (codes.SUBPATTERN, codes.ASSERT, codes.ASSERT_NOT, codes.MAX_REPEAT, codes.MIN_REPEAT):
        return [given[-1]]
    return []


def _looked_at(sequence: Any) -> Iterator[Any]:
    """What is looked for ahead or behind, which is a search of its own."""
    for code, given in sequence:
        for one in _inner(code, given):
            if code in (codes.ASSERT, codes.ASSERT_NOT):
                yield one
            yield from _looked_at(one)


def _named(sequence: Any) -> Iterator[str]:
    """The characters that the pattern names, and those beside them."""
    for code, given in sequence:
        for one, said in given if code is codes.IN else [(code, given)]:
            for number in {codes.LITERAL: (said,), codes.NOT_LITERAL: (said,), codes.RANGE: said}.get(one, ()):
                near = "".join(chr(at) for at in range(max(0, number - 1), number + 2))
                yield from near + near.swapcase()
        for one in _inner(code, given):
            yield from _named(one)


def _matches(code: Any, given: Any, sample: str, ignore_case: bool) -> bool:
    if sample == _BOUNDARY:
        return False
    if ignore_case:
        return any(_matches(code, given, one, False) for one in {sample.lower(), sample.upper()} if len(one) == 1)
    if code is codes.IN:
        negated = given[0][0] is codes.NEGATE
        return negated != any(_matches(one, said, sample, False) for one, said in given[negated:])
    if code is codes.LITERAL or code is codes.NOT_LITERAL:
        return (ord(sample) == given) is (code is codes.LITERAL)
    if code is codes.RANGE:
        return bool(given[0] <= ord(sample) <= given[1])
    if code is codes.CATEGORY:
        return given not in _KINDS or bool(re.fullmatch(_KINDS[given], sample, re.ASCII))
    return code is not codes.ANY or sample != "\n"  # of a reference to a group nothing is known


def _loops(after: dict[Any, list[Any]]) -> Iterator[set[Any]]:
    """The strongly connected components of a graph that have an edge of their own: Tarjan (1972), without recursion."""
    order: dict[Any, int] = {}
    low: dict[Any, int] = {}
    stack: list[Any] = []
    on_stack: set[Any] = set()
    for root in after:
        if root in order:
            continue
        work = [(root, iter(after.get(root, ())))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, coming = work[-1]
            following = next(coming, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    found = set(stack[stack.index(node) :])
                    del stack[stack.index(node) :]
                    on_stack -= found
                    if len(found) > 1 or node in after.get(node, ()):
                        yield found
            elif following not in order:
                order[following] = low[following] = len(order)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(after.get(following, ()))))
            elif following in on_stack:
                low[node] = min(low[node], order[following])
