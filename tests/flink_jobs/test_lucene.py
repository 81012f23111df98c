"""Lucene's query strings, as rules of ElastAlert2 have them, are read as they are meant or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.rules.conditions import Conditions
from flink_jobs.rules.elastalert_filters import where_of
from flink_jobs.rules.lucene import parsed
from logverse.errors import Malformed


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("status:500", {"http.response.status_code": 500}),
        ("status:5*", {"http.response.status_code": "5xx"}),
        ("status:>=500", {"http.response.status_code": ">=500"}),
        ("status:[500 TO *]", {"http.response.status_code": ">=500"}),
        ("status:{499 TO 600}", {"and": [{"http.response.status_code": ">499"}, {"http.response.status_code": "<600"}]}),
        ("level:(ERROR OR FATAL) AND service.name:web", {"severity_text": ["ERROR", "FATAL"], "service.name": "web"}),
        ("level:ERROR service.name:web", {"or": [{"severity_text": "ERROR"}, {"service.name": "web"}]}),
        ("service.name:web OR service.name:shop AND NOT host.name:a", {
            "or": [{"service.name": "web"}, {"service.name": "shop", "not": {"host.name": "a"}}]}),
        ('message:"connection refused"', {"body": r"/(?i)\bconnection\W+refused\b/"}),
        ("message:timeout && !host.name:test*", {"body": r"/(?i)\btimeout\b/", "not": {"host.name": "test*"}}),
        ("-service.name:web", {"not": {"service.name": "web"}}),
        ("_exists_:user.name", {"user.name": "*"}),
        (r"host.name:/web-[0-9]+/", {"host.name": "/^(?:web-[0-9]+)$/"}),
        ("host.name:web-?", {"host.name": "/^web\\-.$/"}),
        (r"http.route:\/pay\/x", {"http.route": "/pay/x"}),
        ("(service.name:a OR service.name:b) AND status:500", {"service.name": ["a", "b"], "http.response.status_code": 500}),
    ],
)  # fmt: skip
def test_lucene_is_read_as_it_is_meant(query, where):
    """Field queries, brackets, ranges, phrases, wildcards, and what stands side by side."""
    found = where_of([{"query_string": {"query": query}}])

    assert found == where
    Conditions(found)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("timeout", "may stand in any field"),
        ("message:timeout~2", "boosts and fuzziness"),
        ("message:(a AND", "ends where a value"),
        ("message:(a", "does not close"),
        ("bytes:>5", "no such field"),
        ("host.name:[a TO b]", "carries text"),
        ("status:40?1", "carries a number"),
        ("host.name:/a~b/", "only to Lucene"),
        ("a:b) c", "not understood"),
        ("", "ends where a value"),
    ],
)
def test_what_cannot_be_read_is_named(query, says):
    """Never guessed."""
    with pytest.raises(Malformed, match=says.replace("?", r"\?")):
        where_of([{"query_string": {"query": query}}])


@settings(deadline=None)
@given(st.text(alphabet='ab:()"/*?\\ANDORT[]{}+-!&|<>=~^ 5', max_size=30))
def test_any_text_is_a_query_or_malformed(text):
    """A file of somebody's never ends in a stack trace."""
    try:
        Conditions(where_of([{"query_string": {"query": text}}]))
    except Malformed:
        return
    parsed(text)
