"""Which of the ways in which a second is summed up (`logverse.summary.VIEWS`) a rule reads: the first that has all its fields."""

from __future__ import annotations

from collections.abc import Iterable

from flink_jobs.rules.matched import EVENT_FIELDS
from logverse.summary import VIEWS

# What a view is of the busiest of; None in it is all the others together: they count, and are nobody.
BUSIEST: dict[str, str] = {"clients": "client.address", "users": "user.name", "patterns": "log.record.template"}
# What can be counted but not selected: a view has a sketch of how many distinct ones there were (`Summary.paths`).
SKETCHED: dict[str, str] = {"url.path": "clients"}


def view_of(fields: Iterable[str], sketched: str = "") -> str | None:
    """The view of a rule with these fields; None when none has them all. `sketched`: a field of which it wants the sketch.

    >>> view_of(["service.name", "http.route"]), view_of(["client.address", "event.outcome"]), view_of(["user.name", "http.route"])
    ('traffic', 'clients', None)
    """
    wanted = set(fields)
    return next((name for name, has in VIEWS.items() if wanted.issubset(has) and SKETCHED.get(sketched, name) == name), None)


def apart(fields: Iterable[str]) -> str:
    """Why no view has these fields, for whoever wrote the rule.

    >>> apart(["client.address", "http.route"])
    'no summary has client.address and http.route together: http.route is in traffic; client.address is in clients'
    """
    names = list(dict.fromkeys(fields))
    unknown = [name for name in names if not any(name in has for has in VIEWS.values())]
    if unknown:
        either = ", or make it a rule of type `any`" if all(name in EVENT_FIELDS for name in unknown) else ""
        usable = ", ".join(dict.fromkeys(name for has in VIEWS.values() for name in has))
        return f"no summary has {', '.join(unknown)}: use {usable}{either}"
    scarce = [name for name in names if not all(name in has for has in VIEWS.values())]
    held = {view: [name for name in scarce if name in has] for view, has in VIEWS.items()}
    places = "; ".join(f"{', '.join(some)} {'is' if len(some) == 1 else 'are'} in {view}" for view, some in held.items() if some)
    return f"no summary has {' and '.join(scarce)} together: {places}"
