"""What every store must do, whatever it is made of. A test class inherits it and gives the fixture `store`."""

from __future__ import annotations

import uuid
from itertools import islice

import pytest

from storage.layout import BUCKET_MS
from storage.rows import StoredAlert, StoredAnomaly, StoredEvent
from storage.store import Position, Selection, Store, UserPosition

NOON = 1_700_006_400_000  # begins a bucket, in November 2023
DAY = 86_400_000


def event(service: str, at: int, uid: str, log_type: str = "http", **columns: object) -> StoredEvent:
    """An event with these columns, the others unknown."""
    empty = dict.fromkeys(("severity_number", "status_code", "route", "client_address", "user_id", "session_id", "trace_id"))
    return StoredEvent(log_type, service, at, uid, **{**empty, "record": f"record of {uid}".encode("utf-8", "replace"), **columns})  # type: ignore[arg-type]


def uids(events: object) -> list[str]:
    return [one.uid for one in events]  # type: ignore[attr-defined]


class StoreContract:
    @pytest.fixture
    def name(self) -> str:
        """Of a service, a user or an alert that no other test has."""
        return f"n-{uuid.uuid4().hex[:12]}"

    def test_an_event_comes_back_as_it_was(self, store: Store, name: str) -> None:
        """Every column and every byte of the record, and what was unknown is still unknown."""
        whole = event(
            name, NOON + 123, "a", severity_number=17, status_code=503, route="/x", client_address="::1", user_id="u\x00 ", session_id="s",
            trace_id="t" * 32, record=b"\xff\x00 not JSON",
        )  # fmt: skip
        bare = event(name, NOON + 122, "b", record=b"")

        assert store.save_events([whole, bare]) == []

        assert list(store.events(Selection("http", name, NOON, NOON + 200))) == [whole, bare]
        assert store.event("http", name, Position(NOON + 123, "a")) == whole
        assert store.event("http", name, Position(NOON + 123, "b")) is None

    def test_saving_twice_keeps_one(self, store: Store, name: str) -> None:
        """The same line sent again is the same row."""
        for _ in range(2):
            store.save_events([event(name, NOON, "a")])

        assert uids(store.events(Selection("http", name, 0, NOON + 1))) == ["a"]

    def test_newest_first_across_buckets_and_months(self, store: Store, name: str) -> None:
        """In order of time, equal times in order of uids, however far apart and in whatever order they came."""
        ages = [0, 1, 1, 1, BUCKET_MS - 1, BUCKET_MS, 3 * BUCKET_MS, DAY, 40 * DAY, 400 * DAY]
        saved = [event(name, NOON - age, f"{place:02}") for place, age in enumerate(ages)]
        store.save_events(saved[::-1])

        assert list(store.events(Selection("http", name, 0, NOON + 1))) == saved

    def test_the_range_has_its_begin_and_not_its_end(self, store: Store, name: str) -> None:
        """`since` <= timestamp < `until`, to the millisecond."""
        store.save_events([event(name, NOON + step, str(step)) for step in range(5)])

        assert uids(store.events(Selection("http", name, NOON + 1, NOON + 3))) == ["2", "1"]
        assert uids(store.events(Selection("http", name, NOON + 3, NOON + 3))) == []

    @pytest.mark.parametrize("page", [1, 7, 100])
    def test_reading_goes_on_behind_any_event(self, store: Store, name: str, page: int) -> None:
        """Also in the middle of many events of one millisecond."""
        saved = [event(name, NOON - place // 40, f"{place % 40:02}") for place in range(120)]
        store.save_events(saved)
        selection = Selection("http", name, NOON - DAY, NOON + 1)

        for place in (0, 20, 39, 40, 119):
            after = Position(saved[place].timestamp, saved[place].uid)
            assert list(islice(store.events(selection, after, page), 60)) == saved[place + 1 : place + 61]

    def test_many_events_of_one_millisecond(self, store: Store, name: str) -> None:
        """Lines without a time of their own may all have one: read on from any of them, none is left out."""
        saved = [event(name, NOON + 1, "newer"), *(event(name, NOON, f"{n:04}") for n in range(1200)), event(name, NOON - 1, "older")]
        store.save_events(saved)
        selection = Selection("http", name, 0, NOON + 2)

        assert list(store.events(selection, page=10)) == saved
        assert list(store.events(selection, Position(NOON, "0299"), 10)) == saved[301:]
        assert list(store.events(selection, Position(NOON, "1199"), 10)) == saved[1201:]

    def test_more_than_one_fetch(self, store: Store, name: str) -> None:
        """A small page does not make a long answer wrong."""
        saved = [event(name, NOON - place * 100, f"{place:04}") for place in range(1500)]
        store.save_events(saved)

        assert list(store.events(Selection("http", name, 0, NOON + 1), page=10)) == saved

    @pytest.mark.parametrize("column", ["client_address", "user_id", "session_id", "trace_id"])
    def test_looked_up_by_a_column(self, store: Store, name: str, column: str) -> None:
        """Only the events with this value, in the same order, and going on in the same way."""
        store.save_events([event(name, NOON - place * BUCKET_MS // 4, f"{place:02}", **{column: f"v{place % 3}"}) for place in range(30)])
        selection = Selection("http", name, 0, NOON + 1, {column: "v1"})
        wanted = [f"{place:02}" for place in range(1, 30, 3)]

        assert uids(store.events(selection)) == wanted
        assert uids(store.events(selection, Position(NOON - 4 * BUCKET_MS // 4, "04"))) == wanted[2:]
        assert uids(store.events(Selection("http", name, 0, NOON + 1, {column: "v"}))) == []

    def test_looked_up_by_two_columns(self, store: Store, name: str) -> None:
        """Both must hold."""
        store.save_events([event(name, NOON, f"{n}", client_address=f"c{n % 2}", user_id=f"u{n // 2}") for n in range(4)])

        assert uids(store.events(Selection("http", name, 0, NOON + 1, {"client_address": "c1", "user_id": "u1"}))) == ["3"]

    def test_types_and_services_are_apart(self, store: Store, name: str) -> None:
        """Each log type of each service is a sequence of its own, and is listed."""
        store.save_events([event(name, NOON, "h"), event(name, NOON, "e", "error"), event(f"{name}2", NOON, "o", "activity")])

        assert uids(store.events(Selection("error", name, 0, NOON + 1))) == ["e"]
        assert {one for one in store.services() if one[0].startswith(name)} == {(name, "http"), (name, "error"), (f"{name}2", "activity")}

    def test_buckets_that_hold_anything(self, store: Store, name: str) -> None:
        """Newest first, those that the range touches."""
        store.save_events([event(name, NOON - age, str(age)) for age in (0, BUCKET_MS, BUCKET_MS + 1, 40 * DAY, 100 * DAY)])
        nearest = [NOON, NOON - BUCKET_MS, NOON - 2 * BUCKET_MS]

        assert list(store.buckets("http", name, 0, NOON + 1)) == [*nearest, NOON - 40 * DAY, NOON - 100 * DAY]
        assert list(store.buckets("http", name, NOON - BUCKET_MS - 1, NOON)) == nearest[1:]
        assert list(store.buckets("error", name, 0, NOON + 1)) == []

    def test_activity_of_a_user(self, store: Store, name: str) -> None:
        """Over all services and months, newest first, and only what is activity."""
        saved = [event(f"{name}-{n % 2}", NOON - n * DAY * 5, f"{n:02}", "activity", user_id=name) for n in range(20)]
        store.save_events([*saved, event(name, NOON, "other", "activity", user_id="x"), event(name, NOON, "http", user_id=name)])

        assert list(store.activity(name, 0, NOON + 1, page=3)) == saved
        assert list(store.activity(name, NOON - 20 * DAY, NOON, UserPosition(NOON - 10 * DAY, "02", f"{name}-0"))) == saved[3:5]

    def test_activity_of_a_user_in_two_services_at_once(self, store: Store, name: str) -> None:
        """The same millisecond and uid in several services are as many events, each a place to go on from."""
        saved = [event(f"{name}-{n}", NOON, uid, "activity", user_id=name) for uid in ("a", "b") for n in range(3)]
        assert store.save_events(saved[::-1]) == []

        assert list(store.activity(name, 0, NOON + 1, page=2)) == saved
        for place, last in enumerate(saved):
            assert list(store.activity(name, 0, NOON + 1, UserPosition(NOON, last.uid, last.service_name))) == saved[place + 1 :]

    def test_what_cannot_be_stored_comes_back(self, store: Store, name: str) -> None:
        """A row that the store will never take is named with a reason; all the others are kept."""
        rows = [event(name, NOON, "a"), event(name, NOON, "x" * 70_000), event(name, NOON, "half \ud800"), event(name, NOON, "z")]

        refused = store.save_events(rows)

        assert [row.place for row in refused] == [1]
        assert all(row.reason for row in refused)
        found = uids(store.events(Selection("http", name, 0, NOON + 1)))
        assert (found[0], found[-1], len(found)) == ("a", "z", 3)  # half a character hinders nobody from reading the others

    def test_alerts_newest_first_and_their_course(self, store: Store, name: str) -> None:
        """Transitions by time; one alert's from its beginning. Saved twice, they are there once."""
        course = [
            StoredAlert(NOON + step * 20 * DAY, f"{name}-{step}", name, "rule", status, "critical", "web", b"{}")
            for step, status in enumerate(("pending", "firing", "resolved"))
        ]
        for _ in range(2):
            assert store.save_alerts(course[::-1]) == []

        assert [one for one in store.alerts(NOON, NOON + 41 * DAY) if one.alert_id == name] == course[::-1]
        assert [one for one in store.alerts(NOON + 1, NOON + 40 * DAY) if one.alert_id == name] == [course[1]]
        assert [one for one in store.alerts(0, 2 * NOON) if one.alert_id == name] == course[::-1]
        assert store.timeline(name) == course
        assert store.timeline("nobody") == []

    def test_anomalies_of_a_service(self, store: Store, name: str) -> None:
        """Newest first, of this service only, over days and months."""
        saved = [StoredAnomaly(NOON - n * DAY // 2, f"{n}", "rule", name, b"{}") for n in range(9)]
        old = StoredAnomaly(NOON - 200 * DAY, "old", "rule", name, b"{}")
        for _ in range(2):
            assert store.save_anomalies([*saved, old, StoredAnomaly(NOON, "x", "rule", f"{name}2", b"{}")]) == []

        assert list(store.anomalies(name, 0, NOON + 1)) == [*saved, old]
        assert list(store.anomalies(name, NOON - DAY, NOON)) == saved[1:3]

    def test_anomalies_of_services_without_events(self, store: Store, name: str) -> None:
        """They are found by the service and among those of all, also of no service; they make nobody a service with events."""
        saved = [StoredAnomaly(NOON - n * 20 * DAY, f"{name}-{n}", "rule", service, b"{}") for n, service in enumerate((name, "", name))]
        assert store.save_anomalies(saved) == []

        assert list(store.anomalies(name, 0, NOON + 1)) == [saved[0], saved[2]]
        for until in (NOON + 1, 253_370_764_800_000):
            assert [one for one in store.anomalies(None, 0, until) if one.id.startswith(name)] == saved
            assert saved[1] in list(store.anomalies("", 0, until))
        assert list(store.anomalies(None, NOON, NOON)) == []
        assert name not in {service for service, _ in store.services()}
