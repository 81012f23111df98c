"""What a rule says with its alerts is filled in from a fixed set of names, and nothing in a log line can add to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flink_jobs.rules.annotations import NAMES, dressed, problems
from logverse.alert import Alert, Explanation
from logverse.rule import Rule

GROUP = ("service.name", "http.route")
WHY = Explanation("5xx share is 18.4 %", 18.4213, 5.0, ">", "%", 76, 413)
ALERT = Alert("errors", "percentage_match", "firing", "critical", {"service.name": "web", "http.route": "/pay"}, 1_790_000_000_000, 1, WHY)
RULE = Rule(
    "errors", "percentage_match", group_by=GROUP, owner="shop", shadow=True, labels={"team": "a"},
    description="{{service}} has {{ actual }} {{ unit }}",
    runbook_url="https://wiki.example.org/{{ rule }}?route={{ group.http.route }}",
    annotations={"note": "over {{ threshold }}, {{ matched }} of {{ total }}"},
)  # fmt: skip


def test_an_alert_says_what_its_rule_says():
    """Owner as a label, description and runbook as annotations, values filled in; a value in an address is encoded."""
    alert = dressed(ALERT, RULE)

    assert (alert.owner, alert.shadow, alert.labels) == ("shop", True, {"team": "a", "owner": "shop"})
    assert alert.description == "web has 18.42 %"
    assert alert.runbook_url == "https://wiki.example.org/errors?route=%2Fpay"
    assert alert.annotations["note"] == "over 5, 76 of 413"


def test_the_usual_band_can_be_said():
    """Where a detector knows one."""
    strange = replace(ALERT, explanation=replace(WHY, expected=(0.2, 0.9512)))

    assert dressed(strange, replace(RULE, description="usual {{ expected }} {{ unit }}")).description == "usual 0.2-0.9512 %"


def test_a_rule_that_says_nothing_adds_nothing():
    """No empty labels and annotations."""
    alert = dressed(ALERT, Rule("errors", "percentage_match"))

    assert (alert.labels, alert.annotations, alert.shadow) == ({}, {}, False)


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_a_value(name):
    """In words, never an error."""
    text = dressed(ALERT, replace(RULE, description=f"<{{{{ {name} }}}}>")).description

    assert text.startswith("<") and text.endswith(">") and "{" not in text and len(text) > 2


@pytest.mark.parametrize("route", ["{{ owner }}", "{{ group.service.name }}", "\\1 \\g<0>", "<script>", "x" * 10_000])
def test_what_a_log_line_brings_along_is_not_looked_at_again(route):
    """A value that looks like a template stays text, and a long one is cut."""
    alert = replace(ALERT, group={"service.name": "web", "http.route": route})

    text = dressed(alert, replace(RULE, description="at {{ group.http.route }}")).description

    assert text == f"at {route[:200]}"


@pytest.mark.parametrize(
    ("text", "remedies"),
    [
        ("plain { and } are fine", []),
        ("{{ service }} {{group.http.route}} {{ since }}", []),
        ("{{ servce }}", ["did you mean {{ service }}?"]),
        ("{{ $labels.service }}", None),
        ("{{ group.host.name }}", None),
        ("{{ __class__ }}", None),
        ("{{ actual", ["{{ service }}"]),
        ("}} {{ service }}", ["{{ service }}"]),
        ("{{ group.http.rout }}", ["did you mean {{ group.http.route }}?"]),
    ],
)
def test_an_unknown_name_is_a_problem_with_what_was_meant(text, remedies):
    """Told when the file is checked, at the annotation."""
    found = list(problems("annotations", text, GROUP, "note"))

    assert len(found) == (1 if remedies is None else len(remedies))
    assert remedies is None or [one.remedy for one in found] == remedies
    assert {one.key for one in found} <= {"note"}


def test_a_name_that_is_none_on_the_topic_stays_as_it_is():
    """An older record must not keep an alert from being told."""
    assert dressed(ALERT, replace(RULE, description="{{ x.y }} {{ service }}")).description == "{{ x.y }} web"
