"""What becomes of each rule when files are applied, and when the running job has confirmed it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flink_jobs.rules.applying import named_rules, plan_of
from flink_jobs.rules.confirmation import Confirmations, LastSaid
from flink_jobs.rules.reach import Reach
from logverse.errors import Malformed, Refused
from logverse.rule import Rule
from logverse.rule_status import ReachStatus, RuleStatus, read_status

A = Rule("a", "frequency", options={"num_events": 1})
B = Rule("b", "frequency", options={"num_events": 2})


def said(rule: Rule, subtask: int, refusal: str | None = None, job: str = "detect") -> RuleStatus:
    return RuleStatus.of(rule, job=job, subtask=subtask, parallelism=2, refusal=refusal, clock=lambda: 7)


@pytest.mark.parametrize(
    ("rule", "former", "change"),
    [
        (A, None, "new"),
        (A, A, "unchanged"),
        (A, replace(A, options={"num_events": 9}), "changed"),
        (A, replace(A, paused=True), "resumed"),
        (replace(A, paused=True), A, "paused"),
    ],
)
def test_each_rule_is_said_what_becomes_of_it(rule, former, change):
    """The user reads new, changed, paused, resumed or unchanged for every rule of the file."""
    (step,) = plan_of([rule], {"a": former} if former else {}, prune=False)

    assert step.change == change
    assert step.undone == (former or replace(rule, deleted=True))


def test_rules_that_are_not_in_the_files_stay_unless_pruned():
    """Applying one team's file does not delete another's rules."""
    assert [step.rule.name for step in plan_of([A], {"a": A, "b": B}, prune=False)] == ["a"]
    assert plan_of([A], {"a": A, "b": B}, prune=True)[1].rule == replace(B, deleted=True)


def test_a_misspelt_name_is_met_with_the_near_miss():
    """`pause` of a rule that is not there names the one that may be meant."""
    with pytest.raises(Refused, match=r"did you mean http-latency-p95\?"):
        named_rules(["http-latency-95"], {"http-latency-p95": A})


def test_a_rule_is_confirmed_when_every_subtask_of_a_job_said_so():
    """One of two subtasks is not enough; neither are one each of two jobs."""
    confirmations = Confirmations({"a": A.revision, "b": B.revision})

    confirmations.take(said(A, 0))
    confirmations.take(said(A, 1, job="other"))
    confirmations.take(said(replace(B, severity="info"), 0))
    confirmations.take(said(B, 1))
    half = (confirmations.confirmed, confirmations.missing, confirmations.words("a"))
    confirmations.take(said(B, 0))

    assert half == ([], ["a", "b"], "1 of 2 subtasks")
    assert (confirmations.confirmed, confirmations.missing) == (["b"], ["a"])
    assert confirmations.words("b") == "2 of 2 subtasks"


def test_one_refusal_is_enough():
    """A rule that any subtask refused is not in force, with its reason."""
    confirmations = Confirmations({"a": A.revision})

    for subtask in (0, 1):
        confirmations.take(said(A, subtask, "cannot see it"))

    assert (confirmations.refused, confirmations.confirmed, confirmations.missing) == ({"a": "cannot see it"}, [], [])
    assert confirmations.words("a") == "refused: cannot see it"


def test_the_newest_reach_counts_and_a_later_yes_goes_over_a_no():
    """After an upgrade of the job, a rule that it refused before is confirmed."""
    reach = [
        ReachStatus("detect", {"clauses": {}, "views": {"traffic": names}, "event_fields": []}, at)
        for names, at in ((["x"], 2), (["y"], 1))
    ]

    last = LastSaid.of([said(A, 0, "no"), *reach, said(A, 0), said(A, 1)])

    assert last.reach == Reach({}, {"traffic": ("x",)}, ())
    assert last.confirmations({"a": A.revision}).confirmed == ["a"]


def test_a_status_travels_as_json():
    """What a subtask says is what the command reads; what is neither kind is malformed."""
    status, reach = said(A, 1, "no"), ReachStatus("detect", {"clauses": {}}, 3)

    assert read_status(status.to_json()) == status
    assert read_status(reach.to_json()) == reach
    assert (status.status, status.reason, status.at) == ("refused", "no", 7)
    for text in (b"", b"[]", b"{}", b'{"kind": "rule"}', b"null"):
        with pytest.raises(Malformed):
            read_status(text)


@pytest.mark.parametrize(("change", "state"), [({"paused": True}, "paused"), ({"deleted": True}, "deleted"), ({}, "active")])
def test_a_status_says_what_the_record_asked_for(change, state):
    """Pausing and deleting are confirmed as such."""
    assert said(replace(A, **change), 0).status == state
