"""Why an alert is what it is: one sentence in plain words, with the figures, since when, and who is to blame."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flink_jobs.rules.blame import Part, contributors, label_of, plain
from flink_jobs.rules.conditions import ALIASES, WORDS
from flink_jobs.rules.evidence import query
from flink_jobs.rules.judge import Judgement
from flink_jobs.rules.limit import Limit
from logverse import durations, instant, severity
from logverse.alert import Explanation
from logverse.instant import Millis

if TYPE_CHECKING:
    from flink_jobs.lifecycle import Life
    from flink_jobs.rules.plan import Plan

__all__ = ["Finding", "condition_in_words", "explanation", "label_of", "plain"]

_WORTH = 0.3  # of the difference: less of it is not named in the sentence


@dataclass(frozen=True, slots=True)
class Finding:
    """The figures behind one judgement, at event time `at`: in the window, and (`matched_since`, `total_since`) since it became active.

    `blame` counts traits (blame.py) of the blamed events, over the window while it lasts, over all of it when it is over; `usual`
    is what they count otherwise, when that is known.
    """

    at: Millis
    judgement: Judgement
    limit: Limit
    total: int
    matched: int
    matched_since: int
    total_since: int
    blame: Mapping[str, int]
    usual: Mapping[str, float] | None
    samples: tuple[str, ...]

    @property
    def actual(self) -> float | None:
        return self.judgement.actual


def number(value: float, unit: str = "") -> str:
    """A figure as a person writes it: three significant digits, thousands kept whole.

    >>> number(18.4021, "%"), number(0.5, "s"), number(12345.6, "events"), number(1, "events")
    ('18.4 %', '0.5 s', '12346 events', '1 event')
    """
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    counted = unit in ("events", "requests", "values")
    return f"{text} {unit[:-1] if counted and text == '1' else unit}".strip()


def in_words(where: Mapping[str, object]) -> str:
    """Conditions as a reader takes them in: "5xx", "severity ERROR", "GET /pay", "host.name web-*".

    >>> in_words({"http.response.status_code": "5xx"}), in_words({"severity_number": ">=17"}), in_words({})
    ('5xx', 'severity >=ERROR', '')
    >>> in_words({"or": [{"http.response.status_code": "5xx"}, {"not": {"host.name": "web-1"}}]})
    '(5xx or not (host.name web-1))'
    """
    parts = []
    for name, written in where.items():
        if name in WORDS:
            parts.append(_joined(name, written))
            continue
        value = plain(", ".join(map(str, written)) if isinstance(written, list | tuple) else written)
        if ALIASES.get(name, name) == "severity_number":
            digits = value.lstrip("<>!= ")
            value = value.replace(digits, severity.text_of(int(digits))) if digits.isdigit() else value
            parts.append(f"severity {value}")
        elif name in ("http.response.status_code", "log.type", "http.request.method", "http.route", "event_name"):
            parts.append(value)
        else:
            parts.append(f"{name} {value}")
    return " ".join(parts)


def _joined(word: str, written: Any) -> str:
    """What `and`, `or` or `not` puts together: "(5xx or severity FATAL)", "not (GET /pay)"."""
    if word == "not":
        return f"not ({in_words(written)})"
    return "(" + f" {word} ".join(in_words(part) for part in written) + ")"


def subject(plan: Plan, told: Container[str] = ()) -> str:
    """What the figure is about: "5xx share", "number of severity FATAL events", "p95 of http.server.request.duration".

    Conditions on what is `told` beside it are left out.
    """
    match = in_words(plan.rule.options.get("match", {}))
    where = in_words({name: value for name, value in plan.rule.where.items() if name not in told})
    if plan.measure.subject == "share":
        return f"{match} share" + (f" of {where}" if where and where != "http" else "")
    if plan.measure.subject in ("number", "rate"):
        return f"{plan.measure.subject} of {f'{where} ' if where else ''}{_noun(plan)}"
    return plan.measure.subject + (f" ({where})" if where and where != "http" else "")


def explanation(plan: Plan, group: Mapping[str, str], life: Life, finding: Finding, said: Mapping[str, str] = {}) -> Explanation:
    """The explanation of a transition to `life`. `said`: what to say instead of a value of the group (a template's text)."""
    over = life.status in ("resolved", "inactive", "recovering")
    parts = contributors(finding.blame, None if over else finding.usual, missing=finding.limit.comparison in ("<", "<="))
    words = _over if over else _active
    until = finding.at if life.ends_at is None else life.ends_at
    return Explanation(
        sentence=words(plan, {name: said.get(value, value) for name, value in group.items()}, life, finding, parts),
        actual=finding.actual if finding.actual is not None else 0.0,
        threshold=finding.limit.threshold,
        comparison=finding.limit.comparison,
        unit=plan.measure.unit,
        matched=finding.matched_since if over else finding.matched,
        total=finding.total_since if over else finding.total,
        contributors=tuple((part.label, part.count) for part in parts),
        samples=finding.samples,
        expected=finding.judgement.expected,
        query=query(plan, group, life.active_at - plan.span_ms, max(until, life.active_at)),
    )


def _about(plan: Plan, group: Mapping[str, str]) -> str:
    values = ", ".join(plain(value) or f"no {name}" for name, value in group.items())
    return f"{subject(plan, group)} of {values or 'all services'}"


def _limit(plan: Plan, finding: Finding) -> str:
    limit, unit = finding.limit, plan.measure.unit
    if (band := finding.judgement.expected) is not None:
        low, high = number(band[0]), number(band[1], unit)
        return f"(usual {high})" if number(band[0], unit) == high else f"(usual {low} to {high})"
    kind = {">": "limit", ">=": "limit", "<": "at least", "<=": "more than"}[limit.comparison]
    return f"({kind} {number(limit.threshold, unit)})"


def _active(plan: Plan, group: Mapping[str, str], life: Life, finding: Finding, parts: list[Part]) -> str:
    since = f"since {_clock(life.active_at)}"
    if finding.judgement.no_data:
        return f"{_about(plan, group)}: no data {since}: no {_noun(plan)} in {durations.said(plan.span_ms)}"
    actual = number(finding.actual or 0.0, plan.measure.unit)
    reasons = "".join(f"; {plain(reason)}" for reason in finding.judgement.reasons)
    head = f"{_about(plan, group)} is {actual} {_limit(plan, finding)} {since}"
    return f"{head}: {_counts(plan, finding)}{reasons}{_culprit(plan, group, finding, parts)}"


def _counts(plan: Plan, finding: Finding) -> str:
    window = durations.said(plan.span_ms)
    if finding.matched == finding.total:
        return f"{number(finding.total, _noun(plan))} in {window}"
    kind = f" {plan.measure.blamed}" if plan.measure.blamed else ""
    return f"{finding.matched} of {finding.total} {_noun(plan)}{kind} in {window}"


def _culprit(plan: Plan, group: Mapping[str, str], finding: Finding, parts: list[Part]) -> str:
    """The largest part with its share; that the rest is as it should be, where that can be known."""
    whole = _whole(finding)
    if not parts or not whole or (share := min(1.0, parts[0].difference / whole)) < _WORTH:
        return ""
    largest = parts[0]
    percent = round(100 * share)
    if finding.limit.comparison in ("<", "<="):
        return f"; {percent} % of what is missing: {largest.label}"
    if finding.usual:
        return f"; {percent} % of what is more than usual: {largest.label} ({largest.count} of {finding.matched})"
    if largest.count >= finding.matched:
        return f"; all of it: {largest.label}"
    rest = _rest(plan, group, finding, largest)
    return f"; {percent} % of it: {largest.label} ({largest.count} of {finding.matched}){rest}"


def _whole(finding: Finding) -> float:
    """How many events make the difference."""
    usual = sum(finding.usual.values()) if finding.usual else 0.0
    return abs(finding.matched - usual) if finding.usual else float(finding.matched)


def _rest(plan: Plan, group: Mapping[str, str], finding: Finding, largest: Part) -> str:
    """Whether the alert would be none without the largest part."""
    if plan.measure.unit not in ("%", "events", "events/s") or finding.judgement.expected is not None:
        return ""
    rest = plan.measure.figure([finding.total - largest.count, finding.matched - largest.count], 0.0)
    where = plain(group.get("service.name", "")) or "the services"
    return "" if rest is None or finding.limit.breached_by(rest) else f"; rest of {where} within the limit"


def _noun(plan: Plan) -> str:
    about_requests = plan.measure.unit == "s" or plan.rule.where.get("log.type") == "http"
    return "requests" if about_requests or any(name.startswith("http.") for name in plan.needs) else "events"


def _over(plan: Plan, group: Mapping[str, str], life: Life, finding: Finding, parts: list[Part]) -> str:
    end = life.ends_at if life.ends_at is not None else life.quiet_since
    since = finding.at if end is None else end
    figure = None if finding.actual is None else number(finding.actual, plan.measure.unit)
    now = f"back to {figure}" if figure else f"without {_noun(plan)} enough to judge"
    if finding.judgement.off:
        now = "not judged now, says the schedule"
    head = f"{_about(plan, group)} is {now} {_limit(plan, finding)} since {_clock(since)}"
    said = f"{head}; lasted {durations.said(since - life.active_at)}; {finding.matched_since} matched"
    share = parts[0].count / finding.matched_since if parts and finding.matched_since else 0.0
    if not _WORTH <= share <= 1:
        return said
    return f"{said}, {'all' if share == 1 else f'{round(100 * share)} %'} of them {parts[0].label}"


def _clock(at: Millis) -> str:
    return instant.written(at)[11:19] + " UTC"


def condition_in_words(plan: Plan) -> str:
    """When the rule fires, for a list of rules: "5xx share > 5 %, of at least 30 requests, in 30s, for 2s, by service.name"."""
    limits = " or ".join(f"{limit.comparison} {number(limit.threshold, plan.measure.unit)}" for limit in plan.limits)
    least = plan.rule.options.get("min_count")
    parts = [f"{subject(plan)} {plan.type.condition(plan) or limits}", f"of at least {least} {_noun(plan)}" if least else ""]
    parts.append(f"in {durations.written(plan.span_ms)}")
    parts.append(f"for {durations.written(plan.rule.for_ms)}" if plan.rule.for_ms else "")
    parts.append(f"by {', '.join(plan.rule.group_by)}" if plan.rule.group_by else "over all")
    return ", ".join(part for part in parts if part)
