"""The life of an alert in event time, with Prometheus' meaning of `for` and `keep_firing_for`."""

from __future__ import annotations

from flink_jobs.lifecycle import Life, step
from logverse.rule import Rule

PATIENT = Rule("r", "any", for_ms=3_000, keep_firing_for_ms=5_000)
PROMPT = Rule("r", "any")


def lived(rule: Rule, script: str) -> list[tuple[int, str]]:
    """Transitions over seconds 1, 2, …: `!` breached, `-` clear, `~` neither."""
    life, told = Life(), []
    for second, sign in enumerate(script, start=1):
        before = life.status
        life = step(life, breached=sign == "!", clear=sign == "-", at=second * 1000, terms=rule)
        if life.status != before:
            told.append((second, life.status))
    return told


def test_without_patience_it_fires_and_resolves_at_once():
    """With `for` and `keep_firing_for` of zero an alert is never pending nor recovering."""
    assert lived(PROMPT, "--!!-") == [(3, "firing"), (5, "resolved")]


def test_it_is_pending_until_the_condition_has_held_for_long_enough():
    """`for: 3s` means breached at every judgement over three seconds."""
    assert lived(PATIENT, "!!!!") == [(1, "pending"), (4, "firing")]


def test_a_pending_alert_that_never_fires_is_told_inactive():
    """Whoever was told of a pending alert is told that it came to nothing; the next one begins anew."""
    assert lived(PATIENT, "!!-!!!!") == [(1, "pending"), (3, "inactive"), (4, "pending"), (7, "firing")]


def test_it_recovers_before_it_is_resolved():
    """`keep_firing_for: 5s` means clear at every judgement over five seconds."""
    assert lived(PATIENT, "!!!!------") == [(1, "pending"), (4, "firing"), (5, "recovering"), (10, "resolved")]


def test_flapping_back_is_the_same_alert():
    """An alert that recovers and is breached again fires on; its recovery starts from nothing."""
    assert lived(PATIENT, "!!!!--!------") == [
        (1, "pending"), (4, "firing"), (5, "recovering"), (7, "firing"), (8, "recovering"), (13, "resolved"),
    ]  # fmt: skip


def test_between_the_thresholds_it_keeps_firing():
    """A figure below the limit but not yet on the good side of `clear_threshold` ends nothing, and interrupts a recovery."""
    assert lived(PATIENT, "!!!!~~~--~-") == [
        (1, "pending"), (4, "firing"), (8, "recovering"), (10, "firing"), (11, "recovering"),
    ]  # fmt: skip


def test_it_was_over_when_it_became_clear():
    """The end of an alert is when the condition ceased, not when patience ran out."""
    life = Life("firing", active_at=1_000, starts_at=4_000)

    for second in range(10, 16):
        life = step(life, breached=False, clear=True, at=second * 1000, terms=PATIENT)

    assert life == Life("resolved", active_at=1_000, starts_at=4_000, quiet_since=10_000, ends_at=10_000)
