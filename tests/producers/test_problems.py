"""What a producer remembers of files that are gone, and of what was wrong, is bounded: it may run for years."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from producers import problems
from producers.account import Account
from producers.problems import Problems
from producers.sources import files

HOUR = 3_600_000


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


def test_a_problem_is_said_once_while_it_lasts() -> None:
    """Met at every look, however many others there are beside it."""
    account, said = Account(), list[str]()
    problem = Problems(account, Clock(), said.append)

    for _ in range(3):
        for number in range(problems.MOST + 5):
            problem(f"{number}.log cannot be read")

    assert len(said) == len(set(said)) == problems.MOST + 5
    assert account.problems == said[5:]


def test_a_problem_of_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more than there is room for; it is said again when it comes up again."""
    monkeypatch.setattr(problems, "MOST", 2)
    clock, said = Clock(), list[str]()
    problem = Problems(Account(), clock, said.append)

    for text in ("old", "lasting"):
        problem(text)
    clock.now += HOUR
    for text in ("lasting", "new", "old"):
        problem(text)

    assert said == ["old", "lasting", "new", "old"]


def test_names_of_the_past_are_forgotten(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods come and go, each with a name of its own: what is remembered of them does not grow, and each line still arrives once."""
    monkeypatch.setattr(files, "_MOST", 3)
    workshop.start("pod-*.log", "pod-*.log.1")

    for number in range(12):
        log: Path = workshop.folder / f"pod-{number}.log"
        workshop.write(workshop.line(number), log.name)
        workshop.follow()
        log.rename(log.with_name(f"{log.name}.1"))
        workshop.follow()
        workshop.now += files.HELD_MS
        log.with_name(f"{log.name}.1").unlink()
        workshop.follow()

    assert sorted(workshop.bodies()) == sorted(workshop.line(number) for number in range(12))
    assert len(workshop.files._turns) <= 4 and len(workshop.files._done) <= 4
