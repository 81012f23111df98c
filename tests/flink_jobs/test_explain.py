"""What an alert says: one line in plain words that a person woken by it understands, and that no log line can forge."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.rules.explain import condition_in_words, label_of, plain
from flink_jobs.rules.plan import Plan
from logverse.rule import Rule

SHARE = Rule(
    "http-5xx-share", "percentage_match", where={"log.type": "http"}, window_ms=10_000,
    options={"match": {"http.response.status_code": "5xx"}, "max_percentage": 5, "min_count": 20},
)  # fmt: skip


def test_firing_says_how_much_since_when_and_who(scene, row):
    """Figure, limit, since when, how many of how many, and what most of them have in common."""
    stage = scene(SHARE)

    stage.sees(row(0, 85), row(0, 13, status=503, host="web-2", method="POST", sample="POST /pay 503"), row(0, 2, status=500, sample="x"))
    (alert,) = stage.until(1)

    assert alert.explanation.sentence == (
        "5xx share of web is 15 % (limit 5 %) since 14:13:21 UTC: 15 of 100 requests in 10 s; "
        "87 % of it: POST /pay on web-2, status 503 (13 of 15); rest of web within the limit"
    )
    assert alert.explanation.contributors == (("POST /pay on web-2, status 503", 13), ("GET /pay on web-1, status 500", 2))
    assert alert.explanation.samples == ("POST /pay 503",)


def test_resolved_says_how_long_and_how_many(scene, row):
    """When it is over: back to what, since when, how long it was, how many events were hit."""
    stage = scene(SHARE)

    stage.lives(lambda second: [row(second, 90)] + ([row(second, 10, status=503)] if second < 5 else []), 0, 15)

    # From 10 s on errors leave: 50/950 at 10 s, 40/940 = 4.3 % at 11 s.
    assert stage.alerts[-1].explanation.sentence == (
        "5xx share of web is back to 4.26 % (limit 5 %) since 14:13:31 UTC; lasted 10 s; 50 matched, "
        "all of them GET /pay on web-1, status 503"
    )


def test_slow_requests_are_counted_from_the_bound_below_the_threshold(scene, row):
    """The histogram knows how many took longer than a bound: the sentence names that bound."""
    options = {
        "metric_agg_type": "percentile", "percentile": 95, "metric_agg_key": "http.server.request.duration", "max_threshold": 1.5,
    }  # fmt: skip
    stage = scene(Rule("slow", "metric_aggregation", options=options))

    stage.sees(row(0, 8, duration=0.1), row(0, 2, duration=2.0, route="/search"))
    (alert,) = stage.until(1)

    assert alert.explanation.sentence == (
        "p95 of http.server.request.duration of web is 2 s (limit 1.5 s) since 14:13:21 UTC: "
        "2 of 10 requests slower than 1 s in 1 min; all of it: GET /search on web-1, status 200"
    )


def test_who_it_was_is_about_the_window_only(scene, row):
    """A host that failed before the window is not blamed for what is failing now."""
    stage = scene(Rule("errors", "frequency", window_ms=10_000, for_ms=15_000, options={"num_events": 5}))

    stage.lives(lambda second: [row(second, 5, host="web-1" if second < 5 else "web-2")], 0, 20)

    assert stage.told == [(1, "pending"), (16, "firing")]
    assert dict(stage.alerts[-1].explanation.contributors) == {"GET /pay on web-2, status 200": 50}


def test_contributors_are_bounded(scene, row):
    """However many hosts fail, the largest are named, the memory stays small."""
    stage = scene(Rule("errors", "frequency", options={"num_events": 5}))

    stage.sees(*(row(0, 1 + number % 100, host=f"web-{number}") for number in range(500)))
    (alert,) = stage.until(1)

    (common, together), *each = alert.explanation.contributors
    assert (common, together, len(each)) == ("GET /pay, status 200", 797, 4)
    assert all(count == 100 for _, count in each)
    assert all(len(value) < 2_000 for key, value in stage.store.entries.items() if key.startswith("B:"))


def test_samples_are_three_capped_lines_and_never_in_the_sentence(scene, row):
    """Log lines are attackers' text: they travel as data, 500 characters of each, newest first."""
    stage = scene(Rule("errors", "frequency", options={"num_events": 5}))
    evil = "\x1b[2J<script>" + "x" * 1000

    for second in range(5):
        stage.sees(row(second, 1, sample=f"{second}{evil}"))
    (alert,) = stage.until(5)

    assert [(sample[0], len(sample)) for sample in alert.explanation.samples] == [("4", 500), ("3", 500), ("2", 500)]
    assert "script" not in alert.explanation.sentence


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_no_value_breaks_the_line(scene, row, route, host, service):
    """Whatever a path or a host is called, the sentence is one printable line of bounded length."""
    stage = scene(Rule("errors", "frequency", options={"num_events": 1}))

    stage.sees(row(0, 1, route=route * 50, host=host * 50, service=service * 50))
    (alert,) = stage.until(1)

    assert alert.explanation.sentence.isprintable()
    assert len(alert.explanation.sentence) < 600


def test_a_label_leaves_out_what_the_reader_knows():
    """Within an alert about a route, the route is not repeated."""
    fields = {"service.name": "web", "http.request.method": "GET", "http.route": "/pay", "http.response.status_code": 500}

    assert label_of(fields.get) == "web: GET /pay, status 500"
    assert label_of(fields.get, ["service.name", "http.route"]) == "GET, status 500"
    assert label_of({"severity_number": 21}.get) == "FATAL"


def test_a_value_in_a_sentence_is_capped():
    """Eighty characters of a value are enough to know it."""
    assert plain("x" * 200) == "x" * 79 + "…"
    assert plain("a\nb\u202e") == "ab"


def test_what_the_group_tells_is_not_said_twice(scene, row):
    """A rule about one service names it once."""
    where = {"service.name": "web", "http.response.status_code": "5xx"}
    stage = scene(Rule("any-5xx", "frequency", where=where, window_ms=10_000, options={"num_events": 3}))

    stage.sees(row(0, 4, status=503))
    (alert,) = stage.until(1)

    assert alert.explanation.sentence.startswith("number of 5xx requests of web is 4 ")


def test_a_rule_in_words():
    """What a list of rules shows."""
    assert condition_in_words(Plan(SHARE)) == "5xx share > 5 %, of at least 20 requests, in 10s, by service.name"
    minimum = Rule("quiet", "metric_aggregation", group_by=(), for_ms=5000, options={"metric_agg_type": "rate", "min_threshold": 0.5})
    assert condition_in_words(Plan(minimum)) == "rate of events < 0.5 events/s, in 1m, for 5s, over all"
