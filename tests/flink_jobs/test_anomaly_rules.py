"""What type `anomaly` does with its detectors: when it learns, when it alerts, what people may tell it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flink_jobs.detectors import DETECTORS
from flink_jobs.detectors.detector import Observation
from flink_jobs.rules.check import check
from logverse.feedback import Feedback
from logverse.model import Model
from logverse.rule import Rule

STEP = 2
RATE = Rule(
    "rate", "anomaly", keep_firing_for_ms=4_000,
    options={"measure": "count", "step": "2s", "max_score": 6, "detector_options": {"min_steps": 20}, "relearn_after": "10m"},
)  # fmt: skip


def usual(row, second: int) -> list:
    """Twenty requests a second, more or less."""
    return [row(second, 20 + second * 7 % 5)]


def surge(row, first: int, last: int):
    """Usual traffic, and ten times of it on one host from `first` on, before `last`."""
    return lambda second: usual(row, second) + ([row(second, 200, host="web-9")] if first <= second < last else [])


def test_a_surge_is_found_told_and_explained(scene, row):
    """The step that is strange fires, with its band, since when, and who makes the difference; when it is over, that is told."""
    stage = scene(RATE)

    stage.lives(surge(row, 200, 220), 0, 240)

    assert stage.told == [(202, "firing"), (222, "recovering"), (226, "resolved")]
    why = stage.alerts[0].explanation
    assert why.expected is not None and 20 < why.expected[0] < why.expected[1] < 80
    assert why.actual > 400
    assert "(usual " in why.sentence and "of what is more than usual: GET /pay on web-9, status 200" in why.sentence
    assert stage.alerts[-1].explanation.contributors[0][0] == "GET /pay on web-9, status 200"


def test_each_strange_step_is_an_anomaly(scene, row, start):
    """Topic `anomalies` hears of every judgement above the threshold, alert or not, once."""
    stage = scene(replace(RATE, for_ms=60_000))

    stage.lives(surge(row, 200, 206), 0, 220)
    found = stage.anomalies

    assert [(one.starts_at - start, one.ends_at - start) for one in found] == [(t * 1000, t * 1000 + 2000) for t in (200, 202, 204)]
    assert all(one.score >= 6 and one.detector == "count" and one.group == {"service.name": "web"} for one in found)
    assert stage.watch.anomalies() == []


def test_it_says_nothing_before_it_has_learnt(scene, row):
    """A service that is new cannot be strange."""
    stage = scene(RATE)

    stage.lives(surge(row, 20, 30), 0, 35)

    assert stage.told == []


def test_silence_is_strange_too(scene, row):
    """Steps in which nothing happens are looked at: traffic that stops is `below`."""
    stage = scene(replace(RATE, options={**RATE.options, "direction": "below"}))

    stage.lives(lambda second: usual(row, second) if second < 200 else [], 0, 210)

    assert stage.told == [(202, "firing")]
    assert stage.alerts[0].explanation.actual == 0.0
    assert "of what is missing" in stage.alerts[0].explanation.sentence


def test_only_the_wanted_direction_alerts(scene, row):
    """`above` lets a drop pass."""
    stage = scene(replace(RATE, options={**RATE.options, "direction": "above"}))

    stage.lives(lambda second: usual(row, second) if second < 200 else [], 0, 230)

    assert stage.told == []


def test_an_incident_is_not_learnt_a_new_level_is_after_a_while(scene, row):
    """Five minutes of surge are still strange at their end; after `relearn_after` the level is the usual one."""
    stage = scene(RATE)

    stage.lives(surge(row, 200, 100_000), 0, 700)
    during = stage.told
    stage.lives(surge(row, 200, 100_000), 700, 2400)

    assert during == [(202, "firing")]
    assert [status for _, status in stage.told] == ["firing", "recovering", "resolved"]
    assert 202 + 600 <= stage.told[1][0] < 2400


def test_what_somebody_calls_normal_is_learnt_at_once(scene, row, story):
    """`alerts mark ID normal`: the alert ends and the level is usual from then on; hearing it again changes nothing."""
    stage = scene(RATE)
    fired = stage.lives(surge(row, 200, 10_000), 0, 230)
    word = Feedback(fired[0].fingerprint, "normal", "ann", at=1_800_000_000_000, rule="rate", group=fired[0].group)

    stage.watch.observe_feedback(word, stage.book)
    state = dict(stage.store.entries)
    stage.watch.observe_feedback(word, stage.book)
    unchanged = stage.store.entries == state
    after = stage.lives(surge(row, 200, 10_000), 230, 500)

    assert unchanged
    assert [status for _, status in story(after)] == ["recovering", "resolved"]
    assert story(after)[0][0] <= 236


def test_what_somebody_calls_important_never_becomes_usual(scene, row):
    """However long it lasts, it stays strange; until somebody takes the word back."""
    stage = scene(RATE)
    stage.lives(surge(row, 200, 10_000), 0, 230)
    word = Feedback(stage.alerts[0].fingerprint, "important", "ann", at=1_800_000_000_000)

    stage.watch.observe_feedback(word, stage.book)
    stage.lives(surge(row, 200, 10_000), 230, 2400)

    assert stage.told == [(202, "firing")]


def test_what_was_learnt_survives_a_restart_and_other_thresholds(scene, row):
    """A crash, or a rule with another `max_score`, does not begin anew."""
    stage = scene(RATE)
    stage.lives(lambda second: usual(row, second), 0, 200)

    stage.crash()
    stage.book.put(replace(RATE, options={**RATE.options, "max_score": 8}))
    stage.lives(surge(row, 200, 220), 200, 206)

    assert stage.told == [(202, "firing")]


def test_a_model_from_history_makes_it_ready(scene, row, start):
    """What was trained elsewhere is the beginning of a series that has not learnt enough itself, before or after it is first seen."""
    detector = DETECTORS["count"].make({"min_steps": 20}, 2000)
    for step in range(300):
        detector.learn(Observation(40.0 + step % 9), at=start - (300 - step) * 2000)
    model = Model("rate", {"service.name": "web"}, "count", RATE.revision, detector.state(), start)
    early, later = scene(RATE), scene(RATE)

    early.watch.observe_model(model, early.book)
    early.crash()
    early.lives(surge(row, 4, 100), 0, 8)
    later.lives(lambda second: usual(row, second), 0, 4)
    later.watch.observe_model(model, later.book)
    later.lives(surge(row, 4, 100), 4, 8)

    assert (early.told, later.told) == ([(6, "firing")], [(6, "firing")])
    assert not any(key.startswith("W:") for key in early.store.entries)


def test_a_model_that_is_heard_again_takes_nothing_away(scene, row, start):
    """After a restart the topic is read from its beginning: a series that is not ready yet goes on from what it has learnt since."""
    detector = DETECTORS["count"].make({"min_steps": 20}, 2000)
    detector.learn(Observation(40.0), at=start - 2000)
    model = Model("rate", {"service.name": "web"}, "count", RATE.revision, detector.state(), start)
    undisturbed, stage = scene(RATE), scene(RATE)

    for one in (undisturbed, stage):
        one.watch.observe_model(model, one.book)
        one.lives(lambda second: usual(row, second), 0, 20)
    stage.crash()
    stage.watch.observe_model(model, stage.book)
    for one in (undisturbed, stage):
        one.lives(lambda second: usual(row, second), 20, 24)

    assert stage.store.entries == undisturbed.store.entries


def test_a_model_of_another_rule_or_service_is_left_alone(scene, row):
    """A watch takes only what is about its own key, and only into a detector it fits."""
    stage = scene(RATE)
    stage.lives(lambda second: usual(row, second), 0, 4)

    stage.watch.observe_model(Model("rate", {"service.name": "shop"}, "count", "", b"{}", 0), stage.book)
    stage.watch.observe_model(Model("gone", {"service.name": "web"}, "count", "", b"{}", 0), stage.book)
    stage.watch.observe_model(Model("rate", {"service.name": "web"}, "count", "", b"{}", 0), stage.book)

    assert not any(key.startswith("W:") for key in stage.store.entries)


def test_late_rows_are_judged_by_what_is_known_now(scene, row):
    """A host that lags a minute raises what it would have raised, and teaches nothing."""
    stage = scene(RATE)
    stage.lives(lambda second: usual(row, second), 0, 300)
    state = stage.store.entries["D:" + next(key[2:] for key in stage.store.entries if key.startswith("D:"))]

    stage.sees(row(240, 400, host="web-9"), late=True)
    stage.until(300)

    assert [status for _, status in stage.told] == ["firing", "resolved"]
    assert stage.told[0][0] == 242
    assert {alert.reason for alert in stage.alerts} == {"late data"}
    assert state == stage.store.entries["D:" + next(key[2:] for key in stage.store.entries if key.startswith("D:"))]


def test_a_share_of_few_is_no_incident(scene, row):
    """One error of two requests is half and means nothing; forty of two hundred are news."""
    options = {"measure": "share", "match": {"http.response.status_code": "5xx"}, "step": "2s", "detector_options": {"min_steps": 20}}
    stage = scene(Rule("share", "anomaly", options=options))

    def rows(second: int) -> list:
        if second >= 240:
            return [] if second % 2 else [row(second, 1), row(second, 1, status=503)]
        errors = 20 if 200 <= second < 202 else int(second % 40 == 0)
        return [row(second, 100), *([row(second, errors, status=503)] if errors else [])]

    stage.lives(rows, 0, 244)

    assert stage.told == [(202, "firing"), (204, "resolved")]
    why = stage.alerts[0].explanation
    assert why.unit == "%" and 15 < why.actual < 18 and why.expected is not None and why.expected[1] < 10


def test_the_one_of_several_names_the_measure(scene, row):
    """A detector of count and latency together says which of them it was."""
    detector_options = {"measures": ["count", "avg_duration"], "min_steps": 300}
    options = {"detector": "half_space_trees", "step": "2s", "detector_options": detector_options}
    stage = scene(Rule("all", "anomaly", options=options))

    stage.lives(lambda second: [row(second, 20 + second * 7 % 5, duration=(0.2 + second % 3 / 50) if second < 1000 else 5.0)], 0, 1010)

    fired = [alert for alert in stage.alerts if alert.status == "firing"]
    assert fired and fired[-1].at > fired[-1].active_at - 1
    assert any("avg_duration" in alert.explanation.sentence for alert in fired)


def test_an_alert_budget_is_a_threshold(scene, row):
    """With a budget the series' own scores make the threshold; a great surge passes it."""
    options = {name: value for name, value in RATE.options.items() if name != "max_score"}
    stage = scene(replace(RATE, options={**options, "alert_budget": "2/week"}))

    stage.lives(surge(row, 200, 220), 0, 205)
    stage.crash()
    stage.lives(surge(row, 200, 220), 205, 240)

    assert [status for _, status in stage.told] == ["firing", "recovering", "resolved"]


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"max_score": 5, "alert_budget": "2/week"}, "alert_budget"),
        ({"detector": "ratio"}, "measure"),
        ({"detector_options": {"min_step": 5}}, "detector_options"),
        ({"measure": "share"}, "match"),
        ({"detector": "half_space_trees", "detector_options": {"measures": ["count", "speed"]}}, "detector_options"),
        ({"measure": "avg"}, "metric_agg_key"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(entry, field):
    """Two thresholds, a measure its detector cannot judge, an option nobody understands: the file's check names the field."""
    made, problems = check({"name": "a", "type": "anomaly", **entry})

    assert made is None
    assert field in {problem.field for problem in problems}


def test_a_series_that_sleeps_costs_nothing_and_keeps_what_it_learnt(scene, row):
    """After a day of silence that nobody wants to hear of, nobody ticks; days later the service is back and known."""
    stage = scene(
        replace(
            RATE,
            options={**RATE.options, "step": "60s", "relearn_after": "2d", "direction": "above", "detector_options": {"min_steps": 10}},
        )
    )
    stage.lives(lambda second: usual(row, second) if second % 2 else [], 0, 1200)
    for hour in range(1, 30):
        stage.until(1200 + 3600 * hour)

    sleeps = not stage.watch.wants_tick()
    states = [key for key in stage.store.entries if key.startswith("D:")]
    stage.crash()
    stage.lives(lambda second: usual(row, second) if second % 2 else [], 200_020, 200_150)

    assert sleeps
    assert len(states) == 1
    assert stage.told == []
