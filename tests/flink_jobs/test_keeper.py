"""Every record ends in one place: stored, not stored by policy, a heartbeat, or a dead letter; a store that is away is waited for."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.connect import Shelf, Shelves
from flink_jobs.keeper import KEPT, Keeper, Record
from logverse import instant
from logverse.alert import Alert, Explanation
from logverse.anomaly import Anomaly
from logverse.errors import Refused, TryAgain
from logverse.event import LogEvent, heartbeat
from storage.cassandra import writing
from storage.memory import MemoryStore
from storage.policy import Policies
from storage.rows import RefusedRow, StoredEvent
from storage.store import Selection

AT = 1_790_000_000_000
WHY = Explanation("too much", 1.0, 0.5, ">", "%", 1, 1)
ALERT = Alert("5xx", "frequency", "firing", "critical", {"service.name": "web"}, AT, AT, WHY)
ANOMALY = Anomaly("usual", "robust", {"service.name": "web"}, AT - 1000, AT, 0.9, 7.0, (1.0, 2.0))


class Store(MemoryStore):
    """The twin, which can be away for some calls, and refuses some uids."""

    def __init__(self) -> None:
        super().__init__()
        self.away, self.bad = 0, ""

    def save_events(self, events: Sequence[StoredEvent], written: int | None = None) -> list[RefusedRow]:
        if self.away:
            self.away -= 1
            raise TryAgain("nobody answers")
        found = [RefusedRow(place, "too odd") for place, event in enumerate(events) if event.uid == self.bad]
        super().save_events([event for event in events if event.uid != self.bad])
        return found


class Series:
    """Takes every summary but the one that says `odd`."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes]] = []

    def save(self, records: Sequence[tuple[str, bytes]]) -> list[RefusedRow]:
        self.records += records
        return [RefusedRow(place, "not a summary") for place, (_, value) in enumerate(records) if value == b"odd"]


class Scene:
    """A keeper over the twins; `slept` is the time it waited, which passes on its clock."""

    def __init__(self, policy: str = "all") -> None:
        self.store, self.series, self.slept, self.opened, self.closed = Store(), Series(), 0.0, 0, 0
        self.refuses: Exception | None = None
        self.policies = Policies({"http": [(0, policy)]})
        self.keeper = Keeper(self._open, {"logs.http": "id"}, "", lambda: int(self.slept * 1000), self._sleep)

    def _open(self) -> Shelves:
        self.opened += 1
        if self.refuses:
            self.refuses, error = None, self.refuses
            raise error
        return Shelves({"memory": Shelf(self.store, self.series)}, self.policies, self._close)

    def _close(self) -> None:
        self.closed += 1

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds

    @property
    def uids(self) -> set[str]:
        return {event.uid for event in self.store.events(Selection("http", "web", 0, AT * 2))}


def event(uid: str, status: int = 200) -> bytes:
    return LogEvent(AT, AT, "http", "web", 9, "GET /", uid, {"http.response.status_code": status}).to_json()


def record(value: bytes | None, offset: int = 0, topic: str = "logs.http") -> Record:
    return Record(topic, 2, offset, AT + 5, value)


def test_each_record_has_its_place() -> None:
    """What is stored, what a policy leaves out, what only carries time, and what is nothing."""
    scene = Scene("errors")

    letters = scene.keeper.keep([record(event("a", 503)), record(event("b")), record(heartbeat(AT, "web")), record(b"garbage", 7)])

    assert scene.uids == {"a"}
    assert [letter and letter.reason for letter in letters] == [None, None, None, "not JSON"]
    assert scene.keeper.counts == {"events": 1, "by-policy": 1, "heartbeats": 1, "malformed": 1, "refused": 0}


def test_a_dead_letter_says_from_where_it_is_and_has_the_bytes() -> None:
    """Judged twice it is the same one; of a giant it has the start, and the sha256 of all."""
    scene, giant = Scene(), b"x" * (KEPT + 1)

    (letter,) = scene.keeper.keep([record(giant, 7)])
    (again,) = scene.keeper.keep([record(giant, 7)])

    assert letter is not None and letter == again
    assert letter.origin == {"topic": "logs.http", "partition": 2, "offset": 7, "length": KEPT + 1}
    assert (letter.data, letter.sha256, letter.at) == (giant[:KEPT], sha256(giant).hexdigest(), AT + 5)
    assert len(letter.to_json()) < 1_000_000


def test_a_dead_letter_fits_into_one_record_whatever_the_record_says() -> None:
    """Also one whose service has a name of 80,000 control characters, each of which is six in JSON."""
    scene = Scene()
    scene.store.bad = "b"
    flat = {"log.type": "http", "service.name": "\1" * 80_000, "log.record.uid": "b", "body": "x" * 400_000}

    (letter,) = scene.keeper.keep([record(orjson.dumps(flat))])

    assert letter is not None and letter.reason == "refused by the store: too odd"
    assert len(letter.to_json()) < 1_000_000


def test_a_refused_row_is_a_dead_letter_and_the_others_are_kept() -> None:
    """With the store's own reason and the service it was of."""
    scene = Scene()
    scene.store.bad = "b"

    letters = scene.keeper.keep([record(b"garbage"), record(event("a")), record(event("b"), 8), record(event("c"))])

    assert scene.uids == {"a", "c"}
    refused = letters[2]
    assert refused is not None
    assert (refused.reason, refused.service_name, refused.origin["offset"]) == ("refused by the store: too odd", "web", 8)
    assert scene.keeper.counts["refused"] == 1


