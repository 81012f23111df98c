"""What every store must do for those who look after it: schema, retention, policies, figures, and which rows there are. A test class
inherits it and gives the fixtures `fresh`, a place where nothing is yet, and `place`, whose schema is made; the latter may be shared."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from logverse import instant
from logverse.errors import Refused
from logverse.settings import Settings
from storage.layout import BUCKET_MS
from storage.rows import StoredAlert, StoredAnomaly
from storage.schema.schema import Schema
from storage.store import Selection, Store
from tests.contracts.store_contract import NOON, event, uids

DAY = 86_400_000


@dataclass(frozen=True)
class Place:
    """A keyspace or database: how to its schema and its store, by settings."""

    settings: Settings
    schema: Callable[[Settings], AbstractContextManager[Schema]]
    open: Callable[[Settings], Store]

    def migrate(self, **changed: Any) -> list[str]:
        """What was done."""
        with self.schema(replace(self.settings, **changed)) as schema:
            return [step.about for step in schema.migrate("", "test", lambda _: None, lambda _: None, instant.now)]

    def pending(self, **changed: Any) -> list[str]:
        with self.schema(replace(self.settings, **changed)) as schema:
            return [str(line) for line in schema.seen()["pending"]]


class KeepingContract:
    @pytest.fixture
    def name(self) -> str:
        """Of a service that no other test has."""
        return f"n-{uuid.uuid4().hex[:12]}"

    def test_the_schema_is_made_once(self, fresh: Place) -> None:
        """All of it is pending at first, nothing after, and doing it again does nothing."""
        before = fresh.pending()

        done = fresh.migrate()

        assert before and done
        assert fresh.pending() == []
        assert fresh.migrate() == []

    def test_a_setting_changes_how_long_rows_are_kept(self, place: Place) -> None:
        """Retention follows the settings, is pending until it does, and is what the store's own tables say."""
        pending = place.pending(keep_http="2d", keep_series_1s="3h")

        place.migrate(keep_http="2d", keep_series_1s="3h")

        store = place.open(place.settings)
        kept = {one.table: one.kept_s for one in store.stats()}
        store.close()
        place.migrate()

        assert sorted(pending) == ["keep events_http 172800 s", "keep series_1s 10800 s"]
        assert {name: kept[name] for name in ("events_http", "events_error", "alerts", "series_1s", "series_1h")} == {
            "events_http": 172_800, "events_error": 90 * 86_400, "alerts": 400 * 86_400, "series_1s": 10_800, "series_1h": 730 * 86_400,
        }  # fmt: skip

    def test_what_is_restored_lives_as_long_as_it_would_have(self, place: Place, name: str) -> None:
        """Saved as of an earlier time: what would be gone by now is not kept, all else is."""
        store, now = place.open(place.settings), instant.now()

        for age in (20, 40, 100):  # http lives 30 days, errors 90
            for log_type in ("http", "error"):
                assert store.save_events([event(name, NOON, f"{age}", log_type)], now - age * DAY) == []
            store.save_alerts([StoredAlert(NOON, f"{name}-{age}", name, "r", "firing", "critical", name, b"{}")], now - 5 * age * DAY)
            store.save_anomalies([StoredAnomaly(NOON, f"{age}", "r", name, b"{}")], now - age * DAY)

        assert uids(store.events(Selection("http", name, 0, NOON + 1))) == ["20"]
        assert uids(store.events(Selection("error", name, 0, NOON + 1))) == ["20", "40"]
        assert [one.transition_id for one in store.timeline(name)] == [f"{name}-20", f"{name}-40"]
        assert sorted(one.id for one in store.anomalies(name, 0, NOON + 1)) == ["20", "40"]
        store.close()

    def test_both_types_of_one_batch_have_their_own_time(self, place: Place, name: str) -> None:
        """What is gone of one type keeps nothing else from being saved, and a refusal still names its place."""
        store = place.open(place.settings)

        refused = store.save_events(
            [event(name, NOON, "gone"), event(name, NOON, "x" * 70_000, "error"), event(name, NOON, "there", "error")],
            instant.now() - 40 * DAY,
        )

        assert [row.place for row in refused] == [1]
        assert [uids(store.events(Selection(kind, name, 0, NOON + 1))) for kind in ("http", "error")] == [[], ["there"]]
        store.close()

    def test_policies_are_written_down(self, place: Place) -> None:
        """By log type, oldest first; the same epoch again is the same."""
        store = place.open(place.settings)

        for _ in range(2):
            store.add_policies([("http", 2_000_000, "errors+1%"), ("http", 0, "all"), ("error", 0, "none")])

        assert store.policies() == {"http": [(0, "all"), (2_000_000, "errors+1%")], "error": [(0, "none")]}
        store.close()

    def test_identities_of_buckets(self, place: Place, name: str) -> None:
        """Of every event of these buckets and no other, whatever is in its names."""
        store = place.open(place.settings)
        odd = f"{name}\0\1/é"
        rows = [event(service, NOON + step * BUCKET_MS // 2, f"u\0{step}", kind)
                for service in (name, odd) for kind in ("http", "error") for step in range(8)]  # fmt: skip
        assert store.save_events(rows) == []

        wanted = [
            ("http", name, NOON),
            ("http", name, NOON + BUCKET_MS),
            ("http", odd, NOON + 3 * BUCKET_MS),
            ("error", name, NOON + 9 * DAY),
        ]
        found = sorted(store.identities(iter(wanted)))

        chosen = [(name, step) for step in range(4)] + [(odd, step) for step in (6, 7)]
        assert found == sorted(("http", service, NOON + step * BUCKET_MS // 2, f"u\0{step}") for service, step in chosen)
        store.close()

    def test_stats_name_what_is_there(self, place: Place, name: str) -> None:
        """Every table that holds events, alerts, anomalies or series, none of them too large."""
        store = place.open(place.settings)
        store.save_events([event(name, NOON, "a", kind) for kind in ("http", "error", "activity")])

        found = {one.table: one for one in store.stats()}
        store.close()

        assert {
            "events_http",
            "events_error",
            "events_activity",
            "alerts",
            "anomalies",
            "series_1s",
            "series_1m",
            "series_1h",
        } <= found.keys()
        assert not any(one.too_large for one in found.values())

    def test_an_older_schema_is_refused(self, place: Place) -> None:
        """A changed file is never applied in silence: see tests/stack/test_schema.py for what each database does."""
        with place.schema(place.settings) as schema:
            broken = getattr(schema, "_wanted", None)
            if broken is None:
                return  # memory has no files
            schema._wanted = [replace(one, statements=(*one.statements, "SELECT 1")) for one in broken]  # type: ignore[attr-defined]
            with pytest.raises(Refused, match="is another file now"):
                schema.steps()
