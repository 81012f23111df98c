"""The run itself can fail: on a skip that nobody allowed, and when nothing was tested."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

PASSES = "def test_passes():\n    assert True\n"
SKIPS = 'import pytest\n@pytest.mark.skip(reason="no server here")\ndef test_skips():\n    assert False\n'
EXPECTED_FAILURE = 'import pytest\n@pytest.mark.xfail(reason="one day")\ndef test_fails():\n    assert False\n'
MODULE_SKIPS = 'import pytest\npytest.skip("no server here", allow_module_level=True)\n'


def run(folder: Path, source: str, allowed: str, ci: str) -> tuple[int, str]:
    """Exit code and output of pytest on this source, with our conftest.py beside it."""
    shutil.copy(HERE / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "allowed_skips.txt").write_text(allowed)
    (folder / "test_it.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)],
        env={**os.environ, "CI": ci}, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("source", [SKIPS, MODULE_SKIPS, EXPECTED_FAILURE], ids=["skip", "module", "xfail"])
def test_skip_off_the_list_fails_the_run(tmp_path: Path, source: str) -> None:
    """A skip that no line allows turns a green run red, in words."""
    (tmp_path / "test_other.py").write_text(PASSES)

    code, output = run(tmp_path, source, "# nothing is allowed\n", ci="true")

    assert code == 1
    assert "skipped, and not on allowed_skips.txt: test_it.py" in output


def test_skip_on_the_list_is_printed_and_allowed(tmp_path: Path) -> None:
    """A skip that a line allows by test and reason is printed, and the run is green."""
    code, output = run(tmp_path, PASSES + SKIPS, "test_it.py::test_skips | no server*\n", ci="true")

    assert code == 0
    assert "test_it.py::test_skips: no server here" in output
    assert "1 tests executed, 1 skipped" in output


def test_another_reason_is_not_allowed(tmp_path: Path) -> None:
    """The list allows a reason, not a test for ever."""
    assert run(tmp_path, PASSES + SKIPS, "test_it.py::test_skips | other reason\n", ci="true")[0] == 1


@pytest.mark.parametrize("source", ["", SKIPS], ids=["no tests", "all skipped"])
def test_a_run_without_tests_fails(tmp_path: Path, source: str) -> None:
    """Green with nothing executed would say what nobody has checked."""
    code, output = run(tmp_path, source, "* | *\n", ci="true")

    assert code != 0
    assert "no test was executed" in output


def test_at_home_nothing_is_judged(tmp_path: Path) -> None:
    """Without CI=true a skip is only a skip."""
    assert run(tmp_path, PASSES + SKIPS, "", ci="")[0] == 0
