"""Topic `templates` as people look at it: each template once as last told, with what people said of it and which others went into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from logverse import severity
from logverse.errors import Malformed, Refused
from logverse.instant import Millis
from logverse.template import Label, Template

MOST = 10  # templates that begin the same, when asked for one


@dataclass(frozen=True, slots=True)
class Known:
    """A template that is alive. `label`: the last word of people on it; `merged`: ids of those that have become the same."""

    template: Template
    label: Label | None = None
    merged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.label.name if self.label else self.template.name

    @property
    def ignored(self) -> bool:
        return self.label.ignored if self.label else self.template.ignored

    @property
    def worst(self) -> int:
        """The greatest severity number that its lines have had; 0: none had any."""
        return max(self.template.counts, default=0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which templates, and in which order; times in milliseconds of event time."""

    service: str = ""
    text: str = ""  # in its text or name, upper or lower case
    least: int = 0  # severity number that some of its lines have
    seen_since: Millis | None = None
    new_since: Millis | None = None
    ignored: bool = False  # also those
    order: str = "last"

    def fits(self, known: Known) -> bool:
        template = known.template
        return (
            (not self.service or template.service == self.service)
            and self.text.lower() in f"{known.name}\n{template.text}".lower()
            and known.worst >= self.least
            and (self.seen_since is None or template.last_seen >= self.seen_since)
            and (self.new_since is None or template.first_seen >= self.new_since)
            and (self.ignored or not known.ignored)
        )


# How a list may be ordered; first comes the greatest.
ORDERS: dict[str, Callable[[Known], tuple[int, str]]] = {
    "last": lambda known: (known.template.last_seen, known.template.id),
    "first": lambda known: (known.template.first_seen, known.template.id),
    "count": lambda known: (known.template.total, known.template.id),
    "severity": lambda known: (known.worst, known.template.id),
}


@dataclass(slots=True)
class Catalogue:
    """All that the topic holds. `unread` counts records that are neither template nor label."""

    templates: dict[str, Template] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    unread: int = 0

    @classmethod
    def of(cls, values: Iterable[bytes | None]) -> Catalogue:
        """What these records, in the topic's order, amount to."""
        found = cls()
        for value in values:
            try:
                found._take(value or b"")
            except Malformed:
                found.unread += 1
        return found

    def _take(self, value: bytes) -> None:
        try:
            template = Template.from_json(value)
        except Malformed:
            label = Label.from_json(value)
            self.labels[label.template] = label
        else:
            self.templates[template.id] = template

    def alive(self) -> list[Known]:
        """Those that are neither forgotten nor merged into another."""
        merged: dict[str, list[str]] = {}
        for template in self.templates.values():
            if template.merged_into:
                merged.setdefault(template.merged_into, []).append(template.id)
        return [
            Known(template, self.labels.get(template.id), tuple(sorted(merged.get(template.id, ()))))
            for template in self.templates.values()
            if not template.gone and not template.merged_into
        ]

    def listed(self, wanted: Wanted) -> list[Known]:
        return sorted(filter(wanted.fits, self.alive()), key=ORDERS[wanted.order], reverse=True)

    def find(self, beginning: str) -> Known:
        """The one template whose id begins so, or that people gave this name; of one that was merged, where it is now.

        Refused when there is none, or when there are several.
        """
        alive = {known.template.id: known for known in self.alive()}
        found = [alive[identity] for identity in self._ids(beginning) if identity in alive]
        found += [known for known in alive.values() if known.name and known.name == beginning and known not in found]
        if not found:
            raise Refused(f"no pattern {beginning[:60]!r} is known\n  → logverse patterns list")
        if len(found) > 1:
            raise Refused("\n".join(["several patterns begin so: type more of the id", *(f"  {one.template.id}" for one in found[:MOST])]))
        return found[0]

    def _ids(self, beginning: str) -> list[str]:
        found: dict[str, None] = {}
        for identity in self.templates:
            if identity.startswith(beginning):
                passed = {identity}
                while (into := self.templates[identity].merged_into) in self.templates and into not in passed:
                    identity = into
                    passed.add(identity)
                found[identity] = None
        return list(found)


def labelled(known: Known, *, name: str | None = None, ignored: bool | None = None, who: str, at: Millis) -> Label:
    """The label that this template gets: what is not given stays as it was."""
    former = known.label or Label(known.template.id, known.template.service, known.template.name, known.template.ignored)
    return replace(
        former, name=former.name if name is None else name, ignored=former.ignored if ignored is None else ignored, who=who, at=at
    )


def by_severity(template: Template) -> dict[str, int]:
    """Its counts by the short name of the severity, worst first.

    >>> by_severity(Template("a", "web", "x", 0, 0, {9: 2, 10: 1, 17: 4}))
    {'ERROR': 4, 'INFO': 3}
    """
    counts: dict[str, int] = {}
    for number, count in sorted(template.counts.items(), reverse=True):
        text = severity.text_of(number) if number else "none"
        counts[text] = counts.get(text, 0) + count
    return counts
