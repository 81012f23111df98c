"""People are told before Kafka deletes what the history has not stored, once, and told when it is over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flink_jobs import history_lag_reading
from flink_jobs.history_lag import Lag, LagWatch
from logverse.alert import Alert
from logverse.errors import TryAgain
from logverse.topics import DAY

NOW = 1_790_000_000_000


def lag(days: float, records: int = 10, lost: int = 0, retention: int | None = 7 * DAY) -> Lag:
    return Lag("logs.http", records, NOW - int(days * DAY), lost, retention)


def test_a_history_that_nears_the_retention_fires_once_and_resolves() -> None:
    """At half of what Kafka keeps, until it is below a quarter; in between nothing flutters."""
    watch = LagWatch()

    told = [alert for days in (0, 3.4, 3.6, 4, 3, 1.8, 1.7, 1.9) for alert in watch.observe([lag(days)], NOW)]

    assert [alert.status for alert in told] == ["firing", "resolved"]
    assert len({alert.id for alert in told}) == 1
    assert told[0].explanation.sentence == (
        "history is 3 d 14 h behind on logs.http (10 records): Kafka keeps 7 d, so in 3 d 9 h it deletes what is not stored"
    )
    assert told[1].ends_at == NOW


def test_a_restart_fires_nothing_again() -> None:
    """What fired before is resolved under the id it had."""
    (fired,) = LagWatch().observe([lag(5)], NOW)
    watch = LagWatch([Alert.from_json(fired.to_json())])

    assert watch.observe([lag(5)], NOW + 1) == []
    (resolved,) = watch.observe([Lag("logs.http", 0, None, 0, 7 * DAY)], NOW + 2)

    assert (resolved.status, resolved.id) == ("resolved", fired.id)
    assert resolved.explanation.sentence == "history has caught up with logs.http"


def test_what_is_lost_is_said_plainly() -> None:
    """However young the oldest record is that is still there."""
    (fired,) = LagWatch().observe([lag(0.1, lost=1234)], NOW)

    assert fired.severity == "critical"
    assert fired.explanation.sentence == "history lost 1,234 records of logs.http: Kafka deleted them before they were stored"


@pytest.mark.parametrize("quiet", [lag(300, retention=None), Lag("logs.http", 0, None, 0, 7 * DAY)])
def test_nothing_is_told_of_what_cannot_be_lost(quiet: Lag) -> None:
    """A topic that keeps for ever, or one that is read to its end."""
    assert LagWatch().observe([quiet], NOW) == []


def test_a_kafka_that_does_not_say_how_old_a_record_is_is_asked_again() -> None:
    """An age that is not known is none; taken for zero it would warn nobody."""
    silent: Any = SimpleNamespace(assign=lambda _: None, consume=lambda *_, **__: [])

    with pytest.raises(TryAgain, match="1 of 1 partitions"):
        history_lag_reading._oldest(silent, [history_lag_reading._Spot("logs.http", 0, 5, 0, 9)])
