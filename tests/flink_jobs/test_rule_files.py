"""A rule file is understood as written, or refused with everything that is wrong with it: file, line, field and remedy."""

from __future__ import annotations

import pytest

from flink_jobs.rules.files import DEFAULTS, BrokenRules, read_all, read_rules
from logverse.errors import WrongSettings
from logverse.rule import Rule


@pytest.fixture
def write(tmp_path):
    def write(text, name="rules.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def broken(path):
    with pytest.raises(BrokenRules) as caught:
        read_rules(path)
    return caught.value.problems


def test_an_entry_becomes_a_rule(write):
    """Every common field and an option of the type, in the units that travel."""
    path = write("""
rules:
  - name: checkout-errors
    type: percentage_match
    where: {log.type: http, host.name: [a, b]}
    match: {http.response.status_code: 5xx}
    max_percentage: 5.5
    group_by: [service.name, http.route]
    window: 1m30s
    for: 5s
    keep_firing_for: 1m
    severity: critical
    labels: {team: shop, tier: 1}
    annotations: {runbook: look}
    paused: true
    enabled: false
    shadow: true
    owner: team-shop
    runbook_url: https://wiki.example.org/{{ rule }}
    description: "{{ service }} fails at {{ group.http.route }}"
    no_data: keep
    schedule: {days: mon-fri, time_zone: Europe/Berlin}
""")

    assert read_rules(path) == [
        Rule(
            "checkout-errors", "percentage_match", {"log.type": "http", "host.name": ["a", "b"]}, ("service.name", "http.route"),
            90_000, 5_000, 60_000, "critical", {"team": "shop", "tier": "1"}, {"runbook": "look"},
            {"match": {"http.response.status_code": "5xx"}, "max_percentage": 5.5}, paused=True, enabled=False, shadow=True,
            owner="team-shop", runbook_url="https://wiki.example.org/{{ rule }}", no_data="keep",
            description="{{ service }} fails at {{ group.http.route }}", schedule={"days": "mon-fri", "time_zone": "Europe/Berlin"},
        )
    ]  # fmt: skip


def test_a_plain_list_and_elastalerts_words_are_understood(write):
    """A file may be only the list; `timeframe` is the window; one field to group by needs no brackets."""
    path = write("- {name: a, type: frequency, num_events: 3, timeframe: 2m, group_by: service.name, for: 0}")

    assert read_rules(path) == [Rule("a", "frequency", window_ms=120_000, options={"num_events": 3})]


def test_all_problems_are_told_at_once_where_they_stand(write):
    """Three broken rules, seven problems, each at its line."""
    path = write("""rules:
  - name: one
    type: frequancy
  - name: two
    type: frequency
    num_event: 5
    where:
      http.response.status_code: oops
    window: 90
  - name: two
    type: any
""")

    found = broken(path)

    assert [(problem.line, problem.field) for problem in found] == [
        (3, "type"), (4, "num_events"), (6, "num_event"), (8, "where"), (9, "window"), (10, "where"), (10, "name"),
    ]  # fmt: skip
    assert {problem.file for problem in found} == {str(path)}


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ("type: frequancy", "type", "did you mean frequency?"),
        ("severty: info", "severty", "did you mean severity?"),
        ("where: {http.response.status: 500}", "where", "did you mean http.response.status_code?"),
        ("where: {url.path: /x}", "where", "see this field, all others see summaries"),
        ("where: [a]", "where", "not a mapping"),
        ("group_by: [service.nam]", "group_by", "did you mean service.name?"),
        ("group_by: [service.name, service.name]", "group_by", "twice"),
        ("window: 0s", "window", "not between 1s and 1d"),
        ("window: 1500ms", "window", "whole seconds"),
        ("window: 2d", "window", "not between 1s and 1d"),
        ("for: soon", "for", "no duration"),
        ("severity: fatal", "severity", "one of critical, warning, info"),
        ("num_events: 0", "num_events", "not a whole number from 1"),
        ("num_events: true", "num_events", "not a whole number from 1"),
        ("clear_threshold: 9", "clear_threshold", "not below num_events 9"),
        ("labels: [a]", "labels", "not a mapping"),
        ("paused: maybe", "paused", "neither true nor false"),
        ("shadow: 1", "shadow", "neither true nor false"),
        ("enabled: on_fire", "enabled", "neither true nor false"),
        ("no_data: alarm", "no_data", "not one of ok, alert, keep"),
        ("owner: [a]", "owner", "not one line of text"),
        ("runbook_url: wiki", "runbook_url", "no http:// or https:// address"),
        ("runbook_url: 'https://wiki/{{ rul }}'", "runbook_url", "did you mean {{ rule }}?"),
        ("description: '{{ servce }}'", "description", "did you mean {{ service }}?"),
        ("annotations: {a: '{{ group.host.name }}'}", "annotations", "a: {{ group.host.name }} stands for nothing"),
        ("schedule: {days: weekdays}", "schedule", "days: [mon-fri, sun]"),
        ("schedule: {hours: '8-18', time_zone: Berlin}", "schedule", "did you mean Europe/Berlin?"),
        ("where: {or: [{http.rout: /a}]}", "where", "or: 0: http.rout: no such field"),
        ("where: {not: {http.response.status_code: x}}", "where", "not: http.response.status_code: 'x' is no whole number"),
        ("where: {or: {}}", "where", "or: is not a list of mappings"),
        ("group_by: [client.address, http.route]", "group_by", "client.address is in clients"),
        ("name: a b", "name", "no name"),
        ("type:", "type", "one of any"),
        ("timeframe: 5s\n  window: 6s", "timeframe", "keep window"),
    ],
)
def test_each_mistake_has_its_remedy(write, line, field, says):
    """A mistake is told at its field, with what to write instead."""
    entry = {"name": "name: a", "type": "type: frequency", "num_events": "num_events: 9"}
    entry[line.split(":")[0]] = line
    path = write("- " + "\n  ".join(entry.values()))

    found = [problem for problem in broken(path) if problem.field == field]

    assert any(says in str(problem) for problem in found)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ("metric_agg_type: percentile, max_threshold: 1, metric_agg_key: http.server.request.duration", "percentile"),
        ("metric_agg_type: percentile, percentile: 95, max_threshold: 1", "metric_agg_key"),
        ("metric_agg_type: max, max_threshold: 1, metric_agg_key: http.response.body.size", "metric_agg_key"),
        ("metric_agg_type: share, max_threshold: 1", "match"),
        ("metric_agg_type: count", "max_threshold"),
        ("metric_agg_type: count, max_threshold: 5, percentile: 95", "percentile"),
        ("metric_agg_type: count, max_threshold: 5, clear_threshold: 6", "clear_threshold"),
        ("metric_agg_type: count, min_threshold: 5, clear_threshold: 4", "clear_threshold"),
        ("metric_agg_type: count, min_threshold: 5, max_threshold: 9, clear_threshold: 7", "clear_threshold"),
        ("metric_agg_type: median, max_threshold: 5", "metric_agg_type"),
    ],
)
def test_thresholds_that_cannot_work_together_are_refused(write, options, field):
    """An aggregation without what it needs, or with what it does not understand, is told so."""
    path = write("- {name: a, type: metric_aggregation, " + options + "}")

    assert [problem.field for problem in broken(path)] == [field]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("rules:\n  - name: a\n    where: {http.response.status_code: >=500}\n", 3, 'quote values that begin with > ! *'),
        ("rules:\n  - name: a\n  type: any\n", 3, "not YAML"),
        ('rules:\n  - name: a\n    description: "\\ud800"\n', 3, "half a character"),
        ('rules:\n  - name: a\n    where: {"\\udfff": x}\n', 3, "half a character"),
        ("rules: []\n", 1, "no list of rules"),
        ("", 1, "no list of rules"),
        ("rule:\n  - {name: a}\n", 1, "nothing else"),
        ("rules:\n  - a\n", 2, "is not a rule"),
        ("- name: a\n  type: any\n  where: {body: x}\n  type: any\n", 4, "stands here twice, first on line 2"),
        ("- name: a\n  type: any\n  where: !!python/object:os.system {body: x}\n", 3, ""),
    ],
)  # fmt: skip
def test_a_file_that_is_no_rule_file_is_told_where(write, text, line, says):
    """What YAML itself or the file's form makes impossible has a line and a remedy too."""
    found = broken(write(text))

    assert any(problem.line == line and says in str(problem) for problem in found)


