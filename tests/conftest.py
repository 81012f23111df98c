"""For all tests: who shares a worker; under CI=true a skip must be on the checked-in list, and a run of nothing is no success."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

ALLOWED = Path(__file__).with_name("allowed_skips.txt")


class Skips:
    """Remembers what was skipped and how many tests ran, and judges both at the end."""

    def __init__(self, allowed: str) -> None:
        lines = [line for line in allowed.splitlines() if line.strip() and not line.startswith("#")]
        self._allowed = [tuple(part.strip() for part in line.split("|", 1)) for line in lines]
        self.skipped: list[tuple[str, str]] = []
        self.executed = 0

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append((report.nodeid, _reason(report)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.skipped.append((report.nodeid, _reason(report)))
        elif report.when == "call":
            self.executed += 1

    def problems(self) -> list[str]:
        """What makes this run a failure although no test failed."""
        found = [f"skipped, and not on {ALLOWED.name}: {test} ({reason})" for test, reason in self.skipped if not self._may(test, reason)]
        return found if self.executed else [*found, "no test was executed"]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and self.problems():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("skips")
        for test, reason in self.skipped:
            terminalreporter.write_line(f"{test}: {reason}")
        terminalreporter.write_line(f"{self.executed} tests executed, {len(self.skipped)} skipped")
        for problem in self.problems():
            terminalreporter.write_line(f"FAILED {problem}", red=True)

    def _may(self, test: str, reason: str) -> bool:
        return any(fnmatchcase(test, tests) and fnmatchcase(reason, reasons) for tests, reasons in self._allowed)


def _reason(report: pytest.CollectReport | pytest.TestReport) -> str:
    """An expected failure is a skip by another name: it must be on the list too."""
    if hasattr(report, "wasxfail"):
        return f"xfail: {report.wasxfail}"
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(reason).removeprefix("Skipped: ")


# With several workers (`-n 2`) the tests on real servers share one worker, and with it the stack; those with a JVM in the process another.
TOGETHER = {"tests/stack/": "servers", "tests/faults/": "servers", "tests/graph/": "jvm"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """By folder and not by xdist's own marks: those (3.8) do not go with this pytest. The largest group comes first."""
    from xdist.scheduler import LoadScopeScheduling

    class ByNeed(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            found = (group for folder, group in TOGETHER.items() if nodeid.startswith(folder))
            return next(found, nodeid.partition("::")[0])

    return ByNeed(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(Skips(ALLOWED.read_text()), "skips")
