"""A bucket out of Cassandra, against a stand-in that pages as Cassandra does: the order is right, and answers are bounded in bytes."""

from __future__ import annotations

import re
from types import SimpleNamespace as Plain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.cassandra import bucket as module
from storage.cassandra import partition
from storage.cassandra.bucket import Bucket, order
from storage.layout import Sharding
from storage.rows import StoredEvent
from storage.store import Position, Selection
from tests.contracts.store_contract import NOON, event

SHARDS = 4


class Server:
    """Events in shards. Answers `asked` statements of bucket.py; `heaviest` is the most bytes of records in one answer."""

    def __init__(self, events: list[StoredEvent]) -> None:
        sharding = Sharding(((0, SHARDS),))
        self.shards: list[list[StoredEvent]] = [[] for _ in range(SHARDS)]
        for one in sorted(events, key=order):
            self.shards[sharding.shard_of(NOON, one.uid)].append(one)
        self.heaviest = self.asked = 0

    def prepare(self, text: str) -> Any:
        return Plain(bind=lambda values: Plain(text=text, values=values, fetch_size=None))

    def execute_async(self, bound: Any, paging_state: int | None = None) -> Any:
        self.asked += 1
        rows = self._rows(bound.text, bound.values)
        start = paging_state or 0
        end = start + (bound.fetch_size or 5000)
        answer = Plain(current_rows=rows[start:end], paging_state=end if end < len(rows) else None)
        return Plain(result=lambda: self._weighed(answer))

    def _weighed(self, answer: Any) -> Any:
        records = [value for row in answer.current_rows for value in row if isinstance(value, bytes)]
        self.heaviest = max(self.heaviest, sum(map(len, records)))
        return answer

    def _rows(self, text: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        _, _, shards, first, second, *rest = values
        several = isinstance(shards, list)
        found = []
        for shard in shards if several else [shards]:
            fits = [one for one in self.shards[shard] if self._fits(text, one, first, second)]
            found += [(*one[2:], shard) if several else one[2:] for one in fits[: rest[0] if rest else None]]
        return found

    @staticmethod
    def _fits(text: str, one: StoredEvent, first: Any, second: Any) -> bool:
        if re.search(r"ts = \? AND uid > \?", text):
            return one.timestamp == first and one.uid > second
        return bool(first <= one.timestamp < second)


def read(server: Server, after: Position | None = None, page: int = 8) -> list[StoredEvent]:
    selection = Selection("http", "web", NOON, NOON + 600_000)
    return list(Bucket(server, selection, NOON, SHARDS, after, page).rows())  # type: ignore[arg-type]


events_of_a_bucket = st.lists(
    st.builds(
        lambda at, uid, size: event("web", NOON + at, f"{uid:03}", record=bytes(size)),
        st.integers(0, 5),
        st.integers(0, 400),
        st.sampled_from([0, 10, 1000]),
    ),
    max_size=120,
    unique_by=lambda one: (one.timestamp, one.uid),
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a small bucket reaches."""
    monkeypatch.setattr(module, "TRIED", 3)
    monkeypatch.setattr(module, "MOST_BYTES", 5000)
    monkeypatch.setattr(module, "MOST_FETCHED", 2000)
    monkeypatch.setattr(partition, "MOST_BYTES", 2000)


@given(events_of_a_bucket, st.integers(0, 130), st.sampled_from([1, 8, 40]))
def test_all_events_in_their_order(events: list[StoredEvent], cut: int, page: int) -> None:
    """Whatever they weigh, wherever reading goes on: nothing twice, nothing left out."""
    in_order = sorted(events, key=order)
    last = in_order[min(cut, len(events)) - 1] if cut and events else None
    after = Position(last.timestamp, last.uid) if last else None

    found = read(Server(events), after, page)

    assert found == (in_order[in_order.index(last) + 1 :] if last else in_order)


def test_no_answer_is_heavy() -> None:
    """Of rows that weigh much the first answer has few, and so have all after it."""
    server = Server([event("web", NOON + n, f"{n:03}", record=bytes(1000)) for n in range(300)])

    assert len(read(server, page=100)) == 300

    assert server.heaviest <= 5000


def test_light_rows_come_in_two_answers() -> None:
    """One to learn what they weigh, one for the rest of the first look."""
    server = Server([event("web", NOON + n, f"{n:03}", record=b"x") for n in range(40)])

    assert len(read(server, page=60)) == 40

    assert server.asked == 2
