"""Templates of one service: identity, lineage, counts, bounds, and going on after a crash as if there had been none."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.patterns import patterns as module
from flink_jobs.patterns.patterns import Patterns
from flink_jobs.patterns.telling import MINUTE, MOST
from logverse.summary import VIEWS
from logverse.template import Label, Template, template_id

AT = 1_790_000_000_000


class Entries(dict[str, bytes]):
    """A store in memory."""

    put = dict.__setitem__

    def remove(self, key: str) -> None:
        self.pop(key, None)


def see(patterns: Patterns, *bodies: str, at: int = AT, severity: int = 9) -> list[str]:
    return [patterns.see(body, at, 1, severity, body).template_text for body in bodies]


def test_lines_of_one_statement_become_one_template():
    """What differs becomes wild; the id stays what it was at birth, the former text is kept."""
    patterns = Patterns("web")

    born = "job of ann is done"
    first, second = patterns.see(born, AT, 2, 9, born), patterns.see("job of bob is done", AT + 1000, 3, 17)
    told = patterns.changes(AT + 2000)

    assert (first.is_new, second.is_new) == (True, False)
    assert second.template_text == "job of <*> is done"
    assert first.template_id == second.template_id == template_id("web", born)
    assert told == [Template(first.template_id, "web", "job of <*> is done", AT, AT + 1000, {9: 2, 17: 3}, born, (born,))]


def test_other_statements_stay_apart():
    """Another number of words, another beginning, or too few words in common is another template."""
    patterns = Patterns("web")

    texts = see(
        patterns, "cache is cold", "cache is very cold", "disk is full", "cache has <*> entries left now", "cache has no room for it now"
    )

    assert len(set(texts)) == 5


def test_a_service_has_ids_of_its_own():
    """The same text in two services is two templates."""
    assert Patterns("web").see("x y", AT, 1, 9).template_id != Patterns("api").see("x y", AT, 1, 9).template_id


def test_two_that_become_the_same_are_one(monkeypatch):
    """A template that becomes as general as an older one elsewhere in the tree goes into it, counts and all, and the topic hears where."""
    monkeypatch.setattr("flink_jobs.patterns.tree.CHILDREN", 1)
    patterns = Patterns("web")
    see(patterns, "ann sends her regards today", "bob runs job m fast", "bob runs job n fast")  # beside ann no room for a node of bob
    monkeypatch.setattr("flink_jobs.patterns.tree.CHILDREN", 9)
    see(patterns, "bob eats a very late lunch"[:-6])
    younger = patterns.see("bob runs job d fast", AT, 1, 9).template_id
    patterns.changes(AT)

    older = patterns.see("bob runs job q fast", AT, 1, 9).template_id
    told = {one.id: one for one in patterns.changes(AT + MINUTE)}
    later = {patterns.see(f"bob runs job {n} fast", AT, 1, 9).template_id for n in "rst"}

    assert younger != older
    assert told[younger].merged_into == older
    assert (told[older].text, told[older].total) == ("bob runs job <*> fast", 4)
    assert later == {older}
    assert patterns.take_ended() == {younger: f"pattern merged into {older}"}


def test_the_same_log_gives_the_same_ids_in_whatever_order_a_second_comes(lines):
    """Within a second SQL hands on bodies in any order; that makes no other templates."""
    chance = random.Random(3)
    seconds = [[lines(second, f"user {name} did {verb} it") for name in "abcdef" for verb in ("see", "do")] for second in range(5)]

    def found(shuffled: bool) -> list[str]:
        patterns = Patterns("web")
        for rows in seconds:
            patterns.replace(chance.sample(rows, len(rows)) if shuffled else rows)
        return sorted(template.id + template.text for template in patterns.changes(AT + MINUTE))

    assert found(True) == found(True) == found(False) != []


def test_rules_see_the_template_in_place_of_the_body(lines):
    """Of view `patterns` the id takes the body's place, with what is known of it; all other rows pass, and nobody is ignored unasked."""
    patterns = Patterns("web")
    rows = [lines(1, "b 2 happened"), lines(1, "a 1 happened"), lines(1, None, 7)]

    seen = patterns.replace(rows)
    label = Label(str(seen[1]["log.record.template"]), "web", name="the a", ignored=False)
    patterns.mark(label)
    again = patterns.replace([lines(2, "a 5 happened")])

    assert seen[0] == rows[2]
    assert [row.pattern.words for row in seen[1:] if row.pattern] == ["a <*> happened", "b <*> happened"]
    assert again[0].dimensions == (*rows[0].dimensions[:-1], label.template)
    assert again[0].pattern.words == "the a"
    assert VIEWS["patterns"][-1] == "log.record.template"


def test_an_ignored_template_is_counted_and_left_out(lines):
    """Who ignores a pattern keeps its count; rules see it no more, and hear once that it has ended."""
    patterns = Patterns("web")
    (seen,) = patterns.replace([lines(1, "noise")])
    identity = str(seen["log.record.template"])

    patterns.mark(Label(identity, "web", ignored=True))
    left = patterns.replace([lines(2, "noise", 4)])

    assert left == []
    assert patterns.changes(AT + MINUTE)[0].counts == {17: 5}
    assert (patterns.take_ended(), patterns.take_ended()) == ({identity: "pattern ignored"}, {})


