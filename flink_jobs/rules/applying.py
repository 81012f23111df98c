"""Putting rules into force: refuse what cannot work before anything is written, write, and wait until the job has taken it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from flink_jobs.rules import topic
from flink_jobs.rules.check import near
from flink_jobs.rules.confirmation import Confirmations
from logverse.errors import Refused, TryAgain
from logverse.flink import JobManager
from logverse.rule import Rule
from logverse.settings import Settings
from logverse.topics import named

PATIENCE_S = 40.0  # a job that was just submitted answers when its Python workers are up: 20 s on a slow machine
_ENDED = ("FINISHED", "FAILED", "CANCELED", "SUSPENDED")

Change = Literal["new", "changed", "paused", "resumed", "deleted", "unchanged"]
JobState = Literal["runs", "absent", "unknown"]


@dataclass(frozen=True, slots=True)
class Step:
    """One rule and what becomes of it; `former` is None for one that is new."""

    rule: Rule
    former: Rule | None
    change: Change

    @property
    def undone(self) -> Rule:
        """What to write to be where we were."""
        return self.former or replace(self.rule, deleted=True)


def plan_of(wanted: Iterable[Rule], current: Mapping[str, Rule], prune: bool) -> list[Step]:
    """What must be done so that these rules are in force; with `prune`, no others."""
    steps = [Step(rule, current.get(rule.name), change_of(rule, current.get(rule.name))) for rule in wanted]
    names = {step.rule.name for step in steps}
    gone = [rule for name, rule in current.items() if prune and name not in names]
    return steps + [Step(replace(rule, deleted=True), rule, "deleted") for rule in gone]


def change_of(rule: Rule, former: Rule | None) -> Change:
    """What writing `rule` over `former` means."""
    if rule.deleted:
        return "deleted"
    if former is None:
        return "new"
    if rule.revision == former.revision:
        return "unchanged"
    if rule.paused != former.paused:
        return "paused" if rule.paused else "resumed"
    return "changed"


def named_rules(names: Iterable[str], current: Mapping[str, Rule]) -> list[Rule]:
    """The rules of these names; Refused with a near miss when one is not in force."""
    unknown = [name for name in names if name not in current]
    if unknown:
        raise Refused("\n".join(f"no rule {name}\n  → {near(name, current) if current else 'logverse rules apply'}" for name in unknown))
    return [current[name] for name in names]


def job_state(settings: Settings) -> JobState:
    """Whether the detect job of this topic prefix runs, as far as a JobManager can be asked."""
    if not settings.jobmanager:
        return "unknown"
    try:
        jobs = JobManager.of(settings).jobs()
    except TryAgain:
        return "unknown"
    name = named("detect", settings.topic_prefix)
    return "runs" if any(job["name"] == name and job["state"] not in _ENDED for job in jobs) else "absent"


def refuse_unseen(rules: Iterable[Rule], settings: Settings) -> None:
    """Refused, with the way out, when the running job cannot see what a rule is about. Nothing is known before its first start."""
    reach = topic.last_said(settings).reach
    if reach is None:
        return
    reasons = {rule.name: reach.refusal(rule) for rule in rules if rule.runs}
    refused = [f"rule {name}: {reason}" for name, reason in reasons.items() if reason]
    if refused:
        raise Refused("\n".join(["nothing was written, the rules stay as they were", *refused]))


def put_in_force(settings: Settings, steps: list[Step], progress: Callable[[Confirmations], None]) -> JobState:
    """Writes the changes and waits until every subtask of the job has taken them; the answer is whether there is a job.

    Refused when the job cannot see a rule: before anything is written as far as its last word says so, else after all is
    written back. TryAgain when the job runs but does not answer in time: the rules are written then.
    """
    changed = [step for step in steps if step.change != "unchanged"]
    job = job_state(settings)
    if job != "absent":
        refuse_unseen((step.rule for step in changed), settings)
    if not changed:
        return job
    with topic.StatusTail(settings) as tail:
        topic.publish(settings, (step.rule for step in changed))
        if job == "absent":
            return job
        confirmations = Confirmations({step.rule.name: step.rule.revision for step in changed})
        progress(confirmations)
        for status in tail.new(PATIENCE_S):
            confirmations.take(status)
            progress(confirmations)
            if confirmations.refused or not confirmations.missing:
                break
    _judge(settings, changed, confirmations)
    return job


def _judge(settings: Settings, changed: list[Step], confirmations: Confirmations) -> None:
    if confirmations.refused:
        topic.publish(settings, (step.undone for step in changed))
        reasons = [f"rule {name}: {reason}" for name, reason in confirmations.refused.items()]
        raise Refused("\n".join(["the job refused, all rules are back as they were", *reasons]))
    if confirmations.missing:
        raise TryAgain(
            f"written, but not confirmed within {PATIENCE_S:.0f} s: {', '.join(confirmations.missing)}\n"
            "  → the job takes them up when it runs: logverse job status detect, logverse rules list"
        )
