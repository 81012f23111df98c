"""Dead letters of topics that may have been deleted and made anew: a letter names its record's topic, its id tells which one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from logverse.identity import digest
from logverse.instant import Millis
from storage.account import Place
from storage.account_letters import Letters, letters


class Generations:
    """Reasons by (topic id, partition, offset). `ids`: full name of a topic → its ids; `values` gives all dead letters, each time anew."""

    def __init__(self, ids: Mapping[str, list[str]], values: Callable[[], Iterable[bytes | None]], since: Millis, until: Millis) -> None:
        self._of: dict[str, tuple[str, Letters]] = {}
        for names in _one_of_each(ids):
            found = letters(values(), since, until, partial(_place_id, names))
            self._of |= {topic_id: (name, found) for name, topic_id in names.items()}

    def get(self, place: Place, /) -> str | None:
        topic_id, partition, offset = place
        if topic_id not in self._of:
            return None
        name, found = self._of[topic_id]
        return found.of_records.get((name, partition, offset))


def _place_id(names: Mapping[str, str], topic: str, partition: int, offset: int) -> str:
    return digest(names.get(topic, topic), partition, offset)


def _one_of_each(ids: Mapping[str, list[str]]) -> Iterator[dict[str, str]]:
    """
    >>> list(_one_of_each({"a": ["1", "2"], "b": ["3"]}))
    [{'a': '1', 'b': '3'}, {'a': '2'}]
    """
    for number in range(max(map(len, ids.values()), default=0)):
        yield {name: of_name[number] for name, of_name in ids.items() if number < len(of_name)}