def test_counts_are_told_once_a_minute_and_new_ones_at_once():
    """What is new is told at once, then what it has counted each minute, and nothing while nothing changes."""
    patterns, told = Patterns("web"), []

    for second in range(130):
        patterns.see("tick", AT + second * 1000, 1, 9)
        told += [(second, one.total) for one in patterns.changes(AT + second * 1000)]
    waits = patterns.pending
    told += [(190, one.total) for one in patterns.changes(AT + 190_000)]

    assert told == [(0, 1), (60, 61), (120, 121), (190, 130)]
    assert (waits, patterns.pending) == (True, False)


def test_a_flood_of_new_lines_is_bounded():
    """Who writes ever new lines fills neither memory nor topic, and those seen again and again stay."""
    patterns, store, told = Patterns("web"), Entries(), 0
    for _ in range(5):
        see(patterns, "a regular line")

    for n in range(3 * module.TEMPLATES):
        see(patterns, "".join(chr(97 + n // 26**k % 26) for k in range(4)) + f" {n}", at=AT + n)
        if not n % 100:
            told += len(patterns.changes(AT + n))
            patterns.save(store)
    patterns.save(store)

    assert told <= MOST * 2
    assert patterns.forgotten > module.TEMPLATES
    assert sum(key.startswith("P:T:") for key in store) <= module.TEMPLATES
    assert not patterns.see("a regular line", AT + 10_000, 1, 9).is_new


def test_what_is_forgotten_is_told_as_gone(monkeypatch):
    """The topic hears that a template it knows of is no more."""
    monkeypatch.setattr(module, "TEMPLATES", 2)
    patterns = Patterns("web")
    identity = patterns.see("first line", AT, 1, 9).template_id
    patterns.changes(AT)

    see(patterns, "another text here", "yet one", at=AT + 1000)
    told = patterns.changes(AT + 1000)

    assert (told[0].id, told[0].gone) == (identity, True)
    assert patterns.forgotten == 1


@pytest.mark.parametrize(
    "body",
    ["", " ", "\0\0\0", "\x1b[2J\x1b]0;owned\x07", "x" * 1_000_000, "a " * 500_000, "<*>", "<*> <*>", "\ud800",
     "é" * 50, "{{7*7}} ${jndi:x} <b>"],
    ids=range(11),
)  # fmt: skip
def test_hostile_text_harms_nothing(body):
    """Whatever a line says, it has a template, is kept and told, and comes back from the store as it was."""
    patterns, store = Patterns("web"), Entries()

    seen = [patterns.see(body, AT, 1, 9, body) for _ in range(3)]
    told = patterns.changes(AT)
    patterns.save(store)
    again = Patterns("web", store.items()).see(body, AT, 1, 9, body)

    assert [one.is_new for one in seen] == [True, False, False]
    assert again.template_id == seen[0].template_id == told[0].id
    assert len(told[0].text) <= 1000 and len(told[0].sample) <= 300
    assert Template.from_json(told[0].to_json()).id == told[0].id


def test_a_thousand_first_words_stay_searchable():
    """Names in front of a line make so many templates and then share one: the tree does not grow with them."""
    patterns = Patterns("web")
    names = ["".join(chr(97 + n // 26**k % 26) for k in range(3)) for n in range(1000)]

    texts = see(patterns, *(f"{name} has left the room" for name in names))

    assert len(set(texts[100:])) == 1
    assert texts[-1] == "<*> has left the room"


WORDS = st.sampled_from(["a", "b", "c", "<*>", "x1", "long-word"])
STEP = st.tuples(st.lists(WORDS, max_size=6).map(" ".join), st.integers(0, 90), st.integers(1, 3), st.sampled_from([9, 17]), st.booleans())


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=60), st.integers(2, 12))
def test_after_a_crash_it_goes_on_as_it_would_have(steps, room):
    """Put together again from its entries after any line, it says, keeps and tells exactly what one that never stopped does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TEMPLATES", room)
        patch.setattr(module, "LEAF", 3)
        patch.setattr("flink_jobs.patterns.tree.CHILDREN", 3)
        patch.setattr("flink_jobs.patterns.telling.MOST", 4)
        whole, torn, kept, other = Patterns("web"), Patterns("web"), Entries(), Entries()
        now = AT
        for body, gap, count, severity, crash in steps:
            now += gap * 1000
            label = Label(template_id("web", body), "web", name=body[:1], ignored=gap % 2 == 0) if gap % 5 == 0 else None
            said = []
            for patterns, store in ((whole, kept), (torn, other)):
                seen = patterns.see(body, now, count, severity, body)
                if label:
                    patterns.mark(label)
                said.append((seen, patterns.changes(now), patterns.pending, patterns.take_ended()))
                patterns.save(store)
            assert said[0] == said[1]
            assert kept == other
            if crash:
                torn = Patterns("web", list(other.items())[::-1])


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=60))
def test_every_line_is_counted_once(steps):
    """Whatever generalises and merges: the templates' counts add up to the lines, by severity."""
    patterns = Patterns("web")

    for body, _, count, severity, _ in steps:
        patterns.see(body, AT, count, severity)
    told = [one for one in patterns.changes(AT) if not one.merged_into]

    for number in (9, 17):
        assert sum(one.counts.get(number, 0) for one in told) == sum(count for _, _, count, severity, _ in steps if severity == number)


def test_another_versions_entries_are_left_out():
    """A state that another version of the code wrote in another form begins anew and harms nothing."""
    store = Entries()
    patterns = Patterns("web")
    see(patterns, "a line")
    patterns.save(store)

    other = {key: value.replace(b"[1,", b"[99,", 1) for key, value in store.items()}

    assert Patterns("web", other.items()).see("a line", AT, 1, 9).is_new
