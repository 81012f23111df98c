"""Asking the history: what fits, in order, page by page, and what is said when there is nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logverse import instant
from logverse.errors import Refused, WrongSettings
from storage import query_scan
from storage.history import FOREVER, EventId, EventQuery, History
from storage.layout import BUCKET_MS
from storage.memory import MemoryStore
from tests.contracts.store_contract import DAY, NOON, event

WEB = EventQuery(0, FOREVER, "web")


def history(*events, alerts=(), anomalies=()):
    store = MemoryStore()
    store.save_events(events)
    store.save_alerts(alerts)
    store.save_anomalies(anomalies)
    return History(store, clock=lambda: NOON)


def paged(asked, query, sizes=(100,)):
    """The uids of all pages, of these sizes in turn, and the pages."""
    pages, token = [], None
    for _ in range(100):
        pages.append(asked.events(replace(query, limit=sizes[len(pages) % len(sizes)]), token))
        token = pages[-1].token
        if token is None:
            return [row.uid for page in pages for row in page.rows], pages
    raise AssertionError("no end")


events_of_web = st.lists(
    st.builds(
        lambda log_type, age, uid, status: event("web", NOON - age, uid, log_type, status_code=status, client_address=f"c{status % 3}"),
        st.sampled_from(["http", "error", "activity"]),
        st.sampled_from([0, 0, 0, 1, 2, BUCKET_MS, BUCKET_MS + 1, 7 * BUCKET_MS, DAY, 40 * DAY]),
        st.sampled_from("abcdefgh"),
        st.integers(200, 599),
    ),
    max_size=60,
)


@given(
    events_of_web, st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from(["", ">=400", "3xx"]), st.sampled_from(["", "c1"])
)
def test_pages_of_any_size_make_the_whole(saved, sizes, status, client):
    """Whatever the sizes of the pages, they are one sorted list, cut: nothing twice, nothing left out, not even of one millisecond."""
    store = MemoryStore()
    store.save_events(saved)
    lowest = {"": 0, ">=400": 400, "3xx": 300}[status]
    highest = 399 if status == "3xx" else 999
    kept = {(row.log_type, row.timestamp, row.uid): row for row in saved}.values()
    fits = [row for row in kept if lowest <= row.status_code <= highest and client in ("", row.client_address)]
    query = replace(WEB, status=status, client=client)

    found, token = [], None
    for number in range(len(saved) + 2):
        page = History(store).events(replace(query, limit=sizes[number % len(sizes)]), token) if saved else None
        found += page.rows if page else []
        token = page and page.token
        if not token:
            break

    assert found == sorted(fits, key=lambda row: (-row.timestamp, row.uid, row.log_type))


def test_work_is_bounded_by_rows(monkeypatch):
    """A filter that nothing fits ends a page after so many rows; the token goes on behind them."""
    monkeypatch.setattr(query_scan, "ROWS", 1000)
    asked = history(*(event("web", NOON - n, f"{n:04}", status_code=500 if n == 2500 else 200) for n in range(3000)))

    found, pages = paged(asked, replace(WEB, status="5xx"))

    assert found == ["2500"]
    assert [len(page.rows) for page in pages] == [0, 0, 1]
    assert all(page.scanned <= 1000 + query_scan.CHUNK for page in pages)
    assert sum(page.scanned for page in pages) == 3000


def test_work_is_bounded_by_buckets():
    """Looking a client up over months ends a page after so many buckets, though no row was read."""
    asked = history(*(event("web", NOON - n * BUCKET_MS, f"{n:04}", client_address="b" if n == 290 else "a") for n in range(300)))

    found, pages = paged(asked, replace(WEB, client="b"))

    assert found == ["0290"]
    assert [(len(page.rows), page.token is None) for page in pages] == [(0, False), (0, False), (1, True)]
    assert pages[0].reached == NOON - 143 * BUCKET_MS


def test_a_page_is_bounded_in_bytes(monkeypatch):
    """Heavy records make a page shorter, at least one row long; nothing is left out."""
    monkeypatch.setattr(query_scan, "BYTES", 1000)
    asked = history(*(event("web", NOON - n, str(n), record=b"x" * (400 if n < 6 else 5000)) for n in range(9)))

    found, pages = paged(asked, WEB)

    assert found == [str(n) for n in range(9)]
    assert [len(page.rows) for page in pages] == [3, 3, 1, 1, 1, 0]


def test_a_token_keeps_its_range():
    """Times that are relative move on between two commands; the continued query still has the range of the first."""
    asked = history(*(event("web", NOON - n, str(n)) for n in range(5)))
    first = asked.events(EventQuery(NOON - 3, NOON + 1, "web", limit=2))

    rest = asked.events(EventQuery(NOON - 1, NOON + 9, "web", limit=9), first.token)

    assert [row.uid for row in rest.rows] == ["2", "3"]


@pytest.mark.parametrize(
    ("token", "problem"),
    [("nonsense", "not given by LogVerse"), ("🙂", "not given by LogVerse"), ("WzEsMl0", "not given by LogVerse"), ("W10=x", "not given")],
)
def test_a_wrong_token_is_said(token, problem):
    """What is no token is the user's mistake, never a stack trace."""
    with pytest.raises(WrongSettings, match=problem):
        history(event("web", NOON, "a")).events(WEB, token)


