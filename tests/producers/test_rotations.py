"""Rotations at odd moments: between two looks, while one looks, between saving and being killed. No line is lost or doubled."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from logverse import instant
from producers.sources import adoption, files


def once(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, first: Callable[..., Any]) -> None:
    """The first call goes to `first`, which is given the real one; all others as ever."""
    real = getattr(place, name)

    def called(*given: Any) -> Any:
        monkeypatch.setattr(place, name, real)
        return first(real, *given)

    monkeypatch.setattr(place, name, called)


def rename(workshop: Any, number: int) -> None:
    (workshop.folder / "access.log").rename(workshop.folder / f"access.log.{number}")


def copy_and_truncate(workshop: Any, number: int) -> None:
    log = workshop.folder / "access.log"
    (workshop.folder / f"access.log.{number}").write_bytes(log.read_bytes())
    log.write_bytes(b"")


ROTATE = pytest.mark.parametrize("rotate", [rename, copy_and_truncate])


def all_of(workshop: Any, count: int) -> bool:
    """Whether lines 0 to `count` have arrived, each once."""
    assert sorted(workshop.bodies()) == [workshop.line(number) for number in range(count)]
    return len(set(workshop.uids())) == count


@ROTATE
def test_file_that_lived_between_two_looks(workshop: Any, rotate: Callable[[Any, int], None], now: None) -> None:
    """Rotated twice between two looks: the file in the middle, which nobody saw under its name, is read where it went."""
    workshop.write(workshop.line(0))
    workshop.follow()

    for number in (1, 2):
        rotate(workshop, number)
        workshop.write(workshop.line(number))
    workshop.follow()

    assert all_of(workshop, 3)


@ROTATE
def test_file_that_was_empty_at_both_looks(workshop: Any, rotate: Callable[[Any, int], None], now: None) -> None:
    """An empty file may have been filled and rotated since: only its number or its time tell."""
    workshop.write("")
    workshop.follow()

    workshop.write(workshop.line(0))
    rotate(workshop, 1)
    workshop.write("")
    workshop.follow()

    assert all_of(workshop, 1)


def test_renamed_between_listing_and_opening(workshop: Any, monkeypatch: pytest.MonkeyPatch, now: None) -> None:
    """The name may stand for another file by the time it is opened: both are read, and the producer lives."""
    workshop.write(workshop.line(0))

    def slowly(opened: Callable[[Path], Any], path: Path) -> Any:
        rename(workshop, 1)
        workshop.write(workshop.line(1))
        return opened(path)

    once(monkeypatch, files, "opened", slowly)
    workshop.follow()
    workshop.follow()

    assert all_of(workshop, 2)


def test_emptied_and_filled_again_before_the_next_look(workshop: Any, now: None) -> None:
    """What is read behind the place that was reached is of another text by then: it does not become lines of the old one."""

    def refill(*_: Any) -> None:
        if not (workshop.folder / "access.log.1").exists():
            workshop.write(workshop.line(1))
            copy_and_truncate(workshop, 1)
            workshop.write(workshop.lines(2, 6))

    workshop.publisher.poll = refill
    workshop.write(workshop.line(0))
    send = workshop.publisher.send
    workshop.publisher.send = lambda *given: (send(*given), refill())

    workshop.follow()

    assert all_of(workshop, 6)


def test_emptied_while_its_copy_is_opened(workshop: Any, monkeypatch: pytest.MonkeyPatch, now: None) -> None:
    """A copy of what is being read elsewhere is no new text, though the original is emptied in this very moment."""
    workshop.write(workshop.lines(0, 2))
    workshop.follow()
    rename(workshop, 2)
    workshop.write(workshop.line(2))
    workshop.follow(0.2)

    def slowly(siblings: Callable[..., Any], *given: Any) -> Any:
        copy_and_truncate(workshop, 1)
        workshop.write(workshop.line(3))
        return siblings(*given)

    once(monkeypatch, files, "siblings", slowly)
    workshop.follow()

    assert all_of(workshop, 4)


def test_emptied_while_it_is_recognised(workshop: Any, monkeypatch: pytest.MonkeyPatch, now: None) -> None:
    """A file that is emptied and filled between two glances at it is not taken for one of the two texts with parts of the other."""
    workshop.write(workshop.lines(0, 3))
    workshop.follow()

    def slowly(namesakes: Callable[..., Any], *given: Any) -> Any:
        copy_and_truncate(workshop, 1)
        workshop.write(workshop.lines(3, 9))
        return namesakes(*given)

    workshop.start()
    once(monkeypatch, adoption.Adoption, "_namesakes", slowly)
    workshop.follow()

    assert all_of(workshop, 9)


def test_copy_that_hides_from_one_look(workshop: Any, monkeypatch: pytest.MonkeyPatch, now: None) -> None:
    """While names shift, a listing may miss a file: it is sought again before it is given up."""
    workshop.write(workshop.line(0))
    workshop.follow()
    workshop.write(workshop.line(1))
    copy_and_truncate(workshop, 1)
    once(monkeypatch, adoption, "siblings", lambda *_: [])

    workshop.follow()

    assert all_of(workshop, 2)
    assert workshop.said == []


def test_rotated_file_that_hides_from_a_start(workshop: Any, monkeypatch: pytest.MonkeyPatch, now: None) -> None:
    """The same for what the last run had not finished."""
    workshop.write(workshop.line(0))
    workshop.follow()
    workshop.write(workshop.line(1))
    rename(workshop, 1)
    os.utime(workshop.folder / "access.log.1", (1, 1))
    once(monkeypatch, adoption, "siblings", lambda *_: [])

    workshop.start()
    workshop.follow()

    assert all_of(workshop, 2)
    assert workshop.said == []


def test_killed_after_saving_and_before_looking(workshop: Any, now: None) -> None:
    """A file may have lived between the last look and the last saving: the next start looks back further than that."""
    workshop.write(workshop.line(0))
    workshop.follow()
    for number in (1, 2):
        rename(workshop, number)
        workshop.write(workshop.line(number))
    saved = workshop.memory.stat().st_mtime
    os.utime(workshop.folder / "access.log.2", (saved - 1, saved - 1))

    workshop.start()
    workshop.follow()

    assert all_of(workshop, 3)


def test_text_without_a_copy_is_given_up(workshop: Any, now: None) -> None:
    """A file that was emptied for good: said once, after some seconds, and what is written next is read at once."""
    workshop.write(workshop.line(0))
    workshop.follow()
    (workshop.folder / "access.log").write_text(workshop.line(1))
    workshop.follow()
    said = list(workshop.said)

    workshop.follow(seconds=8)

    assert all_of(workshop, 2)
    assert said == []
    assert ["no copy of it stands beside it" in text for text in workshop.said] == [True]


@pytest.fixture
def now(workshop: Any) -> None:
    """The test's clock begins at that of the file system, which gives files their times."""
    workshop.now = instant.now()