def test_a_store_that_is_away_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """For an hour if need be, every five seconds, told once a minute, and nothing is lost or given up."""
    scene = Scene()
    scene.store.away = 720

    with caplog.at_level(logging.WARNING, "history"):
        letters = scene.keeper.keep([record(event("a"))])

    assert (scene.uids, letters) == ({"a"}, [None])
    assert 3500 < scene.slept < 3700
    assert 55 <= len(caplog.records) <= 62
    assert "nobody answers" in caplog.text


def test_a_store_that_cannot_be_opened_yet_is_waited_for() -> None:
    """The way to it is opened once."""
    scene = Scene()
    scene.refuses = TryAgain("not up yet")

    scene.keeper.keep([record(event("a"))])
    scene.keeper.keep([record(event("b"))])

    assert (scene.opened, scene.uids) == (2, {"a", "b"})


def test_the_way_to_a_store_that_stays_away_is_opened_anew() -> None:
    """Each minute: a driver may have given up a node that is long back."""
    scene = Scene()
    scene.keeper.keep([record(event("a"))])
    scene.store.away = 25

    scene.keeper.keep([record(event("b"))])

    assert scene.uids == {"a", "b"}
    assert (scene.opened, scene.closed) == (2, 1)
    assert 60 < scene.slept < 120


def test_a_store_that_does_not_let_us_in_stops_the_job() -> None:
    """Waiting would mend nothing, and the records are not to blame: no dead letters."""
    scene = Scene()
    scene.refuses = Refused("wrong password")

    with pytest.raises(Refused):
        scene.keeper.keep([record(event("a"))])


def test_alerts_anomalies_and_summaries_are_kept_too() -> None:
    """Each in its own shelf; a summary with its position."""
    scene = Scene()

    letters = scene.keeper.keep([
        record(ALERT.to_json(), topic="alerts"),
        record(ANOMALY.to_json(), topic="anomalies"),
        record(b"{}", 9, topic="summaries"),
    ])  # fmt: skip

    assert letters == [None, None, None]
    assert [(one.transition_id, one.alert_id, one.service_name) for one in scene.store.alerts(0, AT * 2)] == [
        (ALERT.transition_id, ALERT.id, "web")
    ]
    assert [(one.id, one.at) for one in scene.store.anomalies("web", 0, AT * 2)] == [(ANOMALY.id, AT)]
    assert scene.series.records == [("summaries:2:9", b"{}")]


@pytest.mark.parametrize(
    ("topic", "value", "reason"),
    [
        ("alerts", b"{}", "not an alert: 'explanation'"),
        ("alerts", None, "empty record"),
        ("anomalies", b"[]", "not an anomaly: "),
        ("summaries", None, "empty record"),
        ("summaries", b"odd", "refused by the store: not a summary"),
    ],
)
def test_what_is_no_alert_anomaly_or_summary_is_a_dead_letter(topic: str, value: bytes | None, reason: str) -> None:
    """The job goes on."""
    (letter,) = Scene().keeper.keep([record(value, topic=topic)])

    assert letter is not None and letter.reason.startswith(reason)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False), st.text(max_size=3), st.just([]), st.just({}),
    st.sampled_from([2**63, 10**17, -(10**15), {"service.name": None}, {"service.name": 5}, {"a": ["b"]}, "\ud800"]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(one=st.sampled_from([ALERT, ANOMALY]), data=st.data())
def test_whatever_an_alert_or_anomaly_says_the_job_goes_on(one: Alert | Anomaly, data: st.DataObject) -> None:
    """With any value anywhere it is a row that Cassandra has bytes for, or a dead letter; never an error of the job's."""
    flat = orjson.loads(one.to_json())
    for name in data.draw(st.lists(st.sampled_from(sorted(flat)), min_size=1, max_size=3)):
        flat[name] = data.draw(ODD)
    scene, topic = Scene(), "alerts" if one is ALERT else "anomalies"

    (letter,) = scene.keeper.keep([record(json.dumps(flat).encode(), topic=topic)])

    alerts = list(scene.store.alerts(instant.BEGINNING, instant.END + 1))
    anomalies = list(scene.store.anomalies("web", instant.BEGINNING, instant.END + 1))
    assert all(isinstance(value, bytes) for row in alerts for value in (*writing._alert(row), *writing._alert_by_id(row)))
    assert all(isinstance(value, bytes) for row in anomalies for value in writing._anomaly(row))
    assert scene.keeper.counts["malformed"] == (letter is not None)


@pytest.mark.parametrize("change", [lambda one: replace(one, score="high"), lambda one: replace(one, reasons=(1,))])
def test_an_anomaly_with_values_of_other_types_is_none(change: Callable[[Anomaly], Anomaly]) -> None:
    """Who formats and compares them later must not stumble."""
    (letter,) = Scene().keeper.keep([record(change(ANOMALY).to_json(), topic="anomalies")])

    assert letter is not None and "wrong type" in letter.reason
    assert Anomaly.from_json(ANOMALY.to_json()) == ANOMALY


def test_two_stores_have_the_same() -> None:
    """Every row goes to both; what one of them refuses is a dead letter with its name, and while either is away both are tried again."""
    left, right, series = Store(), Store(), Series()
    right.bad, right.away = "b", 2
    shelves = Shelves({"cassandra": Shelf(left, series), "mongodb": Shelf(right, series)}, Policies({}), lambda: None)
    slept: list[float] = []
    keeper = Keeper(lambda: shelves, {"logs.http": "id"}, "", lambda: 0, slept.append)

    letters = keeper.keep([record(event("a")), record(event("b"), 1)])

    assert [letter and letter.reason for letter in letters] == [None, "refused by the store: mongodb: too odd"]
    assert [[one.uid for one in store.events(Selection("http", "web", 0, AT * 2))] for store in (left, right)] == [["a", "b"], ["a"]]
    assert len(slept) == 2
