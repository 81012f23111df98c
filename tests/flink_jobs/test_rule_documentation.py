"""`docs/rules.md` says what the code does, and what it shows works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from flink_jobs.rules.check import check
from flink_jobs.rules.documentation import entry, page
from flink_jobs.rules.files import read_rules
from flink_jobs.rules.types import RULE_TYPES

PAGE = Path(__file__).parents[2] / "docs/rules.md"


def test_the_page_is_what_the_tables_say():
    """A new type, option or field stands in it: python -m flink_jobs.rules.documentation > docs/rules.md."""
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("name", RULE_TYPES)
def test_the_example_of_each_type_works(name):
    """What is shown can be copied."""
    assert check(entry(name))[1] == []
    assert f"### {name}\n" in page()


def test_the_file_it_begins_with_works(tmp_path):
    """Defaults, templates and all."""
    path = tmp_path / "shop.yaml"
    path.write_text(re.findall(r"```yaml\n(defaults:.*?)```", page(), re.DOTALL)[0])

    rule = read_rules(path)[0]

    assert (rule.name, rule.owner, rule.labels) == ("checkout-errors", "team-shop", {"team": "shop"})


def test_the_nested_condition_it_shows_works():
    """As it stands there."""
    where = yaml.safe_load(re.findall(r"```yaml\n(where:.*?)```", page(), re.DOTALL)[0])

    assert check({"name": "a", "type": "frequency", "num_events": 5, **where})[1] == []
