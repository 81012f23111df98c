"""When each type of rule fires and when it is over, second by second. Seconds name the end of what was judged."""

from __future__ import annotations

from flink_jobs.rules.matched import EVENT_FIELDS, MatchedEvent
from logverse.rule import Rule

DURATION = "http.server.request.duration"


def rule(type: str, window: int = 10, **options: object) -> Rule:
    return Rule("r", type, window_ms=window * 1000, options=options)


def test_frequency_fires_at_num_events_and_ends_below(scene, row):
    """Two events a second: five are there after the third second; the last leave the window ten seconds after they came."""
    stage = scene(rule("frequency", num_events=5))

    stage.lives(lambda second: [row(second, 2)] if second < 4 else [], 0, 30)

    assert stage.told == [(3, "firing"), (12, "resolved")]


def test_frequency_counts_only_what_it_is_about(scene, row):
    """Events that do not meet `where` do not count."""
    stage = scene(Rule("r", "frequency", where={"http.response.status_code": "5xx"}, options={"num_events": 3}))

    stage.lives(lambda second: [row(second, 50, status=200), row(second, 1, status=503)], 0, 5)

    assert stage.told == [(3, "firing")]


def test_each_group_has_an_alert_of_its_own(scene, row):
    """With a host in group_by, the host that fails is named and the other stays silent."""
    stage = scene(Rule("r", "frequency", group_by=("service.name", "host.name"), window_ms=10_000, options={"num_events": 5}))

    stage.lives(lambda second: [row(second, 3, host="web-2"), row(second, 1 - second % 2, host="web-1")], 0, 4)

    assert [(alert.at, dict(alert.group)) for alert in stage.alerts] == [
        (stage.alerts[0].at, {"service.name": "web", "host.name": "web-2"})
    ]
    assert stage.told == [(2, "firing")]


def test_percentage_fires_above_the_share_and_not_on_small_counts(scene, row):
    """One error in two requests is half, but below `min_count` nobody is called."""
    stage = scene(rule("percentage_match", match={"http.response.status_code": "5xx"}, max_percentage=25, min_count=10))

    stage.lives(lambda second: [row(second, 1), row(second, 1, status=503)] if second < 6 else [row(second, 10)], 0, 20)

    # After 5 s: 5 of 10. At 8 s: 6 errors of 12 + 20 requests are 18.75 %.
    assert stage.told == [(5, "firing"), (8, "resolved")]
    assert (stage.alerts[0].explanation.actual, stage.alerts[1].explanation.actual) == (50.0, 18.75)


def test_a_share_that_is_too_low_fires_only_after_a_whole_window(scene, row):
    """`min_percentage` judges a group not before it is known for one window."""
    stage = scene(rule("percentage_match", match={"http.response.status_code": "2xx"}, min_percentage=90))

    stage.lives(lambda second: [row(second, 1), row(second, 1, status=404)], 0, 13)

    assert stage.told == [(10, "firing")]


def test_a_count_that_falls_silent_fires(scene, row):
    """`min_threshold` on a count fires when the group's events stop, and ends when they are back."""
    stage = scene(rule("metric_aggregation", metric_agg_type="count", min_threshold=5))

    stage.lives(lambda second: [row(second)] if second < 15 or second >= 30 else [], 0, 40)

    # From 15 s on one event a second leaves: at 21 s there are 4 (11..14). At 35 s five are back.
    assert stage.told == [(21, "firing"), (35, "resolved")]


def test_a_new_group_does_not_fire_a_minimum(scene, row):
    """A group first seen less than a window ago is not yet too quiet."""
    stage = scene(rule("metric_aggregation", metric_agg_type="count", min_threshold=5))

    stage.lives(lambda second: [row(second)], 3, 12)

    assert stage.told == []


def test_rate_is_events_a_second_over_the_whole_window(scene, row):
    """Thirty events in ten seconds are three a second."""
    stage = scene(rule("metric_aggregation", metric_agg_type="rate", max_threshold=2.9))

    stage.lives(lambda second: [row(second, 6)], 0, 6)

    assert stage.told == [(5, "firing")]
    assert (stage.alerts[0].explanation.actual, stage.alerts[0].explanation.unit) == (3.0, "events/s")


