"""What a notification says."""

from __future__ import annotations

import math
from dataclasses import replace

from alerting import message
from tests.alerting.stand_ins import MINUTE, NOON, alert


def test_one_line_says_what_fires_where_and_since_when() -> None:
    """A firing alert is told as in the design: one line first, the rest below, times in UTC."""
    assert message.text(alert()).split("\n") == [
        "FIRING critical · web · 5xx share is 18.4 % (limit 5 %) · since 12:00:00 UTC",
        " 93 % of it: POST /pay on web-2, status 503 (76 of 82)",
        " 14:02:09 web-2 POST /pay 503 30.0 s client 10.0.3.7",
        " rule http-5xx-share · 18.4 % (threshold: > 5 %) · 2026-11-21, since 12:00:00 UTC, for 38 s",
        f" more: logverse alerts show {alert().id[:12]}",
    ]


def test_the_end_says_how_long_it_lasted_and_how_much_it_was() -> None:
    """A resolved alert is told with its duration and its counts."""
    over = alert("resolved", after=4 * MINUTE + 23_000, sentence="5xx share is back to 0.4 %")

    assert message.headline(over) == (
        "RESOLVED · web · 5xx share is back to 0.4 % · over since 12:04:23 UTC, lasted 4 min 23 s · 82 of the last 446 events"
    )


def test_what_the_sentence_says_is_not_said_twice() -> None:
    """A sentence of the rules that has the time or the duration in it is left as it is."""
    firing = alert(sentence="5xx share of web is 18.4 % since 12:00:00 UTC")
    over = alert("resolved", sentence="5xx share of web is back to 0.4 %; lasted 38 s; 431 matched", reason="rule paused")

    assert message.headline(firing) == "FIRING critical · web · 5xx share of web is 18.4 % since 12:00:00 UTC"
    assert message.headline(over) == "RESOLVED · web · 5xx share of web is back to 0.4 %; lasted 38 s; 431 matched · rule paused"


def test_a_rule_over_everything_names_all_services() -> None:
    """An alert without a group, without contributors and without a figure still reads as a sentence."""
    bare = alert(group={})
    bare = replace(bare, explanation=replace(bare.explanation, contributors=(), samples=(), actual=math.nan))

    assert message.text(bare).split("\n")[:2] == [
        "FIRING critical · all services · 5xx share is 18.4 % (limit 5 %) · since 12:00:00 UTC",
        " rule http-5xx-share · 2026-11-21, since 12:00:00 UTC, for 38 s",
    ]


def test_long_lines_are_cut() -> None:
    """A log line of a megabyte does not make a page of a megabyte."""
    assert len(message.text(alert(sample="x" * 1_000_000, sentence="y" * 1_000_000))) < 2000


def test_labels_are_ones_that_prometheus_takes() -> None:
    """Dots become underscores, a leading digit gets one before it, an empty value is no label, and nobody overrides `alertname`."""
    labels = message.labels_of(alert(group={"service.name": "web", "host.name": ""}, labels={"2nd-team": "pay", "alertname": "x"}))

    assert labels == {"service_name": "web", "_2nd_team": "pay", "alertname": "http-5xx-share", "severity": "critical"}


def test_the_rules_own_summary_wins_and_nothing_is_lost() -> None:
    """A rule's summary stands; its description stands before everything we know."""
    annotations = message.annotations_of(alert(annotations={"summary": "Payment fails", "description": "Call Ann."}))

    assert annotations["summary"] == "Payment fails"
    assert annotations["description"].startswith("Call Ann.\nFIRING critical · web · ")


def test_a_notification_has_a_key_for_each_transition_receiver_and_channel() -> None:
    """Keys differ by transition, receiver and channel, and by nothing else: a replay has the same one."""
    keys = {
        message.key_of(about, receiver, channel)
        for about in (alert(), alert(sentence="replayed"), alert("resolved"), alert(since=NOON + MINUTE))
        for receiver in ("ops", "dev")
        for channel in ("console", "email/a@b.example")
    }

    assert len(keys) == 3 * 2 * 2


def test_a_message_says_whose_it_is_and_where_it_says_what_to_do() -> None:
    """The owner beside the rule, the runbook among the annotations, under Alertmanager's name in the webhook."""
    owned = alert(labels={"owner": "team-\x1b[31mshop"}, annotations={"runbook_url": "https://wiki.example.org/5xx"})

    text = message.text(owned)

    assert "owner team-\\x1b[31mshop" in text
    assert "runbook_url: https://wiki.example.org/5xx" in text
    assert message.annotations_of(owned)["runbook_url"] == "https://wiki.example.org/5xx"
    assert message.labels_of(owned)["owner"] == "team-\x1b[31mshop"
