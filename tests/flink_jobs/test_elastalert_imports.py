"""What ElastAlert2's rules share by `import`, and when they run, comes along as its own loader and scheduler understand it."""

from __future__ import annotations

from pathlib import Path

import pytest

from flink_jobs.rules.elastalert import translated
from flink_jobs.rules.elastalert_schedule import schedule_of
from flink_jobs.rules.schedule import on
from logverse.instant import read

RULE = "name: a\ntype: frequency\n"
FILES = {
    "/rules/base.config": "timeframe: {minutes: 5}\nnum_events: 9\nowner: base\nfilter:\n- term: {service.name: shop}\n",
    "/rules/late.config": "timeframe: {minutes: 7}\nimport: shared/deep.config\n",
    "/rules/shared/deep.config": "num_events: 3\nimport: base.config\n",
    "/rules/loop.config": "import: loop.config\n",
    "/rules/list.config": "- a\n",
    "/rules/odd.config": "num_events: 3\ntimeframe: {minutes: 5}\n\nnever_heard_of: 1\n",
}


def imported(text):
    return translated(Path("/rules/a.yaml"), RULE + text, lambda path: FILES[str(path)])


def test_the_rules_own_word_wins_and_filters_are_all_asked_for():
    """Of a setting that both have the rule's is taken; both filters must be met."""
    made = imported("num_events: 50\nimport: base.config\nfilter:\n- term: {log.type: http}\n")

    assert (made.entry["num_events"], made.entry["window"], made.entry["owner"]) == (50, "5m", "base")
    assert made.entry["where"] == {"service.name": "shop", "log.type": "http"}


def test_of_several_files_the_last_one_wins_and_each_may_import():
    """As its loader walks them; names are relative to the rule's folder wherever they stand."""
    made = imported("import: [base.config, late.config]\n")

    assert (made.entry["window"], made.entry["num_events"], made.entry["owner"]) == ("7m", 3, "base")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("loop.config", "does one of them name itself"),
        ("list.config", "list.config: no rule of ElastAlert2: a file of it is one mapping"),
        ("[1]", "neither a file nor a list"),
    ],
)
def test_an_import_that_cannot_be_read_keeps_the_rule_from_being_made(name, said):
    """A rule without half of its settings would find other things: line and file are named."""
    made = imported(f"num_events: 5\nimport: {name}\n")

    assert made.entry is None
    assert [(note.line, said in note.what, note.needed) for note in made.notes] == [(4, True, True)]


def test_a_name_that_is_none_is_told():
    """Whatever somebody writes there, it is a note and no stack trace."""
    made = translated(Path("/rules/a.yaml"), RULE + 'import: "a\\0b"\n')

    assert made.entry is None
    assert "is no name of a file" in made.notes[0].what


@pytest.mark.parametrize(("count", "made"), [(100, True), (101, False)])
def test_a_hundred_files_are_the_most(count, made):
    """More are taken for one that names itself."""
    files = {f"/rules/{number}.config": f"import: {number + 1}.config\n" for number in range(1, count)}
    files[f"/rules/{count}.config"] = "num_events: 3\ntimeframe: {minutes: 5}\n"
    rule = translated(Path("/rules/a.yaml"), RULE + "import: 1.config\n", lambda path: files[str(path)])

    assert (rule.entry is not None) is made


def test_a_filter_is_found_where_it_stands():
    """The rule's own filter is good, that of the shared file is none: its file and line are named, not the rule's."""
    files = {
        "/rules/base.config": "\nfilter:\n- term: {service.name: shop}\n- script: {a: b}\n",
        "/rules/more.config": "filter: [{term: {log.type: http}}]\n",
    }
    text = RULE + "num_events: 5\ntimeframe: {minutes: 5}\nfilter:\n- term: {host.name: a}\nimport: [more.config, base.config]\n"
    made = translated(Path("/rules/a.yaml"), text, lambda path: files[str(path)])

    assert [note.what.split(": ")[0] for note in made.notes if note.needed] == ["base.config, line 4"]


def test_a_file_that_is_not_there_is_named(tmp_path):
    """With its path, and what to do."""
    made = translated(tmp_path / "a.yaml", RULE + "import: gone.config\n")

    assert made.entry is None
    assert made.notes[0].what == f"import: {tmp_path}/gone.config: No such file or directory"


def test_what_an_imported_file_says_is_found_there():
    """A note of a setting that stands in another file names that file and the line in it."""
    made = imported("import: odd.config\n")

    assert [(note.line, note.what) for note in made.notes if note.needed] == [(3, "odd.config, line 4: never_heard_of has no like here")]


@pytest.mark.parametrize(
    ("cron", "schedule"),
    [
        ("* 7-22 * * *", {"hours": ["07:00-23:00"], "time_zone": "UTC"}),
        ("*/5 0-5,20-23 ? * TUE-WED", {"days": ["tue", "wed"], "hours": ["00:00-06:00", "20:00-24:00"], "time_zone": "UTC"}),
        ("* * * * 0,6", {"days": ["sat", "sun"], "time_zone": "UTC"}),
        ("* * * * 7", {"days": ["sun"], "time_zone": "UTC"}),
        ("* * * * *", {}), ("", {}), (None, {}),
        ("0 8 * * *", None),
        ("* */2 * * *", None),
        ("* 22-6 * * *", None),
        ("* 8-24 * * *", None),
        ("* 8-18 1 * *", None),
        ("* 8-18 * 6 *", None),
        ("never", None),
        (7, None),
    ],
)  # fmt: skip
def test_hours_and_days_are_a_schedule_and_nothing_else_is(cron, schedule):
    """What cannot be the same is not made something near to it."""
    assert schedule_of(cron) == schedule


def test_a_limited_rule_is_judged_in_its_hours():
    """In and out of them, on the clocks that ElastAlert2 asks; that what comes in a pause is not judged later is said."""
    made = imported("num_events: 5\ntimeframe: {minutes: 1}\nlimit_execution: '* 8-18 * * 1-5'\n")

    schedule = made.entry["schedule"]
    assert [on(schedule, read(f"2026-11-20T{time}:00.000Z")) for time in ("07:59", "08:00", "18:59", "19:00")] == [False, True, True, False]
    assert not on(schedule, read("2026-11-21T12:00:00.000Z"))
    assert [note.needed for note in made.notes if "first run after a pause" in note.what] == [False]


def test_a_rule_that_covers_its_hours_only_is_the_same_here():
    """What `limit_execution_coverage` asks for is what a schedule does: nothing is left to say."""
    made = imported("num_events: 5\ntimeframe: {minutes: 1}\nlimit_execution: '* 8-18 * * *'\nlimit_execution_coverage: true\n")

    alone = imported("num_events: 5\ntimeframe: {minutes: 1}\nlimit_execution_coverage: true\n")
    assert made.entry["schedule"] == {"hours": ["08:00-19:00"], "time_zone": "UTC"}
    assert (made.notes, alone.notes) == ([], [])


def test_a_rule_that_always_runs_has_no_schedule():
    """An expression that leaves nothing out limits nothing."""
    assert "schedule" not in imported("num_events: 5\ntimeframe: {minutes: 1}\nlimit_execution: '* * * * *'\n").entry
