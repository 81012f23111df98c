"""`logverse rules` without a server: checking, and what it says when there is nobody to talk to."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.fixture
def logverse(tmp_path):
    def run(*arguments):
        command = [sys.executable, "-m", "logverse.cli.main", "--home", str(tmp_path / "home"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env={"PATH": "", "HOME": str(tmp_path)})

    return run


def test_a_good_file_is_well_formed(logverse):
    """Without a file the shipped rules are checked, and are fine."""
    done = logverse("rules", "check")

    assert (done.returncode, " rules are well formed: http-5xx-share" in done.stdout) == (0, True)


def test_a_broken_file_ends_with_all_problems_and_exit_code_2(logverse, tmp_path):
    """File, line, field, remedy; the same as JSON; no stack trace."""
    path = tmp_path / "shop.yaml"
    path.write_text("rules:\n  - name: a\n    type: frequency\n    num_event: 5\n")

    told, listed = logverse("rules", "check", path), logverse("rules", "check", path, "-o", "json")

    assert (told.returncode, listed.returncode) == (2, 2)
    assert f"{path}:4: rule a: num_event: is unknown to frequency\n  → did you mean num_events?" in told.stderr
    assert "Traceback" not in told.stderr
    assert [(problem["line"], problem["field"]) for problem in json.loads(listed.stdout)] == [(2, "num_events"), (4, "num_event")]


def test_a_broken_file_is_refused_before_any_server_is_asked(logverse, tmp_path):
    """`apply` of a broken file changes nothing, wherever Kafka is."""
    path = tmp_path / "shop.yaml"
    path.write_text("rules: []\n")

    done = logverse("rules", "apply", path)

    assert (done.returncode, "no list of rules" in done.stderr) == (2, True)


def test_without_a_kafka_the_way_to_have_one_is_told(logverse):
    """No addresses at all is a mistake of settings; an address where nobody listens is trouble that may pass."""
    nowhere = logverse("rules", "list")

    assert (nowhere.returncode, "logverse up" in nowhere.stderr) == (2, True)
