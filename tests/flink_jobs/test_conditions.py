"""Conditions mean in Python and in SQL what a rule's author wrote, and nothing that a quote in them could make of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.rules.conditions import Conditions, fields_of, read
from flink_jobs.rules.forms import column, entails, literal
from logverse.errors import Malformed

STATUS, SEVERITY, ROUTE = "http.response.status_code", "severity_number", "http.route"


@pytest.mark.parametrize(
    ("field", "written", "meets", "fails"),
    [
        (STATUS, 503, [503], [500, 0, None]),
        (STATUS, "503", [503], [500, None]),
        (STATUS, "5xx", [500, 599], [499, 600, None]),
        (STATUS, ["4xx", 503], [404, 503], [500, None]),
        (STATUS, ">=500", [500, 999], [499, None]),
        (STATUS, "<400", [0, 399], [400, None]),
        (STATUS, "> 500", [501], [500, None]),
        (STATUS, "!=200", [500, None], [200]),
        (STATUS, "!=2xx", [199, 500, None], [200, 299]),
        (SEVERITY, "ERROR", [17, 20], [16, 21, None]),
        (SEVERITY, ">=ERROR", [17, 24], [16, None]),
        (SEVERITY, "<warning", [12], [13, None]),
        (SEVERITY, ">error", [21], [20]),
        (ROUTE, "/pay", ["/pay"], ["/pay/x", "", None]),
        (ROUTE, "/api/*", ["/api/", "/api/a"], ["/ap", "x/api/", None]),
        (ROUTE, "=/api/*", ["/api/*"], ["/api/a"]),
        ("host.name", "*.example.*", ["a.example.com", ".example."], ["example.com", None, "a.exampl.e"]),
        ("host.name", "web*east", ["web-1-east", "webeast"], ["webeas", "web-1-eastern"]),
        ("host.name", "aba*aba", ["abaaba", "aba-aba"], ["aba", "ababa"]),
        ("host.name", "!=*test*", ["web", None], ["my-test-1"]),
        (ROUTE, "/^.api.v[12]/", ["/api/v1/x"], ["/api/v3", None]),
        ("body", "/time.?out/", ["a timeout b", "time out"], ["tim", None]),
        ("body", "!=/ok/", ["bad", None], ["it is ok"]),
        ("host.name", ["web-*", "db"], ["web-1", "db"], ["db-1", None]),
        ("host.name", "!=web-1", ["web-2", None], ["web-1"]),
        ("host.name", 7, ["7"], ["07", None]),
    ],
)
def test_a_condition_meets_what_it_says(field, written, meets, fails):
    """Each written form, by example; a missing value meets only a negation."""
    condition = read(field, written)

    assert [value for value in meets if not condition.matches(value)] == []
    assert [value for value in fails if condition.matches(value)] == []


@pytest.mark.parametrize(
    ("field", "written", "problem"),
    [
        (STATUS, "oops", "no whole number"),
        (STATUS, "6xx", "no whole number"),
        (STATUS, "/5../", "no whole number"),
        (ROUTE, ">=5", "compares numbers"),
        (ROUTE, "/api/", 'write "=/api/"'),
        ("body", "/(/", "no regular expression"),
        ("body", r"/\p{L}/", "read differently"),
        ("body", "/(?P<a>x)/", "read differently"),
        ("body", "/a++/", "read differently"),
        ("body", f"/{'(' * 240}a{')?' * 240}/", "nested too deep"),
        ("body", "/^(a+)+$/", "in too many ways"),
        ("body", [], "empty list"),
        ("body", True, "no condition"),
        ("body", None, "no condition"),
        ("body", {"a": 1}, "no condition"),
        ("body", "*a" * 9, "more than 8"),
    ],
)
def test_what_is_no_condition_is_refused_with_what_to_write(field, written, problem):
    """A condition that cannot mean anything is an error with a way out, never one that silently meets nothing."""
    with pytest.raises(Malformed, match=re.escape(problem)):
        read(field, written)


@pytest.mark.parametrize(
    ("field", "written", "sql"),
    [
        (STATUS, "5xx", "`http.response.status_code` >= 500 AND `http.response.status_code` <= 599"),
        (STATUS, [404, "!=2xx"], None),
        (ROUTE, "/o'neil", "`http.route` = '/o''neil'"),
        (ROUTE, "/50%_*", "`http.route` LIKE '/50!%!_%' ESCAPE '!'"),
        (ROUTE, r"/\d+'/", r"REGEXP(`http.route`, '\d+''')"),
        ("host.name", "!=a", "((`host.name` = 'a') IS NOT TRUE)"),
    ],
)
def test_sql_of_a_condition(field, written, sql):
    """The predicate is standard SQL over the quoted column."""
    made = read(field, written).sql(column(field))

    assert made == sql or (sql is None and made.startswith("((") and made.endswith("))"))


@settings(deadline=None)
@given(st.text())
def test_text_never_leaves_its_literal(text):
    """Whatever stands in a rule file is one SQL string: every quote inside is doubled, and undoubling gives the text back."""
    made = literal(text)

    assert made[0] == made[-1] == "'"
    assert "'" not in made[1:-1].replace("''", "")
    assert made[1:-1].replace("''", "'") == text


@settings(deadline=None)
@given(
    st.sampled_from(["body", ROUTE, "host.name"]), st.text(min_size=1), st.sampled_from(["=", "!==", "", "!="]), st.sampled_from(["", "*"])
)
def test_a_predicate_is_one_literal_whatever_is_written(field, text, before, after):
    """Outside of its string literals the SQL of a text condition has only our own words."""
    try:
        made = read(field, before + text + after).sql(column(field))
    except Malformed:
        return

    bare = re.sub(r"'(?:[^']|'')*'", "?", made).replace(column(field), "c")

    assert re.fullmatch(r"(?:\(\()*(?:c = \?|c LIKE \? ESCAPE \?|REGEXP\(c, \?\))(?:\) IS NOT TRUE\))*", bare)


def test_a_field_is_a_quoted_identifier():
    """A backtick in a field's name ends nothing."""
    assert column("a` OR 1=1 --") == "`a`` OR 1=1 --`"


