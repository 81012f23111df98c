"""`logverse query series`: what the user sees and types, without a server."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from logverse.cli import query_series
from logverse.errors import WrongSettings
from storage.series_chart import Chart, Point
from storage.series_measures import MEASURES

NOON = 1_700_006_400_000


def chart(lines):
    return Chart("rate", "events/s", 60_000, "1m", lines, 3, cut=0, folded=0)


@pytest.fixture
def shown(monkeypatch):
    """The command's output for a chart."""

    def show(drawn, *arguments):
        monkeypatch.setattr(query_series, "_draw", lambda *_: drawn)
        done = CliRunner().invoke(query_series.series, ["--service", "web", *arguments], obj={}, catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    return show


POINTS = [Point(NOON, 2.0, 120), Point(NOON + 60_000, None, 0), Point(NOON + 120_000, 4.0, 240)]


def test_flag_offers_every_measure():
    """The names are written twice, so that --help needs no storage: here they are held together."""
    assert tuple(MEASURES) == query_series.MEASURES


def test_table_is_a_chart(shown):
    """People see bars, where a gap is empty, with scale, times and the figures that matter."""
    output = shown(chart({"": POINTS}))

    assert "web · rate (events/s)" in output
    assert "4 events/s ┤  █" in output
    assert "events 360  min 2  median 4  max 4  last 4" in output
    assert "2023-11-15 00:00" in output


def test_lines_are_compared(shown):
    """With --by each value has a row; log text steers no terminal."""
    output = shown(chart({"/a\x1b[2J": POINTS, "/b": POINTS[:1]}), "--by", "http.route")

    assert "/a\\x1b[2J" in output and "\x1b" not in output
    assert output.count("\n") >= 4


def test_csv_and_json_have_every_point(shown):
    """Scripts get time, line, value and events; an unknown value is empty, and no cell is a formula."""
    csv = shown(chart({"=1+1": POINTS}), "-o", "csv")
    json = shown(chart({"": POINTS}), "-o", "json")

    assert csv.splitlines() == [
        "time,line,value,events", "2023-11-15T00:00:00.000Z,'=1+1,2.0,120", "2023-11-15T00:01:00.000Z,'=1+1,,0",
        "2023-11-15T00:02:00.000Z,'=1+1,4.0,240",
    ]  # fmt: skip
    assert '"points":[["2023-11-15T00:00:00.000Z",2.0,120],["2023-11-15T00:01:00.000Z",null,0]' in json


@pytest.mark.parametrize("where", ["http.rout=/pay", "http.route", "=x"])
def test_wrong_condition_is_named_with_what_can_be(where):
    """A dimension that there is not ends in a sentence that offers one that there is."""
    with pytest.raises(WrongSettings, match=r"--where.*\n.*http.route"):
        CliRunner().invoke(query_series.series, ["--service", "web", "--where", where], obj={}, catch_exceptions=False)


def test_unknown_service_is_told_with_near_names():
    """A typing error in the name is found; a range without anything is an answer."""
    with pytest.raises(WrongSettings, match=r"no service 'wbe'[^\n]*\n.*web"):
        query_series._explain("wbe", ["pay", "web"], NOON, NOON + 1000, chart({}))
