"""The nouns on the topics: written and read again they are the same, older records are read too, nonsense is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from logverse.alert import Alert, Explanation
from logverse.errors import Malformed
from logverse.feedback import Feedback, standing
from logverse.inventory import Source
from logverse.model import Model
from logverse.rule import Rule

RULE = Rule("slow", "frequency", schedule={"days": ["mon-fri"]}, owner="shop", shadow=True, no_data="alert", enabled=False)
WHY = Explanation("is", 1.0, 2.0, ">", "", 1, 1)
ALERT = Alert(
    "slow", "frequency", "firing", "warning", {"service.name": "web"}, 1, 2, Explanation("is", 1.0, 2.0, ">", "", 1, 1), shadow=True
)
FEEDBACK = Feedback("f" * 32, "known", "ann", 5, note="a load test", rule="slow", group={"service.name": "web"})
SOURCE = Source("web", "web-2", at=7, by="ann")
MODEL = Model("slow", {"service.name": "web"}, "robust", "r1", b'{"v":1}', 9)


@pytest.mark.parametrize(
    "noun", [RULE, ALERT, FEEDBACK, SOURCE, MODEL, replace(MODEL, budget=b"{}"), replace(SOURCE, forgotten=True, origin="learned")]
)
def test_noun_survives_the_topic(noun: Any) -> None:
    """What was written is what is read."""
    assert type(noun).from_json(noun.to_json()) == noun


def test_rule_without_the_younger_fields_is_what_it_was() -> None:
    """A record of a former version reads, and its revision is not another: what the job confirmed stays confirmed."""
    former = {
        "name": "a", "type": "any", "where": {}, "group_by": [], "window_ms": 60_000, "for_ms": 0, "keep_firing_for_ms": 0,
        "severity": "info", "labels": {}, "annotations": {}, "options": {}, "paused": False, "deleted": False,
    }  # fmt: skip

    rule = Rule.from_json(orjson.dumps(former))

    assert orjson.loads(rule.to_json()) == former
    assert rule.runs
    assert rule.revision != replace(rule, shadow=True).revision


def test_alert_without_the_younger_field_is_told() -> None:
    """An alert of a former version is no shadow."""
    former = orjson.loads(ALERT.to_json())
    del former["shadow"]

    assert not Alert.from_json(orjson.dumps(former)).shadow


@pytest.mark.parametrize(
    ("noun", "change"),
    [
        (RULE, {"owner": 5}), (RULE, {"schedule": "always"}), (RULE, {"no_data": "panic"}), (RULE, {"shadow": "yes"}),
        (ALERT, {"shadow": "no"}), (FEEDBACK, {"verdict": "great"}), (FEEDBACK, {"at": "now"}), (FEEDBACK, {"group": ["web"]}),
        (SOURCE, {"service": ""}), (SOURCE, {"origin": "heard"}), (SOURCE, {"at": 10**18}),
        (MODEL, {"state": None}), (MODEL, {"group": {"a": 1}}),
    ],
)  # fmt: skip
def test_record_with_a_field_of_another_kind_is_malformed(noun: Any, change: dict[str, Any]) -> None:
    """It is kept out at the door, not found by the one who compares it."""
    with pytest.raises(Malformed):
        type(noun).from_json(orjson.dumps({**orjson.loads(noun.to_json()), **change}))


@pytest.mark.parametrize("noun", [Feedback, Source, Model, Rule, Alert])
@pytest.mark.parametrize("data", [b"", b"[]", b"5", b"null", b"{}"])
def test_anything_else_is_malformed(noun: Any, data: bytes) -> None:
    """Whatever somebody wrote to the topic."""
    with pytest.raises(Malformed):
        noun.from_json(data)


def test_model_belongs_to_the_series_of_the_alert() -> None:
    """A detector finds its model by the fingerprint that the alert would have."""
    assert MODEL.fingerprint == ALERT.fingerprint


def test_undoing_takes_the_last_mark_of_that_verdict_back() -> None:
    """The marks before it stand; undoing what nobody said does nothing."""
    first, second = FEEDBACK, replace(FEEDBACK, verdict="normal", at=6)

    assert standing([first, second, replace(second, undo=True)]) == {first.fingerprint: [first]}
    assert standing([first, replace(second, undo=True)]) == {first.fingerprint: [first]}
    assert standing([first, replace(first, undo=True)]) == {}