WRITTEN = st.one_of(
    st.integers(199, 205), st.sampled_from(["2xx", "1xx", ">=201", "<203", ">199", "<=204", "!=200", "!=2xx", "!=>=202"]),
    st.lists(st.one_of(st.integers(199, 205), st.sampled_from(["2xx", "<201", "!=203"])), min_size=1, max_size=3),
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(
        ["a", "ab", "b", "a*", "ab*", "b*", "!=a", "!=a*", "!=b*", "/a.?/", "!=/b.?/", "*", "*b", "a*b", "*a*", "!=*c", "!=a*c"]
    ),
    st.lists(st.sampled_from(["a", "ab*", "b", "!=b"]), min_size=1, max_size=3),
)


@settings(deadline=None)
@given(one=WRITTEN, other=WRITTEN)
def test_entailment_of_numbers_is_never_wrong(one, other):
    """What is said to be covered is covered: no value meets the one and not the other."""
    one, other = read(STATUS, one), read(STATUS, other)

    claimed = entails(one, other)

    assert not claimed or all(other.matches(value) for value in [None, *range(90, 700)] if one.matches(value))


@settings(deadline=None)
@given(one=TEXTS, other=TEXTS)
def test_entailment_of_texts_is_never_wrong(one, other):
    """The same for texts, over all short ones."""
    one, other = read("body", one), read("body", other)

    claimed = entails(one, other)

    values = [None, "", *(x + y for x in "abc" for y in ("", "a", "b", "c"))]
    assert not claimed or all(other.matches(value) for value in values if one.matches(value))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({SEVERITY: "FATAL"}, {SEVERITY: ">=21"}),
        ({"severity_text": "FATAL", "service.name": "web"}, {SEVERITY: ">=ERROR"}),
        ({STATUS: [500, 503]}, {STATUS: "5xx"}),
        ({STATUS: "5xx"}, {STATUS: "!=200"}),
        ({"body": "abc*"}, {"body": "a*"}),
        ({"body": "/x+/"}, {"body": "/x+/"}),
        ({"body": "abc"}, {"body": "/b/"}),
        ({"body": "ab*yz"}, {"body": "a*z"}),
        ({"body": "a*z"}, {"body": "!=b*"}),
        ({STATUS: 500, "or": [{"body": "a"}, {"body": "b"}]}, {"or": [{"body": ["a", "b"]}, {"body": "c"}]}),
        ({"not": {STATUS: ["2xx", "3xx"]}}, {"not": {STATUS: 200}}),
        ({"and": [{STATUS: ">=500"}, {STATUS: "<=599"}], "body": "x"}, {STATUS: ">=500"}),
        ({STATUS: 500}, {}),
    ],
)
def test_entailment_sees_the_plain_cases(one, other):
    """A rule narrower than a clause of the filter needs no new job."""
    assert Conditions(one).entails(Conditions(other))
    assert Conditions(other).entails(Conditions(one)) is (one == other)


def test_the_same_field_twice_is_refused():
    """`severity_text` is another name of `severity_number`: both together would leave one of them out."""
    with pytest.raises(Malformed, match="second time"):
        Conditions({"severity_text": "ERROR", SEVERITY: 17})


