"""Rules as people have them for ElastAlert2 become ours where they mean the same; what does not is named, never dropped in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from flink_jobs.rules.check import check
from flink_jobs.rules.elastalert import translated, yaml_of
from flink_jobs.rules.types import RULE_TYPES
from flink_jobs.rules.written import entry_of
from logverse.cli.main import logverse
from logverse.errors import WrongSettings

THEIRS = Path(__file__).parent / "elastalert"


def imported(name):
    return translated(THEIRS / f"{name}.yaml", (THEIRS / f"{name}.yaml").read_text())


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        (
            "frequency",
            {
                "name": "Checkout-5xx-burst", "type": "frequency", "num_events": 50, "window": "5m", "group_by": ["host.name"],
                "where": {
                    "service.name": "checkout", "not": {"host.name": "canary*"},
                    "and": [{"http.response.status_code": ">=500"}, {"http.response.status_code": "<=599"}],
                },
                "owner": "team-shop", "description": "Checkout answers with server errors.",
            },
        ),
        (
            "any",
            {
                "name": "disk-full", "type": "any", "group_by": [],
                "where": {"body": r"/(?i)\bdisk\W+full\b/", "host.name": ["db-1", "db-2"], "not": {"severity_text": "DEBUG"}},
            },
        ),
        (
            "spike",
            {
                "name": "traffic-spike", "type": "spike", "spike_height": 3, "spike_type": "up", "threshold_cur": 500, "window": "1h",
                "where": {
                    "http.request.method": "POST", "not": {"host.name": "*test*"}, "http.response.status_code": [200, 201],
                },
                "group_by": ["service.name"],
            },
        ),
        (
            "metric",
            {
                "name": "slow", "type": "metric_aggregation", "window": "2m", "metric_agg_key": "http.server.request.duration",
                "metric_agg_type": "percentile", "percentile": 95, "max_threshold": 1.5, "group_by": ["service.name"],
            },
        ),
        (
            "percentage",
            {
                "name": "error-share", "type": "percentage_match", "window": "5m", "max_percentage": 5, "min_count": 100,
                "match": {"and": [{"http.response.status_code": ">=500"}, {"http.response.status_code": "<600"}]},
                "group_by": ["service.name"], "enabled": False,
            },
        ),
        (
            "new_term",
            {
                "name": "new-host", "type": "new_term", "fields": ["host.name"], "terms_window_size": "30d",
                "where": {"severity_text": ["ERROR", "FATAL"]}, "group_by": [],
            },
        ),
        (
            "blacklist",
            {
                "name": "forbidden-users", "type": "blacklist", "compare_key": "user.id", "blacklist": ["root", "admin"],
                "where": {"event_name": "user.login"}, "group_by": [],
            },
        ),
        (
            "change",
            {
                "name": "country-hop", "type": "change", "compare_key": "client.address", "ignore_null": True, "group_by": ["user.id"],
                "forget_after": "6h", "where": {"event_name": "user.login"},
            },
        ),
        (
            "cardinality",
            {
                "name": "many-users-from-one-address", "type": "cardinality", "cardinality_field": "user.name", "max_cardinality": 20,
                "window": "10m", "where": {"event.outcome": "failure"}, "group_by": [],
            },
        ),
        (
            "flatline",
            {
                "name": "web-is-quiet", "type": "flatline", "threshold": 10, "window": "5m", "group_by": ["service.name"],
                "where": {"http.response.status_code": ">=0"},
            },
        ),
    ],
)  # fmt: skip
def test_a_rule_becomes_ours(name, entry):
    """Type and options by their names, filters as conditions; the check takes it."""
    made = imported(name)

    assert [note.what for note in made.notes if note.needed] == []
    assert made.entry == entry
    assert check(made.entry)[1] == []


def test_what_is_dropped_of_how_people_are_told_is_said():
    """Each setting with its line, and where it is said here."""
    notes = {note.what: note for note in imported("frequency").notes}

    assert notes["slack_webhook_url is dropped"].line == 18
    assert "alerting.yaml" in notes["slack_webhook_url is dropped"].remedy
    assert "annotations" in notes["alert_text is dropped"].remedy
    assert {what for what in notes if "is dropped" in what} == {
        f"{name} is dropped" for name in ("realert", "alert", "slack_webhook_url", "email", "alert_text")
    }
    assert not any(note.needed for what, note in notes.items() if "is dropped" in what)


FREQUENCY = "name: a\ntype: frequency\nnum_events: 5\ntimeframe: {minutes: 1}\n"


@pytest.mark.parametrize(
    ("option", "remedy"),
    [
        ("import: not-there.config", "copy into this one what it says"),
        ("match_enhancements: [ours.DropWeekends]", "say in the filter what it drops"),
        ("limit_execution: '0 8 * * 1-5'", "schedule:"),
        ("never_heard_of: 5", "leave it out"),
    ],
)
def test_an_option_that_changes_what_a_rule_finds_keeps_it_from_being_made(option, remedy):
    """A rule without what its base file or its code says would find other things: it is named, with what to do."""
    made = translated(Path("a.yaml"), FREQUENCY + option)

    assert made.entry is None
    assert [(note.line, remedy in note.remedy) for note in made.notes if note.needed] == [(5, True)]


@pytest.mark.parametrize(
    "option", ["index: nginx-*", "es_username: elastic", "verify_certs: false", "ms_teams_webhook_url: x", "zbx_key: x", "priority: 1"]
)
def test_an_option_that_changes_nothing_is_said_and_no_hindrance(option):
    """Where the log is kept and how people are told: the rule is made, and one reads what became of the option."""
    made = translated(Path("a.yaml"), FREQUENCY + option)

    assert made.entry is not None
    assert [(note.line, bool(note.remedy)) for note in made.notes if option.split(":")[0] in note.what] == [(5, True)]


def test_a_list_in_a_file_of_its_own_is_no_value():
    """`!file` names a file of values; taken for a value the rule would never fire."""
    made = translated(Path("a.yaml"), 'name: a\ntype: blacklist\ncompare_key: user.id\nblacklist:\n- root\n- "!file /etc/bad-users"\n')

    assert made.entry is None
    assert [note.what for note in made.notes if note.needed] == ["blacklist: !file /etc/bad-users: the file is not read"]


@pytest.mark.parametrize(
    ("option", "fields", "dropped"),
    [("query_key: host.name", ["host.name"], 0), ("query_key: user.name\nfields: host.name", "host.name", 1)],
)
def test_a_new_term_is_new_over_all(option, fields, dropped):
    """There `query_key` is the term where `fields` is missing, and never what terms are apart by."""
    made = translated(Path("a.yaml"), f"name: a\ntype: new_term\n{option}\n")

    assert (made.entry["fields"], made.entry["group_by"]) == (fields, [])
    assert sum("query_key is dropped" in note.what for note in made.notes) == dropped


def test_a_window_that_stands_in_another_file_is_said():
    """`buffer_time` of their config.yaml is the window of a metric; without it the rule looks over another span than people know."""
    text = "name: a\ntype: percentage_match\nmatch_bucket_filter:\n- term: {status: 500}\nmax_percentage: 5\n"

    alone, said = (translated(Path("a.yaml"), text + more) for more in ("", "buffer_time: {minutes: 2}\n"))

    assert ["buffer_time" in note.what for note in alone.notes] == [True]
    assert said.notes == []


@pytest.mark.parametrize(
    "option", ["type: [any]", "type:", "timeframe: {minutes: soon}", "timeframe: {minutes: .inf}", "alert: [{}]", "filter: 5"]
)
def test_a_slip_is_told_and_no_stack_trace(option):
    """Whatever stands there."""
    text = FREQUENCY.replace("type: frequency\n", "") if option.startswith("type") else FREQUENCY

    made = translated(Path("a.yaml"), f"{text}{option}\n")

    assert made.entry is not None if option.startswith("alert") else any(note.needed for note in made.notes)


def test_half_a_filter_makes_no_rule():
    """A rule with a part that cannot be translated would find other things; the part is named with its line and what was meant."""
    made = imported("untranslatable")

    needed = [(note.line, note.what) for note in made.notes if note.needed]
    assert made.entry is None
    assert needed[0][0] == 7 and "geoip.country_name: no such field here" in needed[0][1]
    assert (9, "num_event_types has no like here") in needed


def test_a_field_that_only_single_events_have_is_named():
    """What the type cannot see here is told as the check tells it, at the filter's line."""
    text = "name: a\ntype: frequency\nnum_events: 5\ntimeframe: {minutes: 1}\nfilter:\n- prefix: {url.path: /health}\n"

    made = translated(Path("a.yaml"), text)

    assert made.entry is None
    assert [(note.line, "url.path" in note.what) for note in made.notes if note.needed] == [(5, True)]


