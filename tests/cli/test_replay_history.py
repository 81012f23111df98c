"""Events of the store as a replay takes them: all of them, a page at a time, with the identity that they have there."""

from __future__ import annotations

import orjson
import pytest

from logverse import instant
from logverse.cli.replay_sources import FromHistory, item_of
from logverse.errors import WrongSettings
from logverse.event import LogEvent
from storage import query
from storage.history import History
from storage.memory import MemoryStore
from storage.rows import StoredEvent

AT = 1_790_000_000_000


def stored(number: int, service: str = "web", record: bytes | None = None, log_type: str = "http", **columns: str) -> StoredEvent:
    at = AT + number * 1000
    event = LogEvent(at, at, log_type, service, 9, f"line {number}", f"uid-{number:05d}")
    values = {"session_id": None, "trace_id": None} | columns
    return StoredEvent(
        log_type, service, at, event.uid, 9, 200, "/pay", "10.0.0.7", None, values["session_id"], values["trace_id"],
        event.to_json() if record is None else record,
    )  # fmt: skip


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setattr(query, "MOST", 7)
    store = MemoryStore()
    store.save_events([stored(number, service) for service in ("web", "api") for number in range(30)])
    return History(store)


def test_all_services_come_page_after_page(history: History) -> None:
    """Every event once, however many pages that takes."""
    found = list(FromHistory(AT, AT + 30_000).events(history))

    assert sorted((one.service_name, one.uid) for one in found) == sorted(
        (service, f"uid-{number:05d}") for service in ("web", "api") for number in range(30)
    )


def test_only_the_time_and_the_services_that_were_asked_for(history: History) -> None:
    """The end is exclusive."""
    found = list(FromHistory(AT + 10_000, AT + 20_000, ("api",)).events(history))

    assert [one.uid for one in found] == [f"uid-{number:05d}" for number in range(19, 9, -1)]
    assert {one.service_name for one in found} == {"api"}


def test_an_empty_store_says_what_to_do() -> None:
    """No traceback, no empty report."""
    with pytest.raises(WrongSettings, match="logverse job submit history"):
        list(FromHistory(AT, AT + 1).events(History(MemoryStore())))


def test_a_record_goes_as_it_was() -> None:
    """Byte for byte, to the topic of its type, keyed as its producer had it."""
    event = stored(1, log_type="activity", session_id="s-1", trace_id="t-1")

    item = item_of(event)

    assert (item.at, item.topic, item.key, item.value) == (AT + 1000, "logs.activity", "s-1", event.record)


@pytest.mark.parametrize(
    "record",
    [
        b'{"log.type":"http","service.name":"web","http.response.status_code":503}',
        b'{"log.type":"http","service.name":"web","http.response.status_code":503,"timestamp":"yesterday"}',
        b'{"log.type":"http","service.name":"web","http.response.status_code":503} trailing',
    ],
)
def test_a_record_without_time_or_uid_has_those_of_the_store(record: bytes) -> None:
    """The live job counted it at its arrival: the replay does too, and not at the moment of the replay. The rest stays."""
    flat = orjson.loads(item_of(stored(1, record=record)).value)

    assert (instant.read(flat["timestamp"]), flat["log.record.uid"]) == (AT + 1000, "uid-00001")
    assert (flat["log.type"], flat["service.name"], int(flat["http.response.status_code"])) == ("http", "web", 503)
