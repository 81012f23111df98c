"""When the types that compare windows or count distinct values fire and are over. Seconds name the end of what was judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from logverse.rule import Rule
from logverse.summary import VIEWS, Summary

DURATION = "http.server.request.duration"


def rule(type: str, window: int = 10, **options: object) -> Rule:
    return Rule("r", type, window_ms=window * 1000, options=options)


def test_a_spike_is_measured_against_the_window_before(scene, row):
    """Three times as many as in the ten seconds before fire; when the window before has them too, it is over."""
    stage = scene(rule("spike", spike_height=3, spike_type="up"))

    stage.lives(lambda second: [row(second, 2 if second < 30 else 10)], 0, 60)

    # At 35 s: 5 * 10 + 5 * 2 = 60 now, 20 before. At 42 s: 100 now, 8 * 2 + 2 * 10 = 36 before.
    assert stage.told == [(35, "firing"), (42, "resolved")]
    why = stage.alerts[0].explanation
    assert (why.actual, why.expected, why.threshold, why.comparison) == (60.0, (20.0, 20.0), 60.0, ">=")


def test_a_spike_names_what_came_on_top(scene, row):
    """Who is to blame is who came on top of the window before, not who is always the busiest."""
    stage = scene(rule("spike", spike_height=2, spike_type="up"))

    stage.lives(lambda second: [row(second, 10)] + ([row(second, 30, route="/new")] if second >= 25 else []), 0, 40)

    sentence = stage.alerts[0].explanation.sentence
    assert "; 100 % of what is more than usual: GET /new on web-1, status 200" in sentence
    assert stage.alerts[0].explanation.contributors[0][0] == "GET /new on web-1, status 200"


def test_a_drop_is_a_spike_down_and_names_who_is_missing(scene, row):
    """A third of what was before fires `down`; the sentence says what is not there."""
    stage = scene(rule("spike", spike_height=3, spike_type="down"))

    stage.lives(lambda second: [row(second, 5), row(second, 5, host="web-2")] if second < 30 else [row(second, 2)], 0, 40)

    # At 39 s: 10 + 9 * 2 = 28 events now, 100 before.
    assert stage.told == [(39, "firing")]
    assert "(usual 100 events)" in stage.alerts[0].explanation.sentence
    assert "of what is missing: GET /pay on web-2, status 200" in stage.alerts[0].explanation.sentence


@pytest.mark.parametrize("threshold", [{"threshold_ref": 40}, {"threshold_cur": 101}])
def test_small_counts_are_no_spike(scene, row, threshold):
    """Below `threshold_ref` before or `threshold_cur` now nothing is judged."""
    stage = scene(rule("spike", spike_height=3, spike_type="both", **threshold))

    stage.lives(lambda second: [row(second, 2 if second < 30 else 10)], 0, 45)

    assert stage.told == []


def test_a_group_that_begins_is_no_spike_unless_asked(scene, row):
    """A host seen for the first time has no window before; `alert_on_new_data` wants it judged nevertheless."""
    cautious = Rule("cautious", "spike", window_ms=10_000, options={"spike_height": 3, "spike_type": "up"})
    eager = replace(cautious, name="eager", options={**cautious.options, "alert_on_new_data": True})
    stage = scene(cautious, eager)

    stage.lives(lambda second: [row(second, 4)], 0, 15)

    assert {alert.rule for alert in stage.alerts} == {"eager"}


def test_spike_aggregation_compares_figures(scene, row):
    """The mean duration trebles: `avg` now against `avg` before, silent windows left out."""
    options = {"metric_agg_type": "avg", "metric_agg_key": DURATION, "spike_height": 3, "spike_type": "up", "min_count": 5}
    stage = scene(rule("spike_aggregation", **options))

    stage.lives(lambda second: [row(second, 2, duration=0.1 if second < 30 else 0.6)], 0, 36)

    # At 35 s: (5 * 0.1 + 5 * 0.6) / 10 = 0.35 s now, 0.1 s before.
    assert stage.told == [(35, "firing")]
    assert round(stage.alerts[0].explanation.actual, 9) == 0.35


def test_flatline_fires_below_the_threshold_and_stays(scene, row):
    """Fewer than five events in ten seconds; a service that stays silent keeps its alert until it is back."""
    stage = scene(rule("flatline", threshold=5))

    stage.lives(lambda second: [row(second)] if second < 15 or second >= 40 else [], 0, 50)

    assert stage.told == [(21, "firing"), (45, "resolved")]


def test_flatline_can_forget_who_is_gone(scene, row):
    """With `forget_keys` a host that was taken away is missed for one window; when it comes back it is new."""
    stage = scene(
        Rule("r", "flatline", group_by=("service.name", "host.name"), window_ms=10_000, options={"threshold": 1, "forget_keys": True})
    )

    stage.lives(lambda second: [row(second, host="web-2")] if second < 5 else [row(second, host="web-1")], 0, 60)

    assert stage.told == [(15, "firing"), (25, "resolved")]
    assert stage.alerts[0].group["host.name"] == "web-2"


def test_cardinality_counts_distinct_values(scene, row):
    """The fourth host within ten seconds is one too many; when hosts leave the window it is over."""
    stage = scene(rule("cardinality", cardinality_field="host.name", max_cardinality=3))

    stage.lives(lambda second: [row(second, host=f"web-{min(second, 5)}")], 0, 30)

    # web-0 to web-3 at 4 s; web-5 alone is seen from 5 s on: three hosts are left when web-2 leaves at 13 s.
    assert stage.told == [(4, "firing"), (13, "resolved")]
    assert "distinct values of host.name of web is 4 values (limit 3 values)" in stage.alerts[0].explanation.sentence


def test_too_few_distinct_values_fire_after_a_window(scene, row):
    """`min_cardinality`: one host where two should be."""
    stage = scene(rule("cardinality", cardinality_field="host.name", min_cardinality=2))

    stage.lives(lambda second: [row(second)], 0, 12)

    assert stage.told == [(10, "firing")]


def test_many_values_are_counted_by_a_sketch_and_take_little_room(scene, row):
    """Thousands of hosts a second are counted two percent off and kept in a kilobyte a bucket."""
    stage = scene(rule("cardinality", cardinality_field="host.name", max_cardinality=4000))

    for second in range(3):
        stage.sees(*(row(second, host=f"web-{second * 2000 + number}") for number in range(2000)))
        stage.until(second + 1)

    assert [second for second, _ in stage.told] == [3]
    assert 5700 <= stage.alerts[0].explanation.actual <= 6300
    assert all(len(value) < 4_000 for key, value in stage.store.entries.items() if key.startswith("B:"))


def test_distinct_paths_of_a_client_come_from_its_sketch(scene, start):
    """A scanner is who asks for many distinct paths, though no summary has the paths themselves."""
    scan = Rule(
        "scan", "cardinality", group_by=("service.name", "client.address"), window_ms=10_000,
        options={"cardinality_field": "url.path", "max_cardinality": 20},
    )  # fmt: skip
    stage = scene(scan)

    def seconds(second: int) -> list[Summary]:
        fields = {"service.name": "web", "log.type": "http", "http.response.status_code": 404}
        return [
            Summary(
                start + second * 1000, tuple((fields | {"client.address": address}).get(name) for name in VIEWS["clients"]), 9,
                view="clients", paths=paths,
            )
            for address, paths in (("10.0.0.66", 0b111111 << (6 * (second % 10))), ("10.0.0.1", 0b11))
        ]  # fmt: skip

    stage.lives(seconds, 0, 8)

    # Six new bits a second: 18 of 62 bits after three seconds stand for 62 * ln(62 / 44) = 21 paths.
    assert stage.told == [(3, "firing")]
    assert stage.alerts[0].group["client.address"] == "10.0.0.66"
    assert stage.alerts[0].explanation.actual == 21
