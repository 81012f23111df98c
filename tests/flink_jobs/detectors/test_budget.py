"""An alert budget: from the claim of the scores at first, from what they did later."""

from __future__ import annotations

from math import log10
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.detectors.budget import AlertBudget, budget_problem

MINUTE = 60_000
WEEK = 7 * 24 * 60


def week(budget: AlertBudget, draw: Random, inflated: float) -> int:
    """Alerts in a week of scores that claim more (`inflated` > 1) than they are."""
    alerts, firing = 0, False
    for _ in range(WEEK):
        score = -log10(1 - draw.random()) * inflated
        above = score >= budget.threshold()
        alerts += above and not firing
        firing = above
        budget.observe(score)
    return alerts


@pytest.mark.parametrize("inflated", [0.7, 1.0, 1.5])
def test_a_budget_is_kept_in_the_mean(inflated):
    """Scores that exaggerate by half bring about two alerts a week after some weeks, and honest ones do at once."""
    budget, draw = AlertBudget("2/week", MINUTE), Random(1)
    for _ in range(6):
        week(budget, draw, inflated)

    alerts = [week(budget, draw, inflated) for _ in range(8)]

    assert sum(alerts) / len(alerts) <= 3
    assert budget.threshold() == pytest.approx(3.7 * inflated, abs=0.6)


def test_a_larger_budget_has_a_lower_threshold():
    """A fresh series is judged by what the scores claim: one of 10,080 minutes in a week scores 4."""
    thresholds = [AlertBudget(written, MINUTE).threshold() for written in ("1/month", "1/week", "2/week", "1/day", "1/hour")]

    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[1] == pytest.approx(4, abs=0.11)


def test_an_incident_counts_once():
    """An hour of high scores is one run: the budget thinks in alerts, not in steps."""
    budget = AlertBudget("2/week", MINUTE)
    before = budget.threshold()
    for _ in range(WEEK):
        budget.observe(0.1)
    for _ in range(60):
        budget.observe(20.0)
    for _ in range(10):
        budget.observe(0.1)

    assert budget.threshold() <= before


@given(st.lists(st.floats(0, 300), max_size=300), st.integers(0, 300))
@settings(deadline=None)
def test_a_crash_changes_nothing(scores, cut):
    """Restored from its state it goes on as if uninterrupted, and the state stays small."""
    one, other = AlertBudget("3/day", MINUTE), AlertBudget("3/day", MINUTE)
    for place, score in enumerate(scores):
        if place == cut:
            kept = AlertBudget.restore(other.state(), "3/day", MINUTE)
            assert kept is not None
            other = kept
        for _ in range(3):
            one.observe(score)
            other.observe(score)

    assert one.state() == other.state()
    assert len(one.state()) < 10 * 1024


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", AlertBudget("1/day", MINUTE).state(), AlertBudget("2/week", 1000).state()])
def test_another_budgets_state_is_left(data):
    """What another budget, step or hand wrote starts anew."""
    assert AlertBudget.restore(data, "2/week", MINUTE) is None


@pytest.mark.parametrize("wrong", ["", "2", "0/week", "2/year", "-1/day", "2/week ", "२/week", 2, None, ["2/week"]])
def test_what_is_no_budget_is_said(wrong):
    """The problem names the form."""
    assert "2/week" in budget_problem(wrong)
    assert budget_problem("2/week") == ""
