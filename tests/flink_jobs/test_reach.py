"""What a running job cannot see is refused with the way out; nothing silently never fires."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flink_jobs.rules.reach import Reach
from logverse.errors import Malformed
from logverse.rule import Rule

DISK = Rule("disk", "any", where={"body": "/disk (is )?full/"})


def test_fatal_lines_are_always_within_reach():
    """An `any` rule on the highest severity needs no new job."""
    fatal = Rule("fatal", "any", where={"severity_text": "FATAL", "service.name": "web"})

    assert Reach.of([]).refusal(fatal) is None
    assert Reach.of([]).clause_for(fatal) == "severe"


def test_a_job_sees_the_events_of_the_rules_it_was_submitted_with():
    """Each distinct `where` of the `any` rules is a clause of the filter; paused ones too, they may be resumed."""
    fatal, paused = Rule("fatal", "any", where={"severity_number": 24}), Rule("paused", "any", where={"body": "x"}, paused=True)
    reach = Reach.of([DISK, fatal, paused])

    assert [dict(clause) for clause in reach.clauses.values()] == [
        {"severity_text": "FATAL"},
        {"body": "/disk (is )?full/"},
        {"severity_number": 24},  # a clause of its own: a flood of other severe lines must not crowd it out
        {"body": "x"},
    ]
    assert dict(reach.clauses[reach.clause_for(fatal)]) == {"severity_number": 24}


def test_a_rule_that_cannot_be_run_keeps_no_job_from_its_sql():
    """A broken `any` rule on the topic has no clause; the others have theirs."""
    broken = [
        Rule("a", "any", where={"body": "/(/"}),
        Rule("b", "any", where={"no.such.column": "x"}),
        Rule("c", "nonsense", where={"body": "x"}),
    ]

    reach = Reach.of([*broken, DISK])

    assert [dict(clause) for clause in reach.clauses.values()] == [{"severity_text": "FATAL"}, {"body": "/disk (is )?full/"}]
    assert reach.refusal(DISK) is None
    assert reach.refusal(Rule("narrower", "any", where={"body": "/disk (is )?full/", "host.name": "a"})) is None


def test_an_any_rule_that_no_clause_covers_is_refused_with_the_way_out():
    """The running SQL does not hand its events to Python: only a new submit can."""
    refusal = Reach.of([]).refusal(DISK)

    assert refusal is not None
    assert "logverse job upgrade detect" in refusal


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Rule("a", "frequency", {"url.path": "/x"}, options={"num_events": 1}), "or make it a rule of type `any`"),
        (Rule("a", "frequency", group_by=("user.id",), options={"num_events": 1}), "use service.name, log.type"),
        (Rule("a", "any", {"severity_text": "FATAL"}, group_by=("pod",)), "single events do not carry pod"),
        (Rule("a", "spikes"), "unknown type 'spikes'"),
        (Rule("a", "frequency"), "num_events: is missing"),
    ],
)  # fmt: skip
def test_a_field_that_is_not_carried_is_refused_with_those_that_are(rule, says):
    """The refusal names the field and what can be used instead."""
    refusal = Reach.of([]).refusal(rule)

    assert refusal is not None
    assert says in refusal


SCAN = Rule("scan", "frequency", {"http.response.status_code": 404}, ("service.name", "client.address"), options={"num_events": 100})


def test_a_job_sums_up_what_its_rules_read():
    """Clients are summed up for the rule that looks at them, a paused one too; patterns always."""
    assert list(Reach.of([]).views) == ["traffic", "patterns"]
    assert list(Reach.of([replace(SCAN, paused=True)]).views) == ["traffic", "clients", "patterns"]
    assert list(Reach.of([replace(SCAN, deleted=True)]).views) == ["traffic", "patterns"]


def test_a_rule_on_a_view_that_the_job_does_not_make_is_refused_with_the_way_out():
    """The first rule about clients needs the SQL that sums them up; the refusal names the view and its fields."""
    refusal = Reach.of([]).refusal(SCAN)

    assert refusal is not None
    assert "no summaries of clients (service.name, log.type, client.address," in refusal
    assert "logverse job upgrade detect" in refusal
    assert Reach.of([SCAN]).refusal(SCAN) is None


def test_a_job_of_before_there_were_views_is_understood():
    """What such a job said of itself is its traffic."""
    said = {"clauses": {}, "dimensions": ["service.name", "log.type"], "event_fields": []}

    assert Reach.from_plain(said) == Reach({}, {"traffic": ("service.name", "log.type")}, ())


def test_an_older_job_that_carries_less_is_named_as_such():
    """When only the running job is too old for a field, the way out is to upgrade it."""
    old = Reach(views={"traffic": ("service.name",)})

    refusal = old.refusal(Rule("a", "frequency", {"host.name": "x"}, options={"num_events": 1}))

    assert refusal is not None
    assert "logverse job upgrade detect" in refusal


def test_a_reach_travels_as_json():
    """What the job says at its start is what the command reads."""
    reach = Reach.of([DISK])

    assert Reach.from_json(reach.to_json()) == reach
    with pytest.raises(Malformed):
        Reach.from_json(b"{}")


def test_clients_are_summed_up_only_as_far_as_a_rule_asks():
    """A view is about the events of its rules' `where`; one within another adds nothing, a name says nothing of whom it leaves out."""
    narrow = replace(SCAN, name="narrow", where={"http.response.status_code": 404, "log.type": "http", "client.address": "10.*"})

    assert Reach.of([narrow, SCAN]).about == {"clients": ({"http.response.status_code": 404},)}
    assert Reach.of([SCAN]).refusal(narrow) is None


def test_a_rule_on_clients_of_other_events_is_refused_with_the_way_out():
    """What the running SQL does not sum up by client would count as nothing."""
    refusal = Reach.of([SCAN]).refusal(replace(SCAN, where={"http.response.status_code": "5xx"}))

    assert refusal is not None
    assert "sums up clients only of {'http.response.status_code': 404}" in refusal
    assert "logverse job upgrade detect" in refusal
