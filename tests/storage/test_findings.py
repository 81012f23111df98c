"""Alerts and anomalies out of Cassandra: what is asked of it, and how little for a range without an end."""

from __future__ import annotations

from types import SimpleNamespace as Plain
from typing import Any

from storage.cassandra.findings import MANY, FindingReading
from storage.cassandra.register import Register
from storage.layout import DAY_MS, month_of
from storage.query import FOREVER

NOON = 1_700_006_400_000


class Session:
    """Answers statements by how they begin, and remembers them with their values."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers, self.asked = answers, []  # type: ignore[var-annotated]

    def prepare(self, text: str) -> Any:
        return Plain(bind=lambda values: (text, values))

    def execute(self, statement: Any) -> Any:
        text, values = statement if isinstance(statement, tuple) else (statement.bind(())[0], ())
        self.asked.append((text, values))
        return iter(next((rows for word, rows in self.answers.items() if word in text), []))


def reading(session: Session) -> FindingReading:
    return FindingReading(session, Register(session))  # type: ignore[arg-type]


def test_a_range_without_an_end_asks_only_months_that_are_there() -> None:
    """Not every day to the year 9999."""
    session = Session(DISTINCT=[(month_of(NOON),), (month_of(NOON - 40 * DAY_MS),)])

    assert list(reading(session).alerts(NOON - 7 * DAY_MS, FOREVER)) == []

    assert [values[0] for text, values in session.asked if "DISTINCT" not in text] == [month_of(NOON)]


def test_a_short_range_asks_its_months() -> None:
    """Newest first, without asking which there are."""
    session = Session()

    list(reading(session).alerts(NOON - 50 * DAY_MS, NOON))

    assert [values[0] for _, values in session.asked] == [month_of(NOON), month_of(NOON - 20 * DAY_MS), month_of(NOON - 50 * DAY_MS)]
    session.asked.clear()
    list(reading(session).alerts(NOON - MANY * 30 * DAY_MS, NOON))
    assert len(session.asked) <= MANY


def test_anomalies_of_all_ask_once_who_has_any() -> None:
    """However many services there are; then the days that are written down."""
    services = [(f"s{n}", kind, month_of(NOON)) for n in range(50) for kind in ("anomalies", "http")]
    session = Session(services=services)

    assert list(reading(session).anomalies(None, NOON - DAY_MS, FOREVER)) == []

    assert sum("FROM services" in text for text, _ in session.asked) == 1
    assert [values[:2] for text, values in session.asked if "FROM buckets" in text] == [
        (f"s{n}", "anomalies") for n in sorted(range(50), key=str)
    ]
