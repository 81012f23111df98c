"""What people and other parts told the job beside its rules, by who it is about: the broadcast side of its operators, in plain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from logverse.feedback import Feedback
from logverse.inventory import Source
from logverse.model import Model
from logverse.template import Label

Word: TypeAlias = "Feedback | Model | Label | Source"

MOST = 20_000  # kept of a topic; the oldest makes room
EVERYBODY = ""  # whoever looks across services


class Board:
    """Keeps the last word of each kind about each thing. `forgotten` counts those that had to make room.

    >>> board = Board()
    >>> _ = board.put("templates", Label("t1", "web", name="login failed").to_json().decode())
    >>> [word.name for _, word in board.news("web", since=0)], board.news("api", since=0)
    (['login failed'], [])
    """

    def __init__(self, kept: Iterable[tuple[str, str]] = ()) -> None:
        self.forgotten = 0
        self._serial = 0
        self._said: dict[str, dict[str, tuple[int, Word]]] = {topic: {} for topic in TOPICS}
        self._about: dict[str, dict[str, tuple[int, Word]]] = {}
        for key, text in kept:
            self.put(key.partition("/")[0], text)

    def put(self, topic: str, text: str) -> list[tuple[str, str | None]]:
        """Takes a record of one of TOPICS; answers what of `kept` changes by it: entries with their text, None for one that goes.

        Malformed when the record is none.
        """
        read, identity = TOPICS[topic]
        word = read(text)
        said, name = self._said[topic], f"{topic}/{identity(word)}"
        self._serial += 1
        said.pop(name, None)
        said[name] = (self._serial, word)
        for key in _concerned(word):
            self._about.setdefault(key, {})[name] = said[name]
        return [(name, text), *self._make_room(said)]

    def _make_room(self, said: dict[str, tuple[int, Word]]) -> list[tuple[str, str | None]]:
        if len(said) <= MOST:
            return []
        oldest = next(iter(said))
        for key in _concerned(said.pop(oldest)[1]):
            self._about[key].pop(oldest, None)
        self.forgotten += 1
        return [(oldest, None)]

    def news(self, key: str, since: int) -> list[tuple[int, Word]]:
        """What was said of this key (a service, a rule, EVERYBODY) after the word with the serial number `since`, in that order."""
        about = self._about.get(key)
        return sorted((word for word in about.values() if word[0] > since), key=lambda word: word[0]) if about else []


def _concerned(word: Word) -> set[str]:
    """The keys of the operators whose business it is."""
    if isinstance(word, Source):
        return {EVERYBODY}
    if isinstance(word, Label):
        return {word.service}
    return {word.rule, *([word.group["service.name"]] if "service.name" in word.group else [])}


def _feedback_key(word: Feedback) -> str:
    return f"{word.fingerprint}/{word.verdict}"


TOPICS: dict[str, tuple[Callable[[str], Word], Callable[..., str]]] = {
    "feedback": (Feedback.from_json, _feedback_key),
    "models": (Model.from_json, lambda word: word.fingerprint),
    "templates": (Label.from_json, lambda word: word.key),
    "inventory": (Source.from_json, lambda word: word.key),
}
