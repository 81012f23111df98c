"""The always-firing alert: told each interval while alerts would be told, and quiet as soon as they would not."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerting import configuration
from alerting.channels.webhook import Webhook, WebhookConfig
from alerting.configuration import Watched
from alerting.watchdog import SOONEST_MS, Watchdog
from logverse.errors import Refused, TryAgain, WrongSettings
from tests.alerting.stand_ins import MINUTE, NOON, HttpServer
from tests.alerting.world import Fake


def test_it_is_told_each_interval() -> None:
    """One alert that goes on firing, each time with a key of its own, so that nobody takes it for a repetition."""
    channel = Fake("deadman")
    watchdog = Watchdog(Watched("deadman", (channel,), MINUTE), lambda: "")

    waits = [watchdog.bark(NOON + step) for step in (0, 1, MINUTE - 1, MINUTE, 3 * MINUTE)]

    assert [sent.alert.at - NOON for sent in channel.sent] == [0, MINUTE, 3 * MINUTE]
    assert {(sent.alert.rule, sent.alert.status, sent.alert.severity, sent.alert.id) for sent in channel.sent} == {
        ("watchdog", "firing", "none", channel.sent[0].alert.id)
    }
    assert len({sent.key for sent in channel.sent}) == 3
    assert waits == [MINUTE, MINUTE - 1, SOONEST_MS, MINUTE, MINUTE]


def test_it_is_quiet_when_alerts_would_not_be_told(caplog: pytest.LogCaptureFixture) -> None:
    """The reason is logged once; it comes back by itself."""
    channel, why = Fake("deadman"), ["", "no job detect runs", "no job detect runs", ""]
    watchdog = Watchdog(Watched("deadman", (channel,), MINUTE), lambda: why.pop(0))

    with caplog.at_level("INFO"):
        for step in range(4):
            watchdog.bark(NOON + step * MINUTE)

    assert [sent.alert.at - NOON for sent in channel.sent] == [0, 3 * MINUTE]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "no job detect runs" in caplog.text


@pytest.mark.parametrize("failure", [TryAgain("away"), Refused("no"), RuntimeError("defect")])
def test_a_channel_that_fails_keeps_nobody_from_the_next(failure: Exception) -> None:
    """Neither the other channel nor the next time; nothing is queued."""
    broken, other = Fake("broken", answers=[failure]), Fake("other")
    watchdog = Watchdog(Watched("deadman", (broken, other), MINUTE), lambda: "")

    watchdog.bark(NOON)
    watchdog.bark(NOON + MINUTE)

    assert (len(broken.sent), len(other.sent)) == (1, 2)


def test_a_service_outside_takes_it_as_alertmanagers() -> None:
    """The webhook's body is that of any alert: alertname, severity, no end."""
    server = HttpServer()
    with server.serving() as far_side:
        hook = Webhook(WebhookConfig(url=far_side.url))

        Watchdog(Watched("deadman", (hook,), MINUTE), lambda: "").bark(NOON)

    assert server.requests[0].body["status"] == "firing"
    assert server.requests[0].body["commonLabels"] == {"alertname": "watchdog", "severity": "none"}


ROUTE = """
route: {receiver: ops, watchdog: %s}
receivers:
  - {name: ops, console_configs: [{}]}
  - {name: deadman, webhook_configs: [{url: "https://deadman.example.org/x"}]}
"""


def read(folder: Path, watchdog: str) -> configuration.Receiver:
    path = folder / "alerting.yaml"
    path.write_text(ROUTE % watchdog)
    return configuration.read(path, must_exist=True)


def test_it_is_off_unless_a_receiver_is_named(tmp_path: Path) -> None:
    """And then comes each minute, or as often as asked."""
    assert configuration.CONSOLE_ONLY.watchdog is None
    minute, five = (read(tmp_path, text).watchdog for text in ("{receiver: deadman}", "{receiver: deadman, interval: 5m}"))
    assert minute and five and (minute.every_ms, five.every_ms) == (MINUTE, 5 * MINUTE)
    assert read(tmp_path, "{receiver: deadman}").name == "ops"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{receiver: nobody}", "route.watchdog.receiver: no receiver 'nobody'"),
        ("{}", "route.watchdog.receiver: missing"),
        ("{receiver: deadman, interval: 1s}", "at least 10s"),
        ("{receiver: deadman, interval: soon}", "not a duration"),
        ("{receiver: deadman, every: 1m}", "unknown field"),
    ],
)
def test_a_wrong_watchdog_is_told(tmp_path: Path, text: str, says: str) -> None:
    """At start, with the line."""
    with pytest.raises(WrongSettings) as caught:
        read(tmp_path, text)

    assert says in str(caught.value)
