"""What editors are told of rule files is what the check takes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_jobs.rules.check import check
from flink_jobs.rules.files import DEFAULTS
from flink_jobs.rules.schema import schema
from flink_jobs.rules.types import RULE_TYPES
from flink_jobs.rules.vocabulary import COMMON

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def editor() -> Any:
    jsonschema.Draft7Validator.check_schema(schema())
    return jsonschema.Draft7Validator(schema())


def full(name: str) -> dict[str, Any]:
    """An entry of this type that says everything there is to say."""
    words = {word: yaml.safe_load(option.example) for word, option in COMMON.items()}
    own = {word: yaml.safe_load(option.example) for word, option in RULE_TYPES[name].options.items()}
    return {**words, **own, "type": name}


@pytest.mark.parametrize("name", RULE_TYPES)
def test_each_type_may_say_all_that_it_knows(editor, name):
    """Its example, every option with its own example, and every common word."""
    for entry in (full(name), {"name": "a", "type": name, **RULE_TYPES[name].example}):
        assert [error.message for error in editor.iter_errors({"rules": [entry]})] == []
        assert editor.is_valid([entry])


def test_the_shipped_rules_are_fine_in_an_editor(editor):
    """Nothing is underlined."""
    assert [error.message for error in editor.iter_errors(yaml.safe_load(DEFAULTS.read_text()))] == []


@pytest.mark.parametrize(
    "text",
    [
        "rules: [{name: a, type: frequancy, num_events: 5}]",
        "rules: [{name: a, type: frequency, num_event: 5}]",
        "rules: [{name: a, type: frequency, num_events: 0}]",
        "rules: [{name: a, type: frequency, num_events: 5, severity: grave}]",
        "rules: [{name: a, type: frequency, num_events: 5, where: {http.rout: /a}}]",
        "rules: [{name: a, type: frequency, num_events: 5, where: {or: {}}}]",
        "rules: [{name: a, type: frequency, num_events: 5, window: soon}]",
        "rules: [{name: a, type: frequency, num_events: 5, schedule: {day: mon}}]",
        "rules: [{type: frequency, num_events: 5}]",
        "rules: []",
        "rule: [{name: a}]",
        "defaults: {name: a}",
        "{}",
    ],
)
def test_mistakes_are_seen_as_they_are_typed(editor, text):
    """What the check refuses by form the editor refuses too."""
    assert not editor.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "defaults: {severity: info, num_events: 5, timeframe: 5m}\nrules: [{name: a, type: frequency}]",
        "defaults: {owner: all}",
        "- {name: a, type: frequency, num_events: 5, for: 0, is_enabled: no, where: {or: [{event_name: a}, {not: {host.name: '*.x'}}]}}",
    ],
)
def test_other_forms_are_fine_too(editor, text):
    """Defaults, a plain list, ElastAlert2's words, nested conditions."""
    assert [error.message for error in editor.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize("word", COMMON)
def test_each_common_word_takes_its_own_example(word):
    """Of the check too, not only of the editor."""
    entry = {"name": "a", "type": "frequency", "num_events": 5, word: yaml.safe_load(COMMON[word].example)}

    assert check(entry)[1] == []
    assert COMMON[word].about
