"""The rule types about patterns, through the watch: what is new, what comes too often, what has stopped."""

from __future__ import annotations

import pytest

from flink_jobs.rules.check import check
from logverse.feedback import Feedback
from logverse.template import Label

BOTH = ["service.name", "log.record.template"]


@pytest.fixture
def told(scene):
    """A scene with one rule."""

    def make(**entry):
        rule, problems = check({"name": "a", **entry})
        assert problems == []
        return scene(rule)

    return make


def test_a_new_error_is_told_with_its_text(told, lines):
    """After the learning a line that was never written before fires, explained by its template; what was known before does not."""
    scene = told(type="new_pattern", learning="1m", new_for="30s", window="10s")

    scene.lives(lambda second: [lines(second, f"job {second} failed after 3 s")], 0, 100)
    alerts = scene.lives(lambda second: [lines(second, f"disk /dev/sd{second} is full: 5 of 5 GB", 3)] if second < 105 else [], 100, 160)

    assert [alert.status for alert in alerts] == ["firing", "resolved"]
    why = alerts[0].explanation
    assert "disk /dev/sd100 is full" in why.sentence and "web" in why.sentence
    assert why.samples == ("disk /dev/sd100 is full: 5 of 5 GB",)


def test_nothing_is_new_while_it_learns(told, lines):
    """In the learning period a service may write what it likes."""
    scene = told(type="new_pattern", learning="1m", window="10s")

    assert scene.lives(lambda second: [lines(second, "w" * (second + 1))], 0, 60) == []


def test_only_errors_are_news(told, lines):
    """Without a condition on severity lines below ERROR raise nothing; with one they do."""
    plain, wide = (
        told(type="new_pattern", learning="10s", window="10s"),
        told(type="new_pattern", learning="10s", window="10s", where={"severity_text": ">=INFO"}),
    )

    for scene in (plain, wide):
        scene.lives(lambda second: [lines(second, "up and running", severity=9)], 0, 20)
    rows = [lines(20, "cache is cold", severity=13)]

    assert plain.lives(lambda second: rows if second == 20 else [], 20, 23) == []
    assert [alert.status for alert in wide.lives(lambda second: rows if second == 20 else [], 20, 23)] == ["firing"]


def test_a_new_pattern_may_have_an_alert_of_its_own(told, lines):
    """Grouped by template each new pattern is told by itself, in words."""
    scene = told(type="new_pattern", learning="10s", window="10s", group_by=BOTH)

    scene.lives(lambda second: [lines(second, "old error")], 0, 20)
    alerts = scene.lives(lambda second: [lines(second, "first fault 1"), lines(second, "second trouble x 2")], 20, 22)

    assert [alert.status for alert in alerts] == ["firing", "firing"]
    assert sorted("first fault" in alert.explanation.sentence for alert in alerts) == [False, True]


@pytest.mark.parametrize("pattern", ["login of * failed", "login*", "*"])
def test_a_pattern_that_comes_too_often_is_told(told, lines, pattern):
    """By text with stars or each by itself: the one that came fifty times is told, the other is not."""
    scene = told(type="pattern_rate", pattern=pattern, group_by=BOTH, num_events=50, window="10s")

    alerts = scene.lives(lambda second: [lines(second, "login of ann failed", 10), lines(second, "all is well", 2)], 0, 8)

    assert [alert.status for alert in alerts] == ["firing"]
    assert "login of ann failed" in alerts[0].explanation.sentence
    assert alerts[0].explanation.matched == 50


def test_more_often_than_usual_is_told(told, lines):
    """With a spike_height the window before is the measure."""
    scene = told(type="pattern_rate", pattern="timeout*", spike_height=3, threshold_cur=20, window="10s")

    scene.lives(lambda second: [lines(second, "timeout after 3 s", 2)], 0, 30)
    alerts = scene.lives(lambda second: [lines(second, "timeout after 3 s", 12)], 30, 40)

    assert [alert.status for alert in alerts] == ["firing"]


def test_what_came_regularly_and_stopped_is_missed_until_it_is_back(told, lines):
    """A line of each ten seconds that stops is missed after a window; once it is back that is over."""
    scene = told(type="pattern_vanished", pattern="*", group_by=BOTH, window="20s", regular_for="1m")

    def rows(second):
        beats = [lines(second, "nightly job 7 done")] if second % 10 == 0 and not 120 <= second < 200 else []
        return [*beats, lines(second, "other text")]

    alerts = scene.lives(rows, 0, 220)

    assert [alert.status for alert in alerts] == ["firing", "resolved"]
    assert 130 <= scene.told[0][0] <= 134
    assert "nightly job <*> done" in alerts[0].explanation.sentence
    assert scene.told[1][0] in (201, 202)


def test_what_came_now_and_then_is_not_missed(told, lines):
    """A pattern that was there for less than regular_for, or with pauses of a window, is nobody's habit."""
    scene = told(type="pattern_vanished", pattern="*", group_by=BOTH, window="20s", regular_for="1m")

    alerts = scene.lives(lambda second: [lines(second, "rare words")] if second < 40 or second % 30 == 0 else [lines(second, "x")], 0, 300)

    assert [alert for alert in alerts if "rare" in alert.explanation.sentence] == []


def test_what_is_gone_for_good_is_forgotten(told, lines):
    """After forget_after nobody misses it any more."""
    scene = told(type="pattern_vanished", pattern="beat*", window="10s", regular_for="20s", forget_after="1m")

    alerts = scene.lives(lambda second: [lines(second, "beat 5" if second < 40 else "other")], 0, 150)

    assert [(alert.status, second) for alert, (second, _) in zip(alerts, scene.told, strict=True)] == [("firing", 50), ("resolved", 110)]


