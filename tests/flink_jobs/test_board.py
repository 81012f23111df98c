"""What people say reaches the operators that it concerns, once, in the order in which it was said, and is not kept without bound."""

from __future__ import annotations

import pytest

from flink_jobs import board as module
from flink_jobs.board import EVERYBODY, Board, Word
from logverse.errors import Malformed
from logverse.feedback import Feedback
from logverse.inventory import Source
from logverse.model import Model
from logverse.template import Label


def said(board: Board, topic: str, *words: Word) -> None:
    for word in words:
        board.put(topic, word.to_json().decode())


def news(board: Board, key: str, since: int = 0) -> list[Word]:
    return [word for _, word in board.news(key, since)]


def test_a_word_reaches_whom_it_concerns():
    """A service hears of its alerts, models and templates, a rule of its own, who looks across services of all sources."""
    mark = Feedback("f1", "normal", "ann", 1, rule="5xx", group={"service.name": "web"})
    model, label = Model("drop", {}, "count", "r1", b"{}", 5), Label("t1", "web", name="login")
    board = Board()

    said(board, "feedback", mark)
    said(board, "models", model)
    said(board, "templates", label)
    said(board, "inventory", Source("shop"))

    assert news(board, "web") == [mark, label]
    assert (news(board, "5xx"), news(board, "drop")) == ([mark], [model])
    assert news(board, EVERYBODY) == [Source("shop")]
    assert news(board, "shop") == []


def test_of_the_same_thing_the_last_word_counts():
    """Who was not there meanwhile hears only what holds now; of an alert, one word of each verdict."""
    board = Board()

    said(board, "templates", Label("t1", "web", name="old"), Label("t1", "web", name="new"))
    said(board, "feedback", *(Feedback("f", mark, "ann", 1, group={"service.name": "web"}) for mark in ("known", "normal", "known")))

    assert [getattr(word, "name", getattr(word, "verdict", "")) for word in news(board, "web")] == ["new", "normal", "known"]


def test_what_was_heard_is_not_heard_again():
    """After the serial number of the last word there is only what came since."""
    board = Board()
    said(board, "templates", Label("t1", "web"), Label("t2", "web"))
    last = board.news("web", 0)[-1][0]

    said(board, "templates", Label("t3", "web"))

    assert news(board, "web", last) == [Label("t3", "web")]


def test_a_board_comes_back_from_what_was_kept():
    """The entries it answers, kept by name, make the same board after a restart."""
    board, kept = Board(), {}
    for topic, word in (("templates", Label("t1", "web")), ("inventory", Source("shop")), ("templates", Label("t1", "web", name="n"))):
        kept |= dict(board.put(topic, word.to_json().decode()))

    again = Board(kept.items())

    assert (news(again, "web"), news(again, EVERYBODY)) == ([Label("t1", "web", name="n")], [Source("shop")])


def test_the_oldest_makes_room(monkeypatch: pytest.MonkeyPatch):
    """A topic that somebody floods takes no more memory than its share, and it is counted."""
    monkeypatch.setattr(module, "MOST", 2)
    board = Board()

    changes = [board.put("templates", Label(name, "web").to_json().decode()) for name in ("t1", "t2", "t3")]

    assert news(board, "web") == [Label("t2", "web"), Label("t3", "web")]
    assert changes[-1][-1] == ("templates/label:t1", None)
    assert board.forgotten == 1


def test_a_record_that_is_none_is_malformed():
    """Anybody can write to a topic: the board says so and stays as it was."""
    board = Board()

    with pytest.raises(Malformed):
        board.put("feedback", "{}")

    assert news(board, "web") == []