def test_the_token_of_another_query_is_said():
    """A token goes with its filters."""
    asked = history(*(event("web", NOON - n, str(n)) for n in range(5)))
    token = asked.events(replace(WEB, limit=2)).token

    with pytest.raises(WrongSettings, match="another query"):
        asked.events(replace(WEB, client="x"), token)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"severity": "ERROR"}, "b"), ({"severity": ">=WARN"}, "bc"), ({"severity": "<info,fatal"}, "c"), ({"severity": "17"}, "b"),
        ({"severity": "WARN+"}, "bc"), ({"status": "5xx"}, "ac"), ({"status": "404,503"}, "ab"), ({"status": ">=404"}, "abc"),
        ({"route": "/pay"}, "a"), ({"user": "alice"}, "b"), ({"session": "s"}, "b"), ({"trace": "t"}, "c"), ({"client": "10.0.0.1"}, "ad"),
        ({"grep": "a+b"}, "a"), ({"grep": "Broken"}, "c"), ({"grep": "(?i)broken PIPE|aaa+b", "regex": True}, "ac"),
        ({"types": ("error",)}, "c"), ({"types": ("http", "error"), "status": "5xx"}, "ac"), ({"client": "10.0.0.1", "status": "5xx"}, "a"),
        ({"status": "5xx", "grep": "Broken"}, "c"),
    ],
)  # fmt: skip
def test_filters(asked, found):
    """Each filter alone and together with others; a value that is not known fits none."""
    events = [
        event("web", NOON, "a", severity_number=9, status_code=503, route="/pay", client_address="10.0.0.1",
              record=b'{"body": "a+b aaab"}'),
        event("web", NOON - 1, "b", severity_number=17, status_code=404, user_id="alice", session_id="s",
              record=b'{"body": "aab"} trailing'),
        event("web", NOON - 2, "c", "error", severity_number=21, status_code=500, trace_id="t",
              record=b'{"body": "x", "exception.stacktrace": "y\\n\\u001b[0m Broken pipe", "exception.message": "broken"}'),
        event("web", NOON - 3, "d", client_address="10.0.0.1", record=b'{"body": null, "other": "Broken"}'),
    ]  # fmt: skip

    assert "".join(row.uid for row in history(*events).events(replace(WEB, **asked)).rows) == found


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"severity": "LOUD"}, "--severity"), ({"severity": ">=WARN+"}, "--severity"), ({"status": "99"}, "--status"),
        ({"status": "5xx,"}, "--status"), ({"types": ("https",)}, "--type"), ({"limit": 0}, "--limit"), ({"limit": 10_001}, "--limit"),
        ({"grep": "(a", "regex": True}, "--grep"), ({"service": ""}, "--service"), ({"since": -(10**18)}, "--since"),
        ({"service": "", "user": "alice", "types": ("http",)}, "--service"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said(asked, where):
    """With the flag's name and what would do."""
    with pytest.raises(WrongSettings) as caught:
        history(event("web", NOON, "a")).events(replace(WEB, **asked))

    assert caught.value.where == where
    assert caught.value.remedy


def test_an_expression_is_linear_in_attackers_text():
    """What takes others years is an answer here: no text makes an expression go wild."""
    asked = history(event("web", NOON, "a", record=b'{"body": "' + b"a" * 100_000 + b'"}'))

    assert asked.events(replace(WEB, grep="(a+)+$b", regex=True)).rows == []


def test_activity_of_a_user_over_services():
    """Without a service; the other filters hold too."""
    saved = [event(f"s{n % 3}", NOON - n, str(n), "activity", user_id="alice", client_address=f"c{n % 2}") for n in range(9)]
    asked = history(*saved, event("s1", NOON, "x", "activity", user_id="bob"))

    assert paged(asked, EventQuery(0, FOREVER, user="alice"), (2, 3))[0] == [row.uid for row in saved]
    assert paged(asked, EventQuery(0, FOREVER, user="alice", client="c1"))[0] == ["1", "3", "5", "7"]


def test_activity_of_a_user_in_two_services_at_once():
    """The same uid and millisecond in two services are two events; a page may end between them."""
    saved = [event(f"s{n}", NOON, "a", "activity", user_id="alice") for n in range(4)]

    rows, token = [], None
    for _ in saved:
        page = history(*saved).events(EventQuery(0, FOREVER, user="alice", limit=1), token)
        rows, token = [*rows, *page.rows], page.token

    assert rows == saved


def test_a_service_that_nobody_knows():
    """The names that come near are offered, and without any all there are."""
    asked = history(event("checkout", NOON, "a"), event("shop", NOON, "b"))

    with pytest.raises(WrongSettings, match="did you mean checkout") as near:
        asked.events(replace(WEB, service="chekout"))
    with pytest.raises(WrongSettings, match="there is checkout, shop"):
        asked.events(replace(WEB, service="zzz"))
    with pytest.raises(WrongSettings, match="nothing is stored yet"):
        history().events(WEB)
    assert near.value.where == "--service"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (EventQuery(NOON + DAY, FOREVER, "web"), "history has some from 2023-11-14T22:00:00.000Z to 2023-11-15T00:10:00.000Z"),
        (replace(WEB, types=("error",)), "web has no events of type error; it has http"),
        (replace(WEB, client="x"), "but none with client x"),
        (replace(WEB, status="5xx"), "no event fits; 2 of that time were looked at"),
        (EventQuery(0, FOREVER, user="bob"), "no activity of user bob"),
    ],
)
def test_why_there_is_nothing(query, said):
    """An empty answer says what was looked at, and where there is something."""
    asked = history(event("web", NOON, "a"), event("web", NOON - 2 * 3_600_000, "b"))
    page = asked.events(query)

    assert (page.rows, page.token) == ([], None)
    assert said in asked.why_empty(query, page.scanned)