def test_share_aggregation_is_in_percent(scene, row):
    """`share` with a `match` is percentage_match by another name."""
    stage = scene(rule("metric_aggregation", metric_agg_type="share", match={"http.response.status_code": [500, 503]}, max_threshold=40))

    stage.lives(lambda second: [row(second, 1), row(second, 1, status=503)], 0, 1)

    assert [alert.explanation.actual for alert in stage.alerts] == [50.0]


def test_percentile_of_durations(scene, row):
    """Nine fast and one slow of ten: the p95 lies in the slow one's bucket, halfway from 2.5 s to what the slowest took."""
    options = {"metric_agg_type": "percentile", "percentile": 95, "metric_agg_key": DURATION, "max_threshold": 1, "min_count": 10}
    stage = scene(rule("metric_aggregation", **options))

    stage.lives(lambda second: [row(second, 9, duration=0.004), row(second, 1, duration=4.0)], 0, 1)

    # rank 9.5 of 10; bucket (2.5, 5.0] holds the 10th: 2.5 + 2.5 * 0.5 = 3.75, and nothing took longer than 4.
    assert [alert.explanation.actual for alert in stage.alerts] == [3.75]
    assert (stage.alerts[0].explanation.matched, stage.alerts[0].explanation.total) == (1, 10)


def test_average_maximum_and_sum_of_durations(scene, row):
    """Three requests of 0.1 s and one of 0.7 s: 0.25 s in the mean, 0.7 s at most, 1 s together."""
    limits = {"avg": 0.2, "max": 0.6, "sum": 0.9}
    stage = scene(*(
        Rule(kind, "metric_aggregation", options={"metric_agg_type": kind, "metric_agg_key": DURATION, "max_threshold": limit})
        for kind, limit in limits.items()
    ))  # fmt: skip

    stage.lives(lambda second: [row(second, 3, duration=0.1), row(second, 1, duration=0.7)], 0, 1)

    assert [(alert.rule, round(alert.explanation.actual, 9)) for alert in stage.alerts] == [("avg", 0.25), ("max", 0.7), ("sum", 1.0)]


def test_a_silent_series_has_no_percentile(scene, row):
    """Without requests there is no latency: the alert is over when the last slow one left the window."""
    stage = scene(rule("metric_aggregation", metric_agg_type="max", metric_agg_key=DURATION, max_threshold=1))

    stage.lives(lambda second: [row(second, duration=3.0)] if second == 0 else [], 0, 15)

    assert stage.told == [(1, "firing"), (11, "resolved")]
    assert "without requests enough to judge" in stage.alerts[1].explanation.sentence


def event(start: int, second: float, clause: str = "severe", **fields: str | int) -> MatchedEvent:
    known = {"service.name": "web", "severity_number": 21, "body": "disk full"} | {
        name.replace("_1_", "."): v for name, v in fields.items()
    }
    return MatchedEvent(clause, start + round(second * 1000), {name: known.get(name) for name in EVENT_FIELDS})


def test_any_fires_at_one_event_and_ends_a_window_later(scene, start):
    """One fatal line calls somebody; a window without another one ends it."""
    stage = scene(Rule("fatal", "any", where={"severity_text": "FATAL"}, window_ms=10_000))

    stage.sees_events(event(start, 2.4), event(start, 2.5, severity_number=17))
    stage.until(40)

    assert stage.told == [(3, "firing"), (13, "resolved")]
    assert stage.alerts[0].explanation.samples == ("disk full",)
    assert stage.alerts[0].explanation.total == 1


def test_an_event_that_passes_two_clauses_counts_once(scene, start):
    """A rule takes events from the clause that was made for it, however many clauses an event passes."""
    from flink_jobs.rules.book import RuleBook
    from flink_jobs.rules.reach import Reach

    fatal = Rule("fatal", "any", where={"severity_text": "FATAL"})
    disk = Rule("disk", "any", where={"body": "/disk/"})
    stage = scene()
    stage.book = RuleBook([fatal, disk], Reach.of([fatal, disk]))
    clauses = list(Reach.of([fatal, disk]).clauses)

    stage.sees_events(*(event(start, 1, clause) for clause in clauses))
    stage.until(2)

    assert len(clauses) == 2
    assert {alert.rule: alert.explanation.total for alert in stage.alerts} == {"fatal": 1, "disk": 1}
