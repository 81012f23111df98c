"""What history answers about alerts and anomalies, and the times that can be asked for."""

from __future__ import annotations

import pytest

from logverse.errors import Refused, WrongSettings
from storage.history import FOREVER
from storage.query_time import moment
from storage.rows import StoredAlert, StoredAnomaly
from tests.contracts.store_contract import NOON, event
from tests.storage.test_history import history


@pytest.mark.parametrize("text", ["3000y", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00", f"{'9' * 400}y"])
def test_a_moment_beyond_the_calendar_is_said(text):
    """With the flag's name, before anybody is asked."""
    with pytest.raises(WrongSettings, match="beyond the calendar"):
        moment(text, "--since", NOON)


def alert(number, at, status="firing", rule="r", service="web"):
    return StoredAlert(at, f"t{number}-{at}", f"{number:032x}", rule, status, "critical", service, b"{}")


def test_alerts_and_the_course_of_one():
    """Filters fit the columns; an alert is found by the beginning of its id when it is the only one."""
    one, two = 0xAB << 120, 0xAC << 120
    saved = [alert(one, NOON - 3, "pending"), alert(one, NOON - 2), alert(one, NOON - 1, "resolved"), alert(two, NOON - 5, rule="s")]
    asked = history(alerts=saved)

    assert list(asked.alerts(0, FOREVER)) == [saved[2], saved[1], saved[0], saved[3]]
    assert list(asked.alerts(0, FOREVER, status="firing", rule="s", service="web", severity="critical")) == [saved[3]]
    assert asked.timeline("AB") == asked.timeline(saved[0].alert_id) == saved[:3]
    with pytest.raises(Refused, match="2 alerts begin with 'a'"):
        asked.timeline("a")
    with pytest.raises(Refused, match="no alert begins"):
        asked.timeline("f")


def test_anomalies_of_one_service_and_of_all():
    """In time order over services, also those of no service."""
    saved = [StoredAnomaly(NOON - n, str(n), "rule", name, b"{}") for n, name in enumerate(["web", "", "shop", "web"])]
    asked = history(event("web", NOON, "a"), event("shop", NOON, "b"), anomalies=saved)

    assert list(asked.anomalies(0, FOREVER)) == saved
    assert list(asked.anomalies(0, FOREVER, "web", "rule")) == [saved[0], saved[3]]
    with pytest.raises(WrongSettings, match="did you mean web"):
        asked.anomalies(0, FOREVER, "wep")


def test_anomalies_of_a_service_whose_events_are_not_stored():
    """What policy leaves out of the store hides no finding; of another time there is nothing, which is no mistake."""
    found = StoredAnomaly(NOON, "a", "rule", "shop", b"{}")
    asked = history(event("web", NOON, "a"), anomalies=[found])

    assert list(asked.anomalies(0, FOREVER, "shop")) == list(asked.anomalies(0, FOREVER)) == [found]
    assert list(asked.anomalies(NOON + 1, FOREVER, "shop")) == list(asked.anomalies(0, 1, "web")) == []
