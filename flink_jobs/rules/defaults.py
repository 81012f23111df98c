"""What holds for several rules, written once: the `defaults:` of a rule file or of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flink_jobs.rules.check import near
from flink_jobs.rules.conditions import ALIASES, WORDS
from flink_jobs.rules.marked import Marked
from flink_jobs.rules.options import Problem
from flink_jobs.rules.types import RULE_TYPES
from flink_jobs.rules.vocabulary import COMMON, OTHER_WORDS

# Whose keys add up: a rule says the rest of what its defaults begin.
ADDED = ("labels", "annotations", "where")


@dataclass(frozen=True, slots=True)
class Defaults:
    """Values for rules that do not say otherwise."""

    given: Marked

    @classmethod
    def none(cls, path: Path) -> Defaults:
        return cls(Marked({}, {}, (path, 1)))

    def problems(self) -> Iterator[Problem]:
        """What is wrong with them whatever rule they are for; the rest is told with the rule."""
        yield from self.given.doubles
        known = {*COMMON, *OTHER_WORDS, *(option for kind in RULE_TYPES.values() for option in kind.options)}
        for name, value in self.given.values.items():
            if name == "name":
                yield Problem("name", "cannot be the same for all", "give each rule its own")
            elif name not in known:
                yield Problem(name, "is unknown to every type", near(name, known))
            elif name == "where" and isinstance(value, Mapping):
                words = [word for word in WORDS if word in value]
                yield from (Problem(name, f"{word}: is not for defaults", "only fields, which a rule may add to", word) for word in words)

    def over(self, farther: Defaults) -> Defaults:
        """Both together; what these say wins."""
        return Defaults(farther.under(self.given, among_defaults=True))

    def under(self, own: Marked, among_defaults: bool = False) -> Marked:
        """The entry with what it leaves open filled in, each value with the place where it stands."""
        said = {OTHER_WORDS.get(name, name) for name in own.values}
        kind = own.values.get("type", self.given.values.get("type"))
        options = RULE_TYPES[kind].options if isinstance(kind, str) and kind in RULE_TYPES else {}
        values, places = dict(own.values), dict(own.places)
        for name, value in self.given.values.items():
            word = OTHER_WORDS.get(name, name)
            if word not in said and (among_defaults or word in COMMON or word in options):
                values[name] = value
                places |= {key: place for key, place in self.given.places.items() if key[0] == name}
            elif name in ADDED and isinstance(value, Mapping) and isinstance(own.values.get(name), Mapping):
                values[name] = _added(value, own.values[name])
                places = {key: place for key, place in self.given.places.items() if key[0] == name} | places
        return replace(own, values=values, places=places)


def _added(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """`theirs` and what of `ours` they do not speak of, by whichever name."""
    spoken_of = {ALIASES.get(name, name) for name in theirs}
    return {**{name: value for name, value in ours.items() if ALIASES.get(name, name) not in spoken_of}, **theirs}