def test_a_rule_of_ones_own_code_is_named():
    """Its type is no type here."""
    made = imported("custom")

    assert made.entry is None
    assert "type elastalert_modules.ours.OurRule is not known here" in made.notes[0].what


def test_a_folder_becomes_one_file_that_the_check_takes(tmp_path):
    """What could not be translated stands in it as a comment, and the exit code says that there is something to do."""
    to = tmp_path / "shop.yaml"

    done = CliRunner().invoke(logverse, ["rules", "import-elastalert", str(THEIRS), "--to", str(to)], standalone_mode=False)
    checked = CliRunner().invoke(logverse, ["rules", "check", str(to)], standalone_mode=False)

    assert (done.return_value, checked.return_value) == (1, 0)
    assert "10 of 12 rules translated" in done.output
    assert "untranslatable.yaml:7: rule strange: filter:" in done.output
    assert "# custom.yaml: of our own: NOT TRANSLATED" in to.read_text()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    """With the remedy, and no stack trace."""
    to = tmp_path / "none" / "shop.yaml"

    done = CliRunner().invoke(logverse, ["rules", "import-elastalert", str(THEIRS / "any.yaml"), "--to", str(to)], standalone_mode=False)

    assert isinstance(done.exception, WrongSettings)
    assert "shop.yaml: cannot be written" in str(done.exception)


def test_names_and_notes_cannot_write_yaml_of_their_own():
    """A name with a line break stays within its comment."""
    text = yaml_of([translated(Path("x.yaml"), 'name: "a\\n- {name: evil}"\ntype: nothing\n')])

    assert yaml.safe_load(text) == {"rules": None}


@pytest.mark.parametrize("name", RULE_TYPES)
def test_a_rule_can_be_written_as_it_was_read(name):
    """`rules show` prints an entry that gives the same rule again."""
    rule, problems = check(
        {"name": "a", "type": name, **RULE_TYPES[name].example, "for": "5s", "owner": "me", "shadow": True, "schedule": {"days": "mon"}}
    )

    assert problems == []
    assert check(yaml.safe_load(yaml.safe_dump(entry_of(rule)))) == (rule, [])
