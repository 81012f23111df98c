"""Flink's SQL and our Python agree on what a condition means: one query evaluates all conditions on all rows."""

from __future__ import annotations

from typing import Any

import pytest

from flink_jobs.rules.conditions import Conditions, read
from flink_jobs.rules.forms import column

STATUS = "http.response.status_code"
TEXTS = [None, "", "a", "ab", "A", "it's", "it''s", "50%_x", "50ab", "!x", "a\\b", "a\nb", "ü*", "/api/", "' OR 1=1"]
TEXT_CONDITIONS = [
    "a", "=", "a*", "!=a", "!=a*", "it's", "it's*", "50%_*", "!!x", "=!x", "!=!x", "a\\b", "a\\*", "ü*", "=ü*", "/^a/", r"/\d+'?/",
    "/it's/", "/a.?b/", "/(?i)a$/", "!=/[ab]/", ["a", "ab*"], ["!=a", "a"], "' OR 1=1", "/' OR 1=1|x/", "*", "=/api/", "/api/*", "a\nb",
    "*b", "a*b", "*a*b*", "!=*b", "*'*", "5*%*b", "*!*", "!=!=a", ["!=a", "!=b"], "!=50%*b",
]  # fmt: skip
NUMBERS = [None, 0, 1, 199, 200, 299, 404, 500, 503, 599, 600]
NUMBER_CONDITIONS = [200, "5xx", ">=500", "<200", ">1", "<=404", "!=200", "!=5xx", ["4xx", 200], ["!=200", 200]]
NESTED = [
    {"or": [{"body": "a"}, {STATUS: "5xx"}]}, {"not": {"body": "a", STATUS: 500}}, {"not": {"or": [{"body": "a*"}, {STATUS: 500}]}},
    {"and": [{STATUS: ">=500"}, {STATUS: "<503"}], "body": "!=a"}, {"not": {"not": {"body": "a"}}}, {"not": {"body": ["!=a", "ab"]}},
    {"or": [{"not": {STATUS: "!=500"}}, {"and": [{"body": "*b"}, {"not": {STATUS: "5xx"}}]}]}, {},
]  # fmt: skip
CONDITIONS = [("body", written) for written in TEXT_CONDITIONS] + [(STATUS, written) for written in NUMBER_CONDITIONS]
PAIRS = [(body, status) for body in ("a", "ab", "b") for status in (200, 500, 503)]
ROWS = [*((body, None) for body in TEXTS), ("b", None), *((None, status) for status in NUMBERS[1:]), *PAIRS]


@pytest.fixture(scope="module")
def verdicts() -> list[list[bool]]:
    """What Flink says of each of ROWS: CONDITIONS, then NESTED."""
    table = pytest.importorskip("pyflink.table", reason="the flink extra is not installed")
    env = table.TableEnvironment.create(table.EnvironmentSettings.in_batch_mode())
    env.get_config().set("parallelism.default", "1")
    types = table.DataTypes
    columns = types.ROW([types.FIELD("n", types.INT()), types.FIELD("body", types.STRING()), types.FIELD(STATUS, types.INT())])
    given = env.from_elements([(n, *row) for n, row in enumerate(ROWS)], columns)
    predicates = [read(field, written).sql(column(field)) for field, written in CONDITIONS] + [Conditions(one).sql() for one in NESTED]
    asked = ", ".join(f"COALESCE({predicate}, FALSE)" for predicate in predicates)
    with env.execute_sql(f"SELECT n, {asked} FROM {given}").collect() as results:
        found = {row[0]: list(row)[1:] for row in results}
    return [found[n] for n in range(len(ROWS))]


@pytest.mark.flink
def test_flink_filters_what_python_would(verdicts: list[list[bool]]) -> None:
    """For every written form and awkward value, the SQL predicate passes exactly the values that the condition meets."""
    expected = [[read(field, written).matches(_of(row)[field]) for field, written in CONDITIONS] for row in ROWS]

    found = [one[: len(CONDITIONS)] for one in verdicts]

    assert _apart(found, expected, CONDITIONS) == []


@pytest.mark.flink
def test_flink_agrees_on_and_or_not(verdicts: list[list[bool]]) -> None:
    """The same for nested conditions over two fields, either of which may be missing."""
    expected = [[Conditions(one).matches(_of(row).get) for one in NESTED] for row in ROWS]

    found = [one[len(CONDITIONS) :] for one in verdicts]

    assert _apart(found, expected, NESTED) == []


def _of(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(("body", STATUS), row, strict=True))


def _apart(found: list[list[bool]], expected: list[list[bool]], conditions: list[Any]) -> list[Any]:
    """Where the two differ: row, condition, what Flink said."""
    cases = [(row, condition, is_, due)
             for row, said, meant in zip(ROWS, found, expected, strict=True)
             for condition, is_, due in zip(conditions, said, meant, strict=True)]  # fmt: skip
    return [(row, condition, is_) for row, condition, is_, due in cases if is_ is not due]