@pytest.mark.parametrize(
    ("written", "meets", "fails"),
    [
        ({"or": [{STATUS: "5xx"}, {"body": "bad"}]}, [(500, None), (200, "bad")], [(200, "ok"), (None, None)]),
        ({STATUS: "5xx", "not": {"body": "known"}}, [(500, "other"), (503, None)], [(500, "known"), (200, "other")]),
        ({"not": {STATUS: "5xx", "body": "known"}}, [(500, "other"), (200, "known"), (None, None)], [(500, "known")]),
        ({"not": {"or": [{STATUS: 500}, {"body": "a"}]}}, [(200, "b"), (None, None)], [(500, "b"), (200, "a")]),
        ({"and": [{STATUS: ">=500"}, {STATUS: "<502"}]}, [(500, None), (501, "x")], [(502, None), (None, None)]),
        ({"not": {"not": {"body": "a"}}}, [(None, "a")], [(None, None), (None, "b")]),
        ({"not": {"body": "!=a"}}, [(None, "a")], [(None, None), (None, "b")]),
        (
            {"or": [{"and": [{STATUS: 500}, {"body": "a*"}]}, {"not": {STATUS: "!=404"}}]},
            [(500, "ab"), (404, None)],
            [(500, "b"), (None, "a")],
        ),
    ],
)
def test_and_or_not_mean_what_they_say(written, meets, fails):
    """By example, over (status, body); a missing value meets only a negation."""
    conditions = Conditions(written)

    assert [pair for pair in meets if not conditions.matches(dict(zip((STATUS, "body"), pair, strict=True)).get)] == []
    assert [pair for pair in fails if conditions.matches(dict(zip((STATUS, "body"), pair, strict=True)).get)] == []


def test_every_field_that_is_read_is_told():
    """However deep it stands, and by its own name."""
    written = {"log.type": "http", "or": [{"severity_text": "ERROR"}, {"not": {ROUTE: "/a", STATUS: 200}}]}

    assert Conditions(written).fields == fields_of(written) == ("log.type", SEVERITY, ROUTE, STATUS)


NESTED = st.recursive(
    st.dictionaries(st.sampled_from([STATUS]), WRITTEN, min_size=1) | st.dictionaries(st.sampled_from(["body"]), TEXTS, min_size=1),
    lambda inner: (
        st.fixed_dictionaries({"or": st.lists(inner, min_size=1, max_size=2)})
        | st.fixed_dictionaries({"and": st.lists(inner, min_size=1, max_size=2)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=300)
@given(one=NESTED, other=NESTED)
def test_entailment_of_nested_conditions_is_never_wrong(one, other):
    """What is said to be covered is covered, over pairs of a status and a body, missing ones included."""
    one, other = Conditions(one), Conditions(other)

    claimed = one.entails(other)

    events = [
        {STATUS: status, "body": body} for status in (None, *range(198, 207)) for body in (None, "", "a", "ab", "b", "bc", "ac", "cb")
    ]
    assert one.entails(one)
    assert not claimed or all(other.matches(event.get) for event in events if one.matches(event.get))


@settings(deadline=None)
@given(written=NESTED)
def test_not_is_the_opposite(written):
    """An event meets a mapping or its `not`, never both."""
    events = [{STATUS: status, "body": body} for status in (None, 200, 203) for body in (None, "a", "ab", "b")]

    assert all(Conditions(written).matches(event.get) != Conditions({"not": written}).matches(event.get) for event in events)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"or": {"body": "a"}}, "or: is not a list of mappings"),
        ({"or": []}, "or: is not a list of mappings"),
        ({"and": [{}]}, "and: is not a list of mappings"),
        ({"not": ["a"]}, "not: is not a mapping"),
        ({"or": [{"body": "/(/"}]}, "or: 0: body: /(/ is no regular expression"),
        ({"or": [{"body": "a"}, {"severity_text": "ERROR", SEVERITY: 17}]}, "or: 1: severity_number: says a second time"),
        ({"or": [{"body": str(n)} for n in range(201)]}, "more than 200 conditions"),
    ],
)
def test_what_is_wrong_within_is_told_with_its_place(written, says):
    """The keys that lead there, then the problem."""
    with pytest.raises(Malformed, match=re.escape(says)):
        Conditions(written)


def test_nesting_has_an_end():
    """A rule of a thousand levels is refused, not a stack overflow."""
    written = {"body": "a"}
    for _ in range(1000):
        written = {"not": written}

    with pytest.raises(Malformed, match="nested deeper than 8"):
        Conditions(written)
