"""What holds for several rules is written once: `defaults:` of a file, `_defaults.yaml` of a folder, and folders of rule files."""

from __future__ import annotations

import pytest

from flink_jobs.rules.files import BrokenRules, read_rules
from logverse.errors import WrongSettings

COUNT = "{name: %s, type: frequency, num_events: 5}"


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


def test_defaults_hold_for_what_a_rule_leaves_open(write):
    """What a rule says itself wins; labels and conditions add up; an option is for the types that know it."""
    path = write("""
defaults:
  severity: critical
  owner: team-shop
  labels: {team: shop, tier: one}
  where: {service.name: checkout, log.type: http}
  min_count: 20
  timeframe: 2m
rules:
  - {name: a, type: frequency, num_events: 5}
  - name: b
    type: percentage_match
    match: {http.response.status_code: 5xx}
    max_percentage: 5
    severity: info
    window: 30s
    labels: {tier: two}
    where: {log.type: error}
""")

    a, b = read_rules(path)

    assert (a.severity, a.owner, a.window_ms, a.options) == ("critical", "team-shop", 120_000, {"num_events": 5})
    assert (b.severity, b.window_ms, b.options["min_count"]) == ("info", 30_000, 20)
    assert (a.labels, b.labels) == ({"team": "shop", "tier": "one"}, {"team": "shop", "tier": "two"})
    assert b.where == {"service.name": "checkout", "log.type": "error"}


def test_a_folder_has_defaults_of_its_own(write, tmp_path):
    """`_defaults.yaml` holds for the files beside it, nearer ones win, and a file read alone means the same."""
    (tmp_path / "shop").mkdir()
    (tmp_path / ".git").mkdir()
    write("not a rule", ".git/x.yaml")
    write("defaults: {owner: all, severity: info}", "_defaults.yaml")
    write("defaults: {owner: team-shop}", "shop/_defaults.yaml")
    write("- " + COUNT % "a", "a.yaml")
    write("defaults: {owner: team-pay}\nrules:\n- " + COUNT % "b", "b.yml")
    write("- " + COUNT % "c", "shop/c.yaml")

    rules = {rule.name: rule for rule in read_rules(tmp_path)}

    assert {name: (rule.owner, rule.severity) for name, rule in rules.items()} == {
        "a": ("all", "info"), "b": ("team-pay", "info"), "c": ("team-shop", "warning"),
    }  # fmt: skip
    assert read_rules(tmp_path / "b.yml") == [rules["b"]]


def test_what_is_wrong_in_defaults_is_told_there_and_once(write):
    """However many rules they are for."""
    path = write(f"""defaults:
  severity: grave
  window: soon
  ownr: x
  name: all
  where: {{or: [{{log.type: http}}]}}
rules:
  - {COUNT % "a"}
  - {COUNT % "b"}
""")

    assert [(problem.line, problem.field, problem.rule) for problem in broken(path)] == [
        (2, "severity", ""), (3, "window", ""), (4, "ownr", ""), (5, "name", ""), (6, "where", ""),
    ]  # fmt: skip


def test_a_name_taken_in_a_folder_is_told_with_both_places(write, tmp_path):
    """Two files of a folder."""
    write("- " + COUNT % "same", "one.yaml")
    write("- " + COUNT % "same", "two.yaml")

    with pytest.raises(BrokenRules, match=r"two\.yaml:1: rule same: name: is taken: .*one\.yaml:1"):
        read_rules(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [("rules: []", "is unknown here"), ("- a", "has no `defaults:`"), ("defaults: 5", "is not a mapping"), ("a: [", "not YAML")],
)
def test_a_file_of_defaults_that_is_none_is_told(write, text, says):
    """At its own place."""
    path = write(text, "_defaults.yaml")
    write("- " + COUNT % "a", "a.yaml")

    assert any(problem.file == str(path) and says in problem.problem for problem in broken(path.parent))


def test_a_folder_without_rules_is_told(tmp_path):
    """It was meant to hold some."""
    with pytest.raises(WrongSettings, match="has no rule file"):
        read_rules(tmp_path)