def test_an_ignored_pattern_raises_nothing_and_is_not_missed(told, lines):
    """Who ignores a pattern hears no more of it: its alert ends with the reason, and its silence is none."""
    scene = told(type="pattern_rate", pattern="*", group_by=BOTH, num_events=5, window="10s")
    firing = scene.lives(lambda second: [lines(second, "chatter 5", 5)], 0, 5)
    template = firing[0].group["log.record.template"]

    scene.watch.observe_label(Label(template, "web", ignored=True))
    scene.crash()
    alerts = scene.lives(lambda second: [lines(second, "chatter 5", 5)], 5, 40)

    assert [(alert.status, alert.reason) for alert in alerts] == [("resolved", "pattern ignored")]


@pytest.mark.parametrize("crash_each", [1, 7])
def test_a_crash_changes_nothing(told, lines, crash_each):
    """What the watch keeps of patterns and of the rules about them is enough to go on from."""
    entries = (
        {"type": "new_pattern", "learning": "20s", "window": "10s", "new_for": "30s"},
        {"type": "pattern_rate", "pattern": "*", "group_by": BOTH, "num_events": 30, "window": "10s"},
        {"type": "pattern_vanished", "pattern": "*", "group_by": BOTH, "window": "10s", "regular_for": "20s"},
    )

    def rows(second):
        found = (
            [lines(second, f"user {'ab'[second % 2] * 3} logged in after {second} s", second % 9 + 1)]
            if second % 3 and second < 70
            else [lines(second, "tick")]
        )
        return [*found, *([lines(second, f"fault {second} of new kind", 4)] if 40 < second < 50 else [])]

    def lived(entry, each):
        scene = told(**entry)
        for second in range(90):
            if second and second % each == 0:
                scene.crash()
            scene.sees(*rows(second))
            scene.until(second + 1)
        return [alert.to_json() for alert in scene.alerts]

    for entry in entries:
        assert lived(entry, crash_each) == lived(entry, 1000) != []


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"type": "pattern_rate", "pattern": "*", "num_events": 5}, "group_by"),
        ({"type": "pattern_rate", "pattern": "a*"}, "num_events"),
        ({"type": "pattern_rate", "pattern": "", "num_events": 5}, "pattern"),
        ({"type": "pattern_rate", "pattern": "a*", "num_events": 5, "clear_threshold": 5}, "clear_threshold"),
        ({"type": "pattern_vanished", "pattern": "a*", "window": "2h"}, "regular_for"),
        ({"type": "new_pattern", "group_by": []}, "group_by"),
        ({"type": "pattern_rate", "num_events": 5}, "pattern"),
        ({"type": "new_pattern", "where": {"http.route": "/pay"}}, "where"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(entry, field):
    """A rule that means nothing, or would never fire, is refused at the field that is wrong."""
    _, problems = check({"name": "a", **entry})

    assert field in {problem.field for problem in problems}


def test_an_alert_says_what_its_pattern_is_called_now(told, lines):
    """A pattern that became more general, or was given a name, is told so, though its series is older than that."""
    scene = told(type="pattern_rate", pattern="*", group_by=BOTH, num_events=50, window="10s")

    scene.lives(lambda second: [lines(second, f"login of {'ann' if second < 5 else 'bob'} has failed")], 0, 10)
    general = scene.lives(lambda second: [lines(second, "login of bob has failed", 60)] if second == 10 else [], 10, 40)
    scene.watch.observe_label(Label(general[0].group["log.record.template"], "web", name="bad password"))
    named = scene.lives(lambda second: [lines(second, "login of bob has failed", 60)], 40, 42)

    assert "login of <*> has failed" in general[0].explanation.sentence
    assert "bad password" in named[0].explanation.sentence


def test_what_was_said_of_a_pattern_waits_for_it(told, lines, scene):
    """A job that begins anew hears first that a pattern is ignored and then sees it: it raises nothing, also after a crash between."""
    first = told(type="pattern_rate", pattern="*", group_by=BOTH, num_events=50, window="10s")
    alerts = first.lives(lambda second: [lines(second, "all is well", 60)], 0, 2)
    anew = told(type="pattern_rate", pattern="*", group_by=BOTH, num_events=50, window="10s")

    anew.watch.observe_label(Label(alerts[0].group["log.record.template"], "web", ignored=True))
    anew.crash()

    assert anew.lives(lambda second: [lines(second, "all is well", 60)], 0, 2) == []
    assert not any(key.startswith("P:L:") for key in anew.store.entries)


def test_who_says_that_silence_is_normal_ends_this_alert_and_no_other(told, lines):
    """The alert ends at once; said again after a restart, as the job does, the mark does not end the next one."""
    stage = told(type="pattern_vanished", pattern="*", group_by=BOTH, regular_for="30s", window="10s", forget_after="1h")

    def job_done(second):
        return [lines(second, "job done")] if second < 60 or 90 <= second < 150 else []

    fired = stage.lives(job_done, 0, 80)
    mark = Feedback(fired[0].fingerprint, "normal", "ann", 5, rule="a", group=dict(fired[0].group))
    stage.watch.observe_feedback(mark, stage.book)
    over = stage.lives(job_done, 80, 90)
    again = stage.lives(job_done, 90, 180)
    stage.crash()
    stage.watch.observe([], stage.book)
    stage.watch.observe_feedback(mark, stage.book)

    assert [[one.status for one in alerts] for alerts in (fired, over, again)] == [["firing"], ["resolved"], ["firing"]]
    assert stage.lives(job_done, 180, 200) == []
