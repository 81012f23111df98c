"""The checkpoint: what it says has arrived has arrived, whatever the order of acknowledgements and the moment of a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logverse.errors import WrongSettings
from producers.assembly import host_of
from producers.checkpoint import Checkpoint, Position, only_one


@given(st.permutations(range(8)))
def test_offset_never_passes_a_hole(order: list[int]) -> None:
    """Acknowledgements in any order move the offset only over what is settled without a gap."""
    position = Position("a.log", first_seen=0)
    stretches = [position.begin(end=10 * (n + 1), last_time=n) for n in range(8)]
    done: set[int] = set()

    for place in order:
        stretches[place].settle()
        done.add(place)

        whole = next(n for n in range(9) if n not in done)
        assert position.offset == 10 * whole
        assert position.last_time == (whole - 1 if whole else None)


def test_save_and_load(tmp_path: Path) -> None:
    """A saved checkpoint is read as it was, and what was only sent counts as not sent."""
    checkpoint = Checkpoint(tmp_path / "web.json", "cluster-1")
    position = checkpoint.texts["id"] = Position("a.log", first_seen=5, type="json", inode=7, seen=6)
    position.begin(100, 42).settle()
    position.begin(200, 43)

    checkpoint.save()

    loaded = Checkpoint.load(tmp_path / "web.json", "cluster-1").texts["id"]
    assert loaded == Position("a.log", first_seen=5, offset=100, last_time=42, type="json", inode=7, seen=6)
    assert loaded.sent == 100
    assert [path.name for path in tmp_path.iterdir()] == ["web.json"]


def test_crash_while_saving_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies before the new file has its name leaves the last whole checkpoint."""
    checkpoint = Checkpoint(tmp_path / "web.json")
    position = checkpoint.texts["id"] = Position("a.log", first_seen=5, offset=10)
    checkpoint.save()
    position.offset = 20

    def dies(*_: object) -> None:
        raise OSError("killed")

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(OSError, match="killed"):
        checkpoint.save()

    assert Checkpoint.load(tmp_path / "web.json", "").texts["id"].offset == 10


def test_other_cluster_starts_afresh(tmp_path: Path) -> None:
    """What has arrived at one Kafka has not arrived at another."""
    checkpoint = Checkpoint(tmp_path / "web.json", "cluster-1")
    checkpoint.texts["id"] = Position("a.log", first_seen=5, offset=10)
    checkpoint.save()

    loaded = Checkpoint.load(tmp_path / "web.json", "cluster-2")

    assert (loaded.texts, loaded.foreign) == ({}, True)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": 1, "cluster": "", "texts": {"a": {"bad": 1}}}', '{"version": 99}'])
def test_broken_file_is_the_users_to_mend(tmp_path: Path, content: str) -> None:
    """A checkpoint that cannot be read stops the start, with its name: starting from nothing would send everything again."""
    (tmp_path / "web.json").write_text(content)

    with pytest.raises(WrongSettings, match=r"web\.json"):
        Checkpoint.load(tmp_path / "web.json", "")


def test_two_producers_do_not_share_one(tmp_path: Path) -> None:
    """The second producer with the same checkpoint is told so; after the first has ended it may start."""
    with only_one(tmp_path / "web.json"), pytest.raises(WrongSettings, match="another producer"), only_one(tmp_path / "web.json"):
        pass

    with only_one(tmp_path / "web.json"):
        assert (tmp_path / "web.json.lock").exists()


def test_resume_sends_what_was_in_flight_with_the_same_ids(workshop: Any) -> None:
    """After a crash what was not acknowledged is sent again under the same uids, and nothing else is."""
    workshop.publisher.hold = True
    workshop.write(workshop.lines(0, 3))
    workshop.follow()
    workshop.write(workshop.lines(3, 5))
    workshop.follow()
    workshop.publisher.acknowledge(0)
    workshop.checkpoint.save()
    first = workshop.uids()

    workshop.publisher.records.clear()
    workshop.start()
    workshop.follow()

    assert workshop.uids() == first[3:]


def test_hole_holds_the_checkpoint(workshop: Any) -> None:
    """A later acknowledgement does not make up for an earlier one that is missing."""
    workshop.publisher.hold = True
    for n in range(3):
        workshop.write(workshop.line(n))
        workshop.follow()

    workshop.publisher.acknowledge(2)
    workshop.publisher.acknowledge(1)
    workshop.checkpoint.save()

    (saved,) = Checkpoint.load(workshop.memory, "memory").texts.values()
    assert saved.offset == 0


def test_acknowledged_dead_letters_move_it_too(workshop: Any) -> None:
    """A line that is no event is done with once its dead letter has arrived."""
    workshop.write("garbage\n" * 3)
    workshop.follow()
    workshop.publisher.records.clear()

    workshop.start()
    workshop.follow()

    assert workshop.publisher.records == []


def test_too_many_texts_forget_finished_ones_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the cap finished texts go, oldest first, in memory too; one that is still followed is never forgotten."""
    monkeypatch.setattr("producers.checkpoint.MAX_TEXTS", 3)
    checkpoint = Checkpoint(tmp_path / "web.json")
    hour = 3_600_000
    for identity, seen, closed_at in (
        ("old", 1, 0),
        ("done", 80, 0),
        ("lost", 2, None),
        ("live", 99 * hour, None),
        ("new", 99 * hour, None),
    ):
        checkpoint.texts[identity] = Position("a.log", first_seen=0, seen=seen, closed_at=closed_at)

    checkpoint.save()

    assert set(checkpoint.texts) == set(Checkpoint.load(tmp_path / "web.json", "").texts) == {"lost", "live", "new"}


def test_followed_text_stays_seen(workshop: Any) -> None:
    """A file that is followed for days counts as seen, however quiet it is."""
    workshop.write(workshop.line(0))
    workshop.follow()
    workshop.now += 48 * 3_600_000

    workshop.follow()

    (position,) = workshop.checkpoint.texts.values()
    assert workshop.now - position.seen < 3_600_000


def test_checkpoint_that_cannot_be_written_is_tried_again(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is said once and waited for; lines go on meanwhile."""
    full = [True]
    whole = Checkpoint.save

    def save(checkpoint: Checkpoint) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")
        whole(checkpoint)

    monkeypatch.setattr(Checkpoint, "save", save)
    workshop.start()
    workshop.write(workshop.line(0))
    workshop.follow(seconds=4)
    full[0] = False
    workshop.follow(seconds=2)

    assert [text.split(":")[0] for text in workshop.said] == ["the checkpoint cannot be written", "the checkpoint is written again"]
    assert [position.offset for position in Checkpoint.load(workshop.memory, "memory").texts.values()] == [len(workshop.line(0))]


def test_host_is_the_checkpoints_unless_told(tmp_path: Path) -> None:
    """A container with another name goes on under the old one, so that ids stay; an explicit --host counts, and its price is said."""
    checkpoint = Checkpoint(tmp_path / "web.json")
    checkpoint.host = "old"
    checkpoint.save()
    loaded, said = Checkpoint.load(tmp_path / "web.json", ""), list[str]()

    hosts = [host_of(given, loaded, "here", said.append) for given in (None, "told", "old")]

    assert hosts == ["old", "told", "old"]
    assert ["going on as old" in said[0], "with other ids" in said[1], len(said)] == [True, True, 2]
    assert host_of(None, Checkpoint(tmp_path / "new.json"), "here", said.append) == "here"
