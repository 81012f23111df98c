"""What becomes of an alert when there is nothing to judge, and when the rule's schedule does not let it be judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from logverse.rule import Rule

SHARE = Rule(
    "share", "percentage_match", window_ms=10_000, options={"match": {"http.response.status_code": "5xx"}, "max_percentage": 50},
)  # fmt: skip


@pytest.mark.parametrize(
    ("no_data", "told"),
    [
        ("ok", [(1, "firing"), (15, "resolved")]),
        ("keep", [(1, "firing"), (32, "resolved")]),
        ("alert", [(1, "firing"), (32, "resolved")]),
    ],
)  # fmt: skip
def test_an_alert_whose_data_stop(scene, row, no_data, told):
    """By default it is over; `keep` and `alert` hold it until there is something to judge again."""
    stage = scene(replace(SHARE, no_data=no_data))

    stage.lives(lambda second: [row(second, 5, status=503)] if second < 5 else [row(second, 9)] if second >= 31 else [], 0, 40)

    assert stage.told == told


def test_no_data_can_be_an_alert_of_its_own(scene, row):
    """A service that was well and falls silent is told as having no data."""
    stage = scene(replace(SHARE, no_data="alert"))

    stage.lives(lambda second: [row(second, 5)] if second < 5 or second >= 40 else [], 0, 50)

    assert stage.told == [(15, "firing"), (41, "resolved")]
    assert "share of web: no data since" in stage.alerts[0].explanation.sentence


def test_a_pending_alert_that_is_kept_fires(scene, row):
    """`keep` lets patience go on: what was too much when the data stopped is told when `for` is over."""
    stage = scene(replace(SHARE, no_data="keep", for_ms=30_000))

    stage.lives(lambda second: [row(second, 5, status=503)] if second < 5 else [], 0, 60)
    stage.until(100_000)

    assert stage.told == [(1, "pending"), (31, "firing")]


BUSY = Rule(
    "busy", "frequency", window_ms=10_000, options={"num_events": 5},
    schedule={"days": "mon-fri", "hours": "14:14-14:16", "time_zone": "UTC"},
)  # fmt: skip


def test_a_rule_is_judged_only_on_its_schedule(scene, row):
    """Too much at night calls nobody; what still is too much when the day begins does, and its end ends the alert."""
    stage = scene(BUSY)  # second 0 is a Monday, 14:13:20 UTC

    stage.lives(lambda second: [row(second)], 0, 200)

    assert stage.told == [(40, "firing"), (160, "resolved")]
    assert "not judged now, says the schedule" in stage.alerts[1].explanation.sentence


def test_a_schedule_that_begins_over_a_lasting_silence_fires(scene, row):
    """A minimum that was undercut at night is told in the morning, though nothing has happened since, and after a crash too."""
    stage = scene(replace(BUSY, type="flatline", options={"threshold": 1}, schedule={"hours": "15:13-15:40"}))

    stage.lives(lambda second: [row(second)] if second < 5 else [], 0, 60)
    stage.crash()
    for minute in range(1, 62):
        stage.until(minute * 60)

    assert stage.told == [(3580, "firing")]
    assert stage.watch.wants_tick()


def test_patience_begins_with_the_schedule(scene, row):
    """Pending before the schedule ends is told as over, not as fired."""
    stage = scene(replace(BUSY, for_ms=115_000))

    stage.lives(lambda second: [row(second)], 0, 200)

    assert stage.told == [(40, "pending"), (155, "firing"), (160, "resolved")]


def test_a_shadow_says_so(scene, row):
    """An alert of a rule on trial carries it, so that the sink tells nobody."""
    stage = scene(Rule("trial", "frequency", shadow=True, owner="shop", options={"num_events": 5}))

    stage.lives(lambda second: [row(second, 5)], 0, 1)

    assert [(alert.shadow, alert.owner) for alert in stage.alerts] == [(True, "shop")]
