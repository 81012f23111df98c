"""Why an alert is what it is: one sentence in plain words, with the figures, since when, and who is to blame."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flink_jobs.rules.conditions import ALIASES, WORDS
from flink_jobs.rules.forms import Value
from flink_jobs.rules.limit import Limit
from logverse import durations, instant, severity
from logverse.alert import Explanation
from logverse.instant import Millis

if TYPE_CHECKING:
    from flink_jobs.lifecycle import Life
    from flink_jobs.rules.plan import Plan

_NAMING = ("http.request.method", "http.route", "event_name", "event.outcome", "exception.type")
_LONGEST = 80  # characters of one value in a sentence


@dataclass(frozen=True, slots=True)
class Finding:
    """The figures behind one judgement, at event time `at`. `matched_since` counts the blamed since it became active."""

    at: Millis
    actual: float | None
    limit: Limit
    total: int
    matched: int
    matched_since: int
    blame: Mapping[str, int]
    samples: tuple[str, ...]


def plain(value: object) -> str:
    """A value that may stand in a sentence: printable, capped. Values of dimensions come from log lines, so from anybody.

    >>> plain("GET\\x1b[31m /")
    'GET[31m /'
    """
    text = "".join(char for char in str(value)[: 4 * _LONGEST] if char.isprintable())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def label_of(value_of: Callable[[str], Value], leave_out: Sequence[str] = ()) -> str:
    """What tells these events from others, in words, without what the reader knows already.

    >>> label_of({"http.request.method": "POST", "http.route": "/pay", "host.name": "web-2", "http.response.status_code": 503}.get)
    'POST /pay on web-2, status 503'
    """

    def known(name: str) -> Value:
        return None if name in leave_out else value_of(name)

    service, host, status = known("service.name"), known("host.name"), known("http.response.status_code")
    what = [plain(part) for name in _NAMING if (part := known(name))]
    if not what and status is None and isinstance(number := known("severity_number"), int):
        what = [severity.text_of(number)]
    if host:
        what.append(f"on {plain(host)}")
    text = ", ".join(part for part in (" ".join(what), f"status {status}" if status is not None else "") if part)
    return ": ".join(part for part in (plain(service) if service else "", text) if part)


def number(value: float, unit: str = "") -> str:
    """A figure as a person writes it: three significant digits, thousands kept whole.

    >>> number(18.4021, "%"), number(0.5, "s"), number(12345.6, "events")
    ('18.4 %', '0.5 s', '12346 events')
    """
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".strip()


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


def explanation(plan: Plan, group: Mapping[str, str], life: Life, finding: Finding) -> Explanation:
    """The explanation of a transition to `life`."""
    over = life.status in ("resolved", "inactive", "recovering")
    sentence = _over(plan, group, life, finding) if over else _active(plan, group, life, finding)
    largest = sorted(finding.blame.items(), key=lambda item: (-item[1], item[0]))
    return Explanation(
        sentence=sentence,
        actual=finding.actual if finding.actual is not None else 0.0,
        threshold=finding.limit.threshold,
        comparison=finding.limit.comparison,
        unit=plan.measure.unit,
        matched=finding.matched,
        total=finding.total,
        contributors=tuple(largest[:5]),
        samples=finding.samples,
    )


def _about(plan: Plan, group: Mapping[str, str]) -> str:
    values = ", ".join(plain(value) or f"no {name}" for name, value in group.items())
    return f"{subject(plan, group)} of {values or 'all services'}"


def _limit(plan: Plan, limit: Limit) -> str:
    kind = {">": "limit", ">=": "limit", "<": "at least"}[limit.comparison]
    return f"({kind} {number(limit.threshold, plan.measure.unit)})"


def _active(plan: Plan, group: Mapping[str, str], life: Life, finding: Finding) -> str:
    actual = number(finding.actual or 0.0, plan.measure.unit)
    head = f"{_about(plan, group)} is {actual} {_limit(plan, finding.limit)} since {_clock(life.active_at)}"
    return f"{head}: {_counts(plan, finding)}{_culprit(finding)}"


def _counts(plan: Plan, finding: Finding) -> str:
    window = durations.said(plan.span_ms)
    if finding.matched == finding.total:
        return f"{finding.total} {_noun(plan)} in {window}"
    kind = f" {plan.measure.blamed}" if plan.measure.blamed else ""
    return f"{finding.matched} of {finding.total} {_noun(plan)}{kind} in {window}"


def _noun(plan: Plan) -> str:
    about_requests = plan.measure.unit == "s" or plan.rule.where.get("log.type") == "http"
    return "requests" if about_requests or any(name.startswith("http.") for name in plan.needs) else "events"


def _culprit(finding: Finding) -> str:
    label, count = max(finding.blame.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    percent = round(100 * count / finding.matched) if finding.matched else 0
    if not label or percent < 30:
        return ""
    return f", all of them {label}" if percent >= 100 else f", {percent} % of them {label}"


def _over(plan: Plan, group: Mapping[str, str], life: Life, finding: Finding) -> str:
    end = life.ends_at if life.ends_at is not None else life.quiet_since
    since = finding.at if end is None else end
    figure = None if finding.actual is None else number(finding.actual, plan.measure.unit)
    now = f"back to {figure}" if figure else f"without {_noun(plan)} enough to judge"
    head = f"{_about(plan, group)} is {now} {_limit(plan, finding.limit)} since {_clock(since)}"
    return f"{head}; lasted {durations.said(since - life.active_at)}; {finding.matched_since} matched"


def _clock(at: Millis) -> str:
    return instant.written(at)[11:19] + " UTC"


def condition_in_words(plan: Plan) -> str:
    """When the rule fires, for a list of rules: "5xx share > 5 %, of at least 30 requests, in 30s, for 2s, by service.name"."""
    limits = " or ".join(f"{limit.comparison} {number(limit.threshold, plan.measure.unit)}" for limit in plan.limits)
    least = plan.rule.options.get("min_count")
    parts = [f"{subject(plan)} {limits}", f"of at least {least} {_noun(plan)}" if least else ""]
    parts.append(f"in {durations.written(plan.rule.window_ms)}")
    parts.append(f"for {durations.written(plan.rule.for_ms)}" if plan.rule.for_ms else "")
    parts.append(f"by {', '.join(plan.rule.group_by)}" if plan.rule.group_by else "over all")
    return ", ".join(part for part in parts if part)