def test_a_name_is_taken_across_files(write):
    """Two files that name the same rule are refused together, with both places."""
    one = write("- {name: a, type: any, where: {body: x}}", "one.yaml")
    two = write("- {name: a, type: any, where: {body: y}}", "two.yaml")

    with pytest.raises(BrokenRules) as caught:
        read_all([one, two])

    assert f"{two}:1" in str(caught.value)
    assert f"is taken: {one}:1" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """The user sees which file, not a stack trace."""
    with pytest.raises(WrongSettings, match=r"nothing\.yaml"):
        read_rules(tmp_path / "nothing.yaml")


def test_the_shipped_rules_are_well_formed_and_calm():
    """What comes with LogVerse watches any service: only strong faults call somebody, and small counts of requests never do."""
    rules = {rule.name: rule for rule in read_rules(DEFAULTS)}

    assert {name for name, rule in rules.items() if rule.severity == "critical"} == {"http-5xx-share", "fatal-log", "silent-source"}
    shares = [rule for rule in rules.values() if rule.type in ("percentage_match", "metric_aggregation")]
    assert all(rule.options["min_count"] >= 20 for rule in shares if rule.where["log.type"] == "http")
    assert all(rule.options["min_count"] >= 5 for rule in shares)


def test_a_problem_deep_in_a_condition_has_its_line(write):
    """The line of the key that is wrong, not of the rule."""
    path = write("""rules:
  - name: a
    type: frequency
    num_events: 5
    where:
      or:
        - log.type: http
        - not:
            http.response.status_code: oops
    annotations:
      fine: x
      broken: "{{ nobody }}"
""")

    assert [(problem.line, problem.field) for problem in broken(path)] == [(9, "where"), (12, "annotations")]


@pytest.mark.parametrize(
    ("entry", "field", "says"),
    [
        ("type: blacklist, compare_key: usr.id, blacklist: [root]", "compare_key", "did you mean user.id?"),
        ("type: flatline, threshold: 3, no_data: keep", "no_data", "it would never fire"),
        ("type: silence, no_data: keep", "no_data", "it would never fire"),
        ("type: anomaly, match: {http.response.status_code: 5xx}", "match", "put it into where"),
        ("type: anomaly, percentile: 95", "percentile", "measure: percentile"),
    ],
)
def test_a_rule_that_would_never_do_what_it_says_is_refused(write, entry, field, says):
    """A field that no event has, a silence that nobody judges, a selection that nobody looks at: said by the check, not by the silence."""
    problems = broken(write(f"- {{name: a, {entry}}}"))

    assert [problem.field for problem in problems] == [field]
    assert says in str(problems[0])
