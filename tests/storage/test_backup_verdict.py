"""The one line at the end of a verification: complete, or what is missing; and dead letters of topics that were made anew."""

from __future__ import annotations

import pytest

from logverse.dead_letter import DeadLetter
from logverse.identity import digest
from storage.account import Entry
from storage.backup.generations import Generations
from storage.backup.joined import Tally
from storage.backup.joins import Loss
from storage.backup.manifest import File, Gap, Group, Span, Times
from storage.backup.reconcile import Line, Reconciled
from storage.backup.verdict import Verdict
from storage.backup.verify import Damage

NOON = 1_700_006_400_000
SPAN = Span("logs.http", "id", 2, 40, 50)
FILE = File("data/x.parquet", SPAN, 5, Times(NOON, NOON), None, 99, "00", (Group(5, 4, 50, 1),))


def verdict(**more):
    entry = more.pop("entry", {})
    line = Line("logs.http", NOON, kafka=7, archive=9, **more.pop("line", {}), entry=Entry("id", NOON, stored=9, **entry))
    tallies = {"logs.http": Tally(both=7, only_archive=2, **more.pop("tally", {}))}
    return Verdict(1, 9, **{"problems": [], "damages": [], "losses": [], "reconciled": Reconciled([line], tallies), "store": True} | more)


def test_complete_says_what_was_looked_at():
    """With what is no loss: policy, dead letters, expired rows, what came later, what was gone before the first backup."""
    made = verdict(
        entry={"by_policy": 3, "expired": 1}, tally={"waiting": 4}, losses=[Loss(Gap(Span("t", "id", 0, 0, 20)), NOON, first=True)]
    )

    assert made.complete
    assert made.line() == (
        "complete: 9 records in 1 files read back; 9 distinct uids in the archive, Kafka has none that it lacks, "
        "4 records came after the last backup, the store has all 9 that it must (3 not stored by policy, 1 expired); "
        "at most 20 records were gone before the first backup"
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"problems": ["manifest 00000002 is missing"]}, "manifest 00000002 is missing"),
        ({"damages": [Damage(FILE, "is not there")]}, "data/x.parquet is not there"),
        (
            {"losses": [Loss(Gap(SPAN), NOON, first=False)]},
            "10 records at most were deleted by Kafka between two backups (logs.http partition 2 from offset 40)",
        ),
        ({"tally": {"missing": 2}, "line": {"missing": 2}}, "2 records are in Kafka and not in the archive (logs.http 2023-11-15 00:00)"),
        ({"others": {"rules": Tally(missing=1)}}, "1 records are in Kafka and not in the archive (rules)"),
        ({"tally": {"altered": 1}}, "1 records have other bytes in Kafka than in the archive"),
        ({"entry": {"missing": 6}}, "6 events are missing in the store (logs.http 2023-11-15 00:00)"),
    ],
)  # fmt: skip
def test_whatever_is_missing_is_named(wrong, said):
    """And never called complete."""
    made = verdict(**wrong)

    assert not made.complete
    assert made.line().startswith("NOT complete: ")
    assert said in made.line()
    assert made.plain()["complete"] is False


def test_much_that_is_missing_is_summed_up():
    """The line stays one that can be read."""
    line = verdict(damages=[Damage(FILE, f"problem {number}") for number in range(20)]).line()

    assert "17 more damaged files" in line


def test_letters_of_a_topic_that_was_made_anew():
    """Both generations have a record at the same place; each letter counts for its own."""
    letters = [
        DeadLetter(digest(topic_id, 0, 5), reason, "web", {"topic": "logs.http", "partition": 0, "offset": 5}, b"x", "00", NOON).to_json()
        for topic_id, reason in (("old", "not JSON"), ("new", "no service"))
    ]
    found = Generations({"logs.http": ["old", "new"], "logs.error": ["e"]}, lambda: iter(letters), 0, NOON * 2)

    assert found.get(("old", 0, 5)) == "not JSON"
    assert found.get(("new", 0, 5)) == "no service"
    assert [found.get(place) for place in (("e", 0, 5), ("old", 0, 6), ("stranger", 0, 5))] == [None, None, None]
