"""`logverse patterns`, on a topic in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from logverse import instant
from logverse.cli.main import logverse
from logverse.errors import Malformed, Refused
from logverse.settings import Settings
from logverse.template import Label, Template
from logverse.templates import Catalogue

NOW = 1_795_262_400_000
HOUR = 3_600_000
FULL = Template("aaaa0001", "web", "disk <*> is full", NOW - 3 * HOUR, NOW - HOUR, {17: 5, 9: 1}, "disk sda is full", ("disk sda is full",))
DONE = Template("bbbb0002", "api", "job <*> done", NOW - HOUR // 2, NOW, {9: 900}, "job 7 done")
EVIL = Template("bbbb0003", "web", "\x1b[2Jgone <*>", NOW - 9 * HOUR, NOW - 5 * HOUR, {13: 2}, "\x1b]0;owned\x07")
GONE = Template("cccc0004", "web", "long gone", NOW, NOW, {9: 1}, gone=True)
MERGED = Template("dddd0005", "web", "disk <*> is full", NOW, NOW, {9: 1}, merged_into="aaaa0001")


class Message:
    """What a consumer hands over."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def value(self) -> bytes:
        return self._value


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the topic holds; what is written stands at its end."""
    held = [one.to_json() for one in (FULL, DONE, EVIL, GONE, MERGED)] + [b"no template"]

    def read_to_end(settings: Settings, topic: str) -> Iterator[Message]:
        assert topic == "templates"
        return map(Message, list(held))

    def write(settings: Settings, topic: str, records: Iterable[tuple[str, bytes]]) -> None:
        assert topic == "templates"
        for key, value in records:
            assert key == Label.from_json(value).key
            held.append(value)

    monkeypatch.setattr("logverse.topic_reader.read_to_end", read_to_end)
    monkeypatch.setattr("logverse.topic_writer.write", write)
    monkeypatch.setattr(instant, "now", lambda: NOW)
    return held


@pytest.fixture
def run(tmp_path: Path, topic: list[bytes]) -> Callable[..., Result]:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(logverse, ["--home", str(tmp_path), "patterns", *arguments])

    return invoke


def ids(result: Result) -> list[str]:
    return [row["id"] for row in orjson.loads(result.stdout)]


def test_the_list_shows_what_lives_and_steers_no_terminal(run: Callable[..., Result]) -> None:
    """Seen last first; forgotten and merged ones are left out; what attackers wrote comes as text."""
    shown = run("list")

    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", "bbbb0002", "aaaa0001", "bbbb0003"]
    assert lines[2].split()[1:4] == ["web", "6", "ERROR"]
    assert "\x1b" not in shown.stdout and "\\x1b[2Jgone <*>" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--service", "web"], ["aaaa0001", "bbbb0003"]),
        (["--severity", "error"], ["aaaa0001"]),
        (["--new", "1h"], ["bbbb0002"]),
        (["--since", "2h"], ["bbbb0002", "aaaa0001"]),
        (["--text", "DISK"], ["aaaa0001"]),
        (["--sort", "count"], ["bbbb0002", "aaaa0001", "bbbb0003"]),
        (["--sort", "severity", "-n", "2"], ["aaaa0001", "bbbb0003"]),
    ],
)  # fmt: skip
def test_the_list_is_narrowed_and_ordered(run: Callable[..., Result], arguments: list[str], expected: list[str]) -> None:
    """Each option leaves what it says."""
    assert ids(run("list", "-o", "json", *arguments)) == expected


def test_one_is_shown_whole(run: Callable[..., Result]) -> None:
    """What it was before, what went into it, counts by severity; found by the beginning of its id, also of one that was merged."""
    shown, merged = run("show", "aaaa"), run("show", "dddd")

    assert "lines       6: ERROR 5, INFO 1" in shown.stdout
    assert "it was      disk sda is full" in shown.stdout
    assert "took in     dddd0005" in shown.stdout
    assert merged.stdout == shown.stdout


def test_a_name_is_given_used_and_taken_away(run: Callable[..., Result], topic: list[bytes]) -> None:
    """With who and when; the list calls it so, and it can be asked for by it."""
    said = run("name", "aaaa", "full disk", "--by", "ann")

    assert said.stdout == "aaaa0001  is called full disk\n"
    assert Label.from_json(topic[-1]) == Label("aaaa0001", "web", "full disk", False, "ann", NOW)
    assert "full disk" in run("list").stdout
    assert "said by     ann, 2026-11-21T12:00:00.000Z" in run("show", "full disk").stdout
    assert run("name", "full disk", "--clear").exit_code == 0
    assert "full disk" not in run("list").stdout


def test_an_ignored_one_is_hidden_keeps_its_name_and_comes_back(run: Callable[..., Result], topic: list[bytes]) -> None:
    """Ignoring says nothing of the name; twice is once."""
    run("name", "bbbb0002", "the job")

    said, again = run("ignore", "bbbb0002"), run("ignore", "the job")

    assert (said.stdout, again.stdout) == ("bbbb0002  ignored: the job\n", "bbbb0002  is ignored already\n")
    assert Label.from_json(topic[-1]).name == "the job"
    assert "bbbb0002" not in run("list").stdout
    assert "(ignored) the job" in run("list", "--ignored").stdout
    assert run("ignore", "the job", "--undo").stdout == "bbbb0002  rules look at it again: the job\n"
    assert "bbbb0002" in run("list").stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["show", "bbbb"], "type more of the id"),
        (["show", "zzzz"], "logverse patterns list"),
        (["show", "cccc"], "logverse patterns list"),
        (["name", "aaaa"], "--clear"),
        (["name", "aaaa", "x", "--clear"], "--clear"),
        (["name", "aaaa", "x\x1b[2J"], "one line of at most 80"),
        (["list", "--severity", "bad"], "DEBUG, INFO, WARN, ERROR or FATAL"),
        (["list", "--new", "soon"], "--new"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_the_way_out(run: Callable[..., Result], topic: list[bytes], arguments: list[str], problem: str) -> None:
    """Nothing is written, and what to do instead is said."""
    before = len(topic)

    result = run(*arguments)

    assert result.exit_code != 0
    assert problem in str(result.exception)
    assert len(topic) == before


@pytest.mark.parametrize(
    "value",
    [b"", b"{}", b"[]", b"null", b'{"id": 5}', b'{"template": "a"}', FULL.to_json().replace(b'"17":5', b'"x":5'), b"\xff"],
)
def test_anybodys_record_harms_nothing(value: bytes) -> None:
    """What is neither template nor label is counted and left out."""
    with pytest.raises(Malformed):
        Template.from_json(value)

    catalogue = Catalogue.of([value, DONE.to_json(), None])

    assert (len(catalogue.templates), catalogue.unread) == (1, 2)


def test_a_circle_of_merges_ends() -> None:
    """Records that say of each other that they were merged are nobody's way into an endless search."""
    one = Template("a1", "web", "x", NOW, NOW, merged_into="a2")
    other = Template("a2", "web", "x", NOW, NOW, merged_into="a1")

    with pytest.raises(Refused):
        Catalogue.of([one.to_json(), other.to_json()]).find("a1")
