"""What a series' judge is told from outside: what people said of its alerts, and what was learnt elsewhere."""

from __future__ import annotations

from flink_jobs.rules.plan import Plan
from flink_jobs.rules.roster import SERIES_CAP, Roster, Store
from flink_jobs.rules.series import Series
from logverse.feedback import Feedback
from logverse.model import Model


def tell(series: Series, word: Feedback) -> None:
    """Passes on what somebody said; hearing it again changes nothing."""
    series.course.judge.tell(word.verdict, word.at, word.undo)
    series.next = series.course.due()


def adopt(roster: Roster, store: Store, model: Model, plan: Plan | None) -> None:
    """Gives a model to its series if that has not learnt enough by itself; keeps it for a series that is not there yet.

    Once: after a restart it is heard again, and would take from the series what it has learnt since.
    """
    state = None if plan is None else plan.type.trained(plan, model.state, model.budget)
    if plan is None or state is None or not plan.takes(model.group):
        return
    heard, until = f"H:{model.fingerprint}", str(model.trained_until).encode()
    if store.get(heard) == until:
        return
    series = roster.series.get(model.fingerprint)
    if series is not None:
        if series.course.judge.ready < 1:
            series.course.judge = plan.type.judge(plan, state)
            series.course.judge.changed = True
            series.next = series.course.due()
            series.save(store)
            store.put(heard, until)
    elif roster.waiting < SERIES_CAP:
        roster.waiting += store.get(f"W:{model.fingerprint}") is None
        store.put(f"W:{model.fingerprint}", state)
        store.put(heard, until)
