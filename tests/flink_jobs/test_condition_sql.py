"""Flink's SQL and our Python agree on what a condition means."""

from __future__ import annotations

import pytest

from flink_jobs.rules.conditions import Conditions, read
from flink_jobs.rules.forms import column

TEXTS = [None, "", "a", "ab", "A", "it's", "it''s", "50%_x", "50ab", "!x", "a\\b", "a\nb", "ü*", "/api/", "' OR 1=1"]
TEXT_CONDITIONS = [
    "a", "=", "a*", "!=a", "!=a*", "it's", "it's*", "50%_*", "!!x", "=!x", "!=!x", "a\\b", "a\\*", "ü*", "=ü*", "/^a/", r"/\d+'?/",
    "/it's/", "/a.?b/", "/(?i)a$/", "!=/[ab]/", ["a", "ab*"], ["!=a", "a"], "' OR 1=1", "/' OR 1=1|x/", "*", "=/api/", "/api/*", "a\nb",
    "*b", "a*b", "*a*b*", "!=*b", "*'*", "5*%*b", "*!*", "!=!=a", ["!=a", "!=b"], "!=50%*b",
]  # fmt: skip
NUMBERS = [None, 0, 1, 199, 200, 299, 404, 500, 503, 599, 600]
NUMBER_CONDITIONS = [200, "5xx", ">=500", "<200", ">1", "<=404", "!=200", "!=5xx", ["4xx", 200], ["!=200", 200]]


@pytest.mark.flink
def test_flink_filters_what_python_would():
    """For every written form and awkward value, the SQL predicate passes exactly the values that the condition meets."""
    table = pytest.importorskip("pyflink.table", reason="the flink extra is not installed")
    env = table.TableEnvironment.create(table.EnvironmentSettings.in_batch_mode())
    env.get_config().set("parallelism.default", "1")
    types = table.DataTypes
    columns = types.ROW([types.FIELD("n", types.INT()), types.FIELD("s", types.STRING()), types.FIELD("i", types.INT())])
    rows = [(n, s, None) for n, s in enumerate(TEXTS)] + [(100 + n, None, i) for n, i in enumerate(NUMBERS)]
    env.create_temporary_view("given", env.from_elements(rows, columns))
    conditions = [("body", "s", written) for written in TEXT_CONDITIONS]
    conditions += [("http.response.status_code", "i", written) for written in NUMBER_CONDITIONS]

    verdicts = ", ".join(f"COALESCE({read(field, written).sql(column(name))}, FALSE)" for field, name, written in conditions)
    with env.execute_sql(f"SELECT n, s, i, {verdicts} FROM given").collect() as results:
        found = {(row[0], place): row[3 + place] for row in results for place in range(len(conditions))}

    expected = {
        (n, place): read(field, written).matches(s if name == "s" else i)
        for n, s, i in rows
        for place, (field, name, written) in enumerate(conditions)
    }
    wrong = {(rows_by(rows)[n], conditions[place]): found[n, place] for n, place in expected if found[n, place] != expected[n, place]}
    assert wrong == {}
    assert len(found) == len(rows) * len(conditions)


def rows_by(rows):
    return {n: (s, i) for n, s, i in rows}


STATUS = "http.response.status_code"
PAIRS = [(body, status) for body in (None, "a", "ab", "b") for status in (None, 200, 500, 503)]
NESTED = [
    {"or": [{"body": "a"}, {STATUS: "5xx"}]}, {"not": {"body": "a", STATUS: 500}}, {"not": {"or": [{"body": "a*"}, {STATUS: 500}]}},
    {"and": [{STATUS: ">=500"}, {STATUS: "<503"}], "body": "!=a"}, {"not": {"not": {"body": "a"}}}, {"not": {"body": ["!=a", "ab"]}},
    {"or": [{"not": {STATUS: "!=500"}}, {"and": [{"body": "*b"}, {"not": {STATUS: "5xx"}}]}]}, {},
]  # fmt: skip


@pytest.mark.flink
def test_flink_agrees_on_and_or_not():
    """The same for nested conditions over two fields, either of which may be missing."""
    table = pytest.importorskip("pyflink.table", reason="the flink extra is not installed")
    env = table.TableEnvironment.create(table.EnvironmentSettings.in_batch_mode())
    env.get_config().set("parallelism.default", "1")
    types = table.DataTypes
    columns = types.ROW([types.FIELD("n", types.INT()), types.FIELD("body", types.STRING()), types.FIELD(STATUS, types.INT())])
    rows = [(n, body, status) for n, (body, status) in enumerate(PAIRS)]
    env.create_temporary_view("pairs", env.from_elements(rows, columns))

    verdicts = ", ".join(f"COALESCE({Conditions(written).sql()}, FALSE)" for written in NESTED)
    with env.execute_sql(f"SELECT n, {verdicts} FROM pairs").collect() as results:
        found = {row[0]: row[1:] for row in results}

    assert len(found) == len(PAIRS)
    for n, (body, status) in enumerate(PAIRS):
        expected = [Conditions(written).matches({"body": body, STATUS: status}.get) for written in NESTED]
        assert dict(zip(map(str, NESTED), found[n], strict=True)) == dict(zip(map(str, NESTED), expected, strict=True)), (body, status)
