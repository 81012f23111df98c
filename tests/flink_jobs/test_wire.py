"""What crosses from the SQL to Python comes out as it went in, and the busiest and all the others are together everybody."""

from __future__ import annotations

import orjson

from flink_jobs import wire
from logverse.summary import DIMENSIONS, DURATION_BOUNDS, Summary

AT = 1_790_000_000_000


def traffic(count: int, status: int | None = 200, kind: str = "http", outcome: str | None = None, seconds: float = 0.0) -> Summary:
    values = {"service.name": "web", "log.type": kind, "http.response.status_code": status, "event.outcome": outcome}
    timed = count if seconds else 0
    return Summary(AT, tuple(values.get(name) for name in DIMENSIONS), count, timed, count * seconds, seconds, size_sum=count * 10)


def client(name: str | None, count: int, status: int | None = 200, seconds: float = 0.0, paths: int = 0) -> Summary:
    timed = count if seconds else 0
    return Summary(
        AT,
        ("web", "http", name, status, None, None),
        count,
        timed,
        count * seconds,
        seconds,
        size_sum=count * 10,
        view="clients",
        paths=paths,
    )


def test_summaries_of_all_views_survive_the_wire():
    """A row's two texts give back what they were made of."""
    all_of = [Summary(AT, traffic(1).dimensions, 3, 2, 0.5, 0.3, (1,) * len(DURATION_BOUNDS), 10, 'a "line"')]
    several = [
        client("10.0.0.1", 3, seconds=0.5, paths=2**61),
        Summary(AT, ("web", "activity", "änn", "user.login", "failure"), 2, sample="x", view="users"),
        Summary(AT, ("web", "error", 17, "cannot read <*>"), 4, sample="cannot read 7", view="patterns"),
    ]

    assert wire.summaries(AT, wire.items(all_of)) == all_of
    assert wire.named(AT, wire.more(several)) == several


def test_figures_that_nobody_had_are_zero():
    """The SQL's null for a sum of nothing becomes a figure that adds up."""
    text = orjson.dumps([["clients", "web", "activity", "10.0.0.1", None, None, "failure", 1, 0, None, None, None, None, None]]).decode()

    (found,) = wire.named(AT, text)

    assert (found.count, found.duration_sum, found.size_sum, found.sample, found.paths) == (1, 0.0, 0, "", 0)


def test_the_others_are_all_that_the_busiest_are_not():
    """By status and kind, counts and sums of the busiest and of the others are those of the whole second."""
    of_all = [traffic(10, seconds=0.1), traffic(5, status=404), traffic(2, kind="activity", status=None, outcome="failure")]
    busiest = [client("10.0.0.1", 7, seconds=0.1), client("10.0.0.2", 5, status=404)]

    others = wire.others(of_all, busiest, ["clients"])

    assert [(one.dimensions, one.count, one.duration_count, round(one.duration_sum, 6), one.size_sum, one.view) for one in others] == [
        (("web", "http", None, 200, None, None), 3, 3, 0.3, 30, "clients"),
        (("web", "activity", None, None, None, "failure"), 2, 0, 0.0, 20, "clients"),
    ]


def test_each_view_has_others_of_its_own():
    """Who is among the busiest clients may be among the other users."""
    others = wire.others([traffic(4)], [client("10.0.0.1", 4)], ["clients", "users", "patterns"])

    assert [(one.view, one.dimensions, one.count) for one in others] == [
        ("users", ("web", "http", None, None, None), 4),
        ("patterns", ("web", "http", None, None), 4),
    ]
