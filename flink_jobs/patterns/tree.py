"""Drain's parse tree: which template a masked line belongs to, found in a few steps however many templates there are.

After He, Zhu, Zheng, Lyu: Drain, an online log parsing approach with fixed depth tree (ICWS 2017). A line is led by its number of tokens
and its first tokens to a leaf, and there takes the template that it shares most tokens with, if it shares enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flink_jobs.patterns.masks import WILD
from logverse.instant import Millis

# One setting for all logs. The paper's depth of 4 counts the root and the leaf: two levels of tokens are left.
SIMILARITY = 60  # least percentage of a line's tokens that are the template's
LEVELS = 2  # first tokens that lead to a leaf
CHILDREN = 30  # of a node, further tokens go to its child for all others: a name in front makes so many templates, not a hundred (paper)

Path = tuple[int | str, ...]  # the number of tokens, then a token (or WILD) a level

_varies = re.compile(r"[0-9]|<\*>").search


@dataclass(slots=True, eq=False)
class Known:
    """A template at work. `born`: the how manieth of its service; `paths`: the leaves it is in (more than one after a merge).

    `counts` are events by severity number, `sightings` how often it was seen (at most once a second and severity). `former` are the
    texts it had before it became more general, oldest first.
    """

    id: str
    born: int
    tokens: tuple[str, ...]
    paths: list[Path]
    first_seen: Millis
    last_seen: Millis
    sample: str
    counts: dict[int, int] = field(default_factory=dict)
    events: int = 0  # the sum of the counts
    sightings: int = 0
    former: list[str] = field(default_factory=list)
    name: str = ""
    ignored: bool = False
    told: int = -1  # events that topic `templates` knows of; -1: it has yet to hear of the template, or of its new text or name
    told_at: Millis = 0

    @property
    def text(self) -> str:
        return " ".join(self.tokens)


class Tree:
    """The templates of one service by leaf. A node is there as long as a template is below it: the tree is a function of the templates'
    paths and of the order they were born in, so that one that is put together again from them is the same."""

    def __init__(self) -> None:
        self._leaves: dict[Path, list[Known]] = {}
        self._children: dict[Path, dict[int | str, int]] = {}  # by node: child → leaves below it

    def find(self, tokens: Sequence[str]) -> Known | None:
        """The template most like these tokens (the more general one of equals, then the older); None when none is like enough."""
        best, most = None, (-1, -1)
        for known in self._leaves.get(self._way(tokens), ()):
            likeness = _likeness(known.tokens, tokens)
            if likeness > most and 100 * likeness[0] >= SIMILARITY * len(tokens):
                best, most = known, likeness
        return best

    def path_for(self, tokens: Sequence[str]) -> Path:
        """The leaf where a new template of these tokens belongs."""
        path: Path = (len(tokens),)
        for token in tokens[:LEVELS]:
            children = self._children.get(path, {})
            fits = token in children or (not _varies(token) and len(children) < CHILDREN)
            path = (*path, token if fits else WILD)
        return path

    def leaf(self, path: Path) -> Sequence[Known]:
        return self._leaves.get(path, ())

    def add(self, known: Known, path: Path) -> None:
        """Puts the template into the leaf; those in a leaf stand in the order of their birth."""
        leaf = self._leaves.setdefault(path, [])
        if not leaf:
            for node, child in _edges(path):
                children = self._children.setdefault(node, {})
                children[child] = children.get(child, 0) + 1
        leaf.append(known)
        leaf.sort(key=lambda one: one.born)

    def remove(self, known: Known) -> None:
        """Takes the template out of all its leaves, and with the last of a leaf the nodes that led there only."""
        for path in known.paths:
            leaf = self._leaves[path]
            leaf.remove(known)
            if not leaf:
                del self._leaves[path]
                for node, child in _edges(path):
                    children = self._children[node]
                    children[child] -= 1
                    if not children[child]:
                        del children[child]
                    if not children:
                        del self._children[node]

    def _way(self, tokens: Sequence[str]) -> Path:
        path: Path = (len(tokens),)
        for token in tokens[:LEVELS]:
            path = (*path, token if token in self._children.get(path, ()) else WILD)
        return path


def _edges(path: Path) -> Iterator[tuple[Path, int | str]]:
    return ((path[:level], path[level]) for level in range(1, len(path)))


def _likeness(template: Sequence[str], tokens: Sequence[str]) -> tuple[int, int]:
    """Tokens in common, and how many are wild in the template: those are never in common."""
    same = wild = 0
    for one, other in zip(template, tokens, strict=True):
        if one == WILD:
            wild += 1
        elif one == other:
            same += 1
    return same, wild
