"""For all tests: who shares a worker; under CI=true a skip must be on the checked-in list, and a run of nothing is no success."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

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


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers (`-n 2`) all tests on real servers share one, and with it the stack; so do those with a JVM in the process."""
    for item in items:
        for marker in ("stack", "flink"):
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.xdist_group(marker))
                break
    items.sort(key=lambda item: 0 if item.get_closest_marker("stack") else 1)  # the longest first


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(Skips(ALLOWED.read_text()), "skips")
