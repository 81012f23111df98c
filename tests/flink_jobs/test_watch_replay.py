"""A watch's results depend on what happened when, not on how the operator was called or how often it crashed."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from flink_jobs.rules.matched import EVENT_FIELDS, MatchedEvent
from logverse.rule import Rule

RULES = (
    Rule("many", "frequency", where={"http.response.status_code": "5xx"}, window_ms=10_000, options={"num_events": 12}),
    Rule(
        "share", "percentage_match", window_ms=20_000, for_ms=3_000, keep_firing_for_ms=4_000,
        options={"match": {"http.response.status_code": "5xx"}, "max_percentage": 30, "min_count": 5, "clear_threshold": 20},
    ),
    Rule("per-host", "frequency", where={"http.response.status_code": "5xx"}, group_by=("service.name", "host.name"),
         window_ms=5_000, keep_firing_for_ms=3_000, options={"num_events": 5}),
    Rule("drop", "metric_aggregation", window_ms=8_000, for_ms=2_000, options={"metric_agg_type": "count", "min_threshold": 4}),
    Rule("slow", "metric_aggregation", window_ms=10_000, options={
        "metric_agg_type": "percentile", "percentile": 90, "metric_agg_key": "http.server.request.duration",
        "max_threshold": 0.8, "min_count": 3}),
    Rule("wide", "frequency", where={"http.response.status_code": "5xx"}, window_ms=300_000, for_ms=7_000, options={"num_events": 30}),
    Rule("spike", "spike", window_ms=6_000, options={"spike_height": 2, "spike_type": "both", "threshold_ref": 2}),
    Rule("slower", "spike_aggregation", window_ms=8_000, options={
        "metric_agg_type": "avg", "metric_agg_key": "http.server.request.duration", "spike_height": 2, "spike_type": "up"}),
    Rule("flat", "flatline", window_ms=7_000, options={"threshold": 3, "forget_keys": True}, no_data="keep"),
    Rule("hosts", "cardinality", window_ms=5_000, options={"cardinality_field": "host.name", "max_cardinality": 1}),
    Rule("new", "new_term", window_ms=5_000, options={"fields": ["host.name", ["http.response.status_code"]], "learning": "10s"}),
    Rule("strange", "anomaly", keep_firing_for_ms=4_000, options={
        "step": "2s", "max_score": 2, "relearn_after": "1m", "detector_options": {"min_steps": 10}}),
    Rule("errors", "anomaly", options={
        "measure": "share", "match": {"http.response.status_code": "5xx"}, "step": "4s", "alert_budget": "100/hour",
        "detector_options": {"min_steps": 10}}),
    Rule("gone", "silence", group_by=("service.name", "host.name"), window_ms=6_000, no_data="alert"),
    Rule("listed", "blacklist", window_ms=5_000, options={"compare_key": "host.name", "blacklist": ["web-2"]}),
    Rule("unlisted", "whitelist", window_ms=5_000, options={"compare_key": "host.name", "whitelist": ["web-1"]}),
    Rule("moved", "change", window_ms=5_000, options={"compare_key": "host.name"}),
    Rule("office", "frequency", window_ms=10_000, options={"num_events": 4}, no_data="alert", schedule={"hours": "14:13-14:14"}),
)  # fmt: skip

# second → rows as (status, count, host, duration)
ROWS = st.tuples(
    st.sampled_from([200, 503]), st.integers(1, 6), st.sampled_from(["web-1", "web-2"]), st.sampled_from([0.004, 0.7, 3.0, 90.0])
)
SCRIPT = st.dictionaries(st.integers(0, 60), st.lists(ROWS, max_size=3), max_size=40)
# arrival second → rows for that many seconds before
LATE = st.dictionaries(st.integers(20, 60), st.tuples(st.integers(1, 18), st.lists(ROWS, min_size=1, max_size=2)), max_size=4)


def single(start: int, second: int, status: int, host: str) -> MatchedEvent:
    """An event of that second, for the rules that see single ones."""
    fields = {"service.name": "web", "http.response.status_code": status, "host.name": host, "body": f"{status} of {host}"}
    return MatchedEvent("c", start + second * 1000 + status, {name: fields.get(name) for name in EVENT_FIELDS})


def played(
    scene: Any, row: Any, start: int, script: Any, late: Any, *, advance_each: int = 1, crash_at: frozenset[int] = frozenset()
) -> Any:
    stage = scene(*RULES)
    for second in range(62):
        for status, count, host, duration in script.get(second, ()):
            stage.sees(row(second, count, status=status, host=host, duration=duration))
            stage.sees_events(single(start, second, status, host))
        if second in crash_at:
            stage.crash()
        if second in late:
            stage.until(second)  # late rows come with the time told before them
            before, rows = late[second]
            stage.sees(*(row(second - before, count, status=s, host=h, duration=d) for s, count, h, d in rows), late=True)
            stage.sees_events(*(single(start, second - before, s, h) for s, _, h, _ in rows), late=True)
            if second in crash_at:
                stage.crash()
            stage.until(second)
        if second % advance_each == 0:
            stage.until(second + 1)
    stage.until(400)  # the widest window is over, and with it every alert that can be
    return sorted(one.to_json() for one in (*stage.alerts, *stage.anomalies)), stage.store.entries


@settings(max_examples=40, deadline=None)
@given(script=SCRIPT, late=LATE, crash_at=st.frozensets(st.integers(0, 61), max_size=5))
@example(script={}, late={57: (3, [(503, 4, "web-1", 0.004)]), 51: (1, [(503, 1, "web-1", 0.004)])}, crash_at=frozenset({0, 57}))
def test_a_restore_at_any_point_changes_nothing(scene, row, start, script, late, crash_at):
    """Whoever restores a watch from its store, in the midst of whatever, is told exactly the same transitions."""
    undisturbed = played(scene, row, start, script, late)

    restored = played(scene, row, start, script, late, crash_at=crash_at)

    assert restored == undisturbed


@settings(max_examples=30, deadline=None)
@given(script=SCRIPT, each=st.sampled_from([2, 3, 7, 30, 1000]))
def test_how_often_time_is_told_changes_nothing(scene, row, start, script, each):
    """A watermark that jumps over seconds or minutes yields the transitions that second-by-second ticks yield."""
    ticked = played(scene, row, start, script, {})

    jumped = played(scene, row, start, script, {}, advance_each=each)

    assert jumped == ticked


@settings(max_examples=10, deadline=None)
@given(script=SCRIPT, late=LATE)
def test_the_same_input_again_gives_the_same_ids(scene, row, start, script, late):
    """A replay gives every transition the id it had, so that whoever delivers them delivers each once."""
    first = played(scene, row, start, script, late)

    second = played(scene, row, start, script, late)

    assert second == first


def test_the_store_is_empty_when_all_is_over(scene, row):
    """A service that went away leaves nothing behind but the time it was judged up to, and what was learnt for when it comes back."""
    lasting = ("drop", "strange", "errors", "new", "moved", "gone", "office")
    stage = scene(*(rule for rule in RULES if rule.name not in lasting))
    for second in range(30):
        stage.sees(row(second, 3, status=503))
        stage.until(second + 1)

    for minute in range(1, 40):
        stage.until(30 + 60 * minute)

    assert list(stage.store.entries) == ["cursor"]
    assert not stage.watch.wants_tick()