def test_one_event_by_its_id():
    """The whole id, or one whose uid is cut; the id survives odd names."""
    odd = event("web/eu:1 é", NOON, "uid:1/%")
    asked = history(odd, event("web", NOON, "abc1"), event("web", NOON, "abc2"), event("web", NOON - 1, "abd"))

    assert asked.event(str(EventId.of(odd))) == odd
    assert asked.event(f"http:web:{NOON}:abc2").uid == "abc2"
    assert asked.event(f"http:web:{NOON - 1}:a").uid == "abd"
    with pytest.raises(Refused, match="2 events fit"):
        asked.event(f"http:web:{NOON}:abc")
    with pytest.raises(Refused, match="no such event"):
        asked.event(f"http:web:{NOON}:b")
    beyond = ("http:web:9999999999999999:a", "http:web:-99999999999999:a")
    for wrong in ("", "http:web:soon:a", "https:web:1:a", f"http:web:{10**20}:a", *beyond):
        with pytest.raises(WrongSettings, match="no event's id"):
            asked.event(wrong)


def test_the_id_that_a_table_shows_is_one_event_s() -> None:
    """Lines of one file begin alike: what a row of the table names leads to that line and to no other of its millisecond."""
    lines = [event("web", NOON, f"ab2c54654db6-6f0a1b2c-{offset:08d}") for offset in (0, 117, 1170)]
    asked = history(*lines)

    assert [asked.event(EventId.of(one).short) for one in lines] == lines


def test_the_first_and_the_last_moment_are_found():
    """Every time that a record can have is in the range without an end; what an id stands for is found there too."""
    ends = [event("web", instant.END, "last"), event("web", instant.BEGINNING, "first")]
    asked = history(*ends)

    assert asked.events(EventQuery(instant.BEGINNING, FOREVER, "web")).rows == ends
    assert [asked.event(str(EventId.of(one))) for one in ends] == ends
    assert "0001-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z" in asked.why_empty(EventQuery(NOON, NOON + 1, "web"), 0)
