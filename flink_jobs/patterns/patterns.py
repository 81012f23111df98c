"""The patterns of one service: masked bodies find their templates, which are born, become more general, merge and are forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import orjson

from flink_jobs.patterns import entries
from flink_jobs.patterns.masks import KEPT, WILD
from flink_jobs.patterns.telling import Telling
from flink_jobs.patterns.tree import Known, Tree
from logverse.instant import Millis
from logverse.summary import VIEWS, Pattern, Summary
from logverse.template import Label, Template, template_id

TEMPLATES = 1_000  # of a service
LEAF = 100  # templates in one leaf: a line is compared with each of them
TOKENS = 100  # of a line
SAMPLE = 300  # characters kept of a line
FORMER = 10  # texts kept of a template's past
REMEMBERED = 2_000  # masked bodies of which the template is remembered
PROVEN = 3  # sightings, from which on a template makes no room for one that is new

_TEMPLATE = VIEWS["patterns"].index("log.record.template")


class Seen(NamedTuple):
    """The template that a line is of. `is_new`: this line is the first of it."""

    template_id: str
    template_text: str
    is_new: bool


class Writer(Protocol):
    """Where entries are written through."""

    def put(self, key: str, value: bytes) -> None: ...
    def remove(self, key: str) -> None: ...


class Patterns:
    """Templates after Drain (see `tree`), with identity, lineage and exact counts. Put together again from its entries it goes on exactly
    as it would have; what comes of it follows from what was seen, in that order.

    `since`: first event time that it saw (None: nothing yet). For metrics, since this object was made: `forgotten` templates that made
    room for others (with their counts; seldom seen ones go first), `cut` lines with more than TOKENS tokens or KEPT characters.

    >>> patterns = Patterns("web")
    >>> for user in ("ann", "bob", "ann"):
    ...     print(*patterns.see(f"login of {user} took <*>", at=0, count=1, severity=9))
    191a9483b3044fe9 login of ann took <*> True
    191a9483b3044fe9 login of <*> took <*> False
    191a9483b3044fe9 login of <*> took <*> False
    """

    def __init__(self, service: str, kept: Iterable[tuple[str, bytes]] = ()) -> None:
        self.service = service
        self.since: Millis | None = None
        self.forgotten = self.cut = 0
        self._born = 0
        self._tree = Tree()
        self._known: dict[str, Known] = {}  # by id
        self._by_text: dict[str, Known] = {}
        self._of_body: dict[str, Known] = {}  # valid until a template is born, changes or goes
        self._rewritten: set[str] = set()  # ids whose text entry must be written, or removed
        self._counted: set[str] = set()  # the same of the figures
        self._telling = Telling(service)
        self._ended: dict[str, str] = {}
        self._labels: dict[str, Label] = {}  # by id, of templates that are not there (yet)
        self._relabelled: set[str] = set()  # ids whose label entry must be written, or removed
        self._reworded = False
        self._is_changed = False
        self._restore(dict(kept))

    def see(self, masked: str, at: Millis, count: int, severity: int, sample: str = "") -> Seen:
        """Counts `count` lines of this masked body and severity number, in the second of event time `at`; `sample` is one as written."""
        known, is_new = self._of_body.get(masked), False
        if known is None:
            known, is_new = self._find(masked, at, sample)
            if len(self._of_body) >= REMEMBERED:
                self._of_body.clear()
            self._of_body[masked] = known
        known.first_seen, known.last_seen = min(known.first_seen, at), max(known.last_seen, at)
        known.counts[severity] = known.counts.get(severity, 0) + count
        known.sightings += 1
        known.events += count
        self._counted.add(known.id)
        if self.since is None or at < self.since:
            self.since, self._is_changed = at, True
        return Seen(known.id, known.text, is_new)

    def replace(self, summaries: Sequence[Summary]) -> list[Summary]:
        """These summaries, those of view `patterns` with the template's id in place of the masked body and with what is known of it.

        Ignored templates are counted, and left out. Within a second bodies are taken in the order of their text, since that in which
        they come out of SQL is anyone's guess, and ids follow from the order.
        """
        bodies = [summary for summary in summaries if summary.view == "patterns" and summary.dimensions[_TEMPLATE] is not None]
        kept = [summary for summary in summaries if summary.view != "patterns" or summary.dimensions[_TEMPLATE] is None]
        for summary in sorted(bodies, key=_order):
            severity = summary["severity_number"]
            seen = self.see(
                str(summary.dimensions[_TEMPLATE]),
                summary.second,
                summary.count,
                severity if isinstance(severity, int) else 0,
                summary.sample,
            )
            known = self._known[seen.template_id]
            if not known.ignored:
                dimensions = (*summary.dimensions[:_TEMPLATE], known.id, *summary.dimensions[_TEMPLATE + 1 :])
                pattern = Pattern(known.text, known.first_seen, self.since or 0, known.name)
                kept.append(replace(summary, dimensions=dimensions, pattern=pattern))
        return kept

    def text_of(self, template: str) -> str:
        """The text of the template with this id, "" when there is none."""
        known = self._known.get(template)
        return known.text if known else ""

    def mark(self, label: Label) -> None:
        """Takes in what people said of a template; saying it again changes nothing. One that is not there gets it when it is born:
        a job that begins anew hears the labels first."""
        known = self._known.get(label.template)
        if known is None:
            self._labels.pop(label.template, None)
            self._labels[label.template] = label
            self._relabelled.add(label.template)
            if len(self._labels) > TEMPLATES:
                self._take_label(next(iter(self._labels)))
        elif (known.name, known.ignored) != (label.name, label.ignored):
            self._reworded = True
            if label.ignored:
                self._end(known.id, "pattern ignored")
            known.name, known.ignored, known.told = label.name, label.ignored, -1
            self._rewritten.add(known.id)
            self._counted.add(known.id)

    def _take_label(self, identity: str) -> Label | None:
        if (label := self._labels.pop(identity, None)) is not None:
            self._relabelled.add(identity)
        return label

    def take_reworded(self) -> bool:
        """Whether a template has another text or name since the last call."""
        reworded, self._reworded = self._reworded, False
        return reworded

    # Templates as topic `templates` has them

    def take_ended(self) -> dict[str, str]:
        """Ids of templates that will not be seen any more, with why, since the last call: what they did is no silence."""
        ended, self._ended = self._ended, {}
        self._is_changed = self._is_changed or bool(ended)
        return ended

    def changes(self, now: Millis) -> list[Template]:
        """What topic `templates` has yet to hear of, at event time `now`: see `Telling`."""
        told = self._telling.due(now, self._known)
        self._counted.update(template.id for template in told)
        return told

    @property
    def pending(self) -> bool:
        """Whether there is something to tell, now or within minutes."""
        return self._telling.pending(self._known)

    # Templates are born, change and go

    def _find(self, masked: str, at: Millis, sample: str) -> tuple[Known, bool]:
        tokens = self._tokens(masked)
        text = " ".join(tokens)
        known = self._by_text.get(text)
        if known is not None:
            return known, False
        known = self._tree.find(tokens) or self._known.get(template_id(self.service, text))
        if known is not None:
            return self._generalise(known, tokens), False
        return self._bear(tokens, text, at, sample), True

    def _tokens(self, masked: str) -> tuple[str, ...]:
        tokens = tuple(_whole(masked[:KEPT]).split())
        if len(tokens) > TOKENS or len(masked) > KEPT:
            self.cut += 1
        return tokens if len(tokens) <= TOKENS else (*tokens[: TOKENS - 1], WILD)

    def _bear(self, tokens: tuple[str, ...], text: str, at: Millis, sample: str) -> Known:
        if len(self._known) >= TEMPLATES:
            self._forget(self._known.values())
        path = self._tree.path_for(tokens)
        if len(self._tree.leaf(path)) >= LEAF:
            self._forget(self._tree.leaf(path))
        known = Known(template_id(self.service, text), self._born, tokens, [path], at, at, _whole(sample[:SAMPLE]))
        self._born += 1
        if (label := self._take_label(known.id)) is not None:
            known.name, known.ignored = label.name, label.ignored
        self._tree.add(known, path)
        self._known[known.id] = self._by_text[text] = known
        self._has_changed(known.id)
        return known

    def _generalise(self, known: Known, tokens: Sequence[str]) -> Known:
        """The template with WILD where these tokens differ; the older one, when another has this text already."""
        general = tuple(one if one == other else WILD for one, other in zip(known.tokens, tokens, strict=True))
        if general == known.tokens:
            return known
        del self._by_text[known.text]
        known.former.append(known.text)
        del known.former[1 : len(known.former) - FORMER + 1]
        known.tokens, known.told, self._reworded = general, -1, True
        self._has_changed(known.id)
        twin = self._by_text.setdefault(known.text, known)
        return known if twin is known else self._merge(*sorted((known, twin), key=lambda one: one.born))

    def _merge(self, older: Known, younger: Known) -> Known:
        """The older one with all that the younger had: its lines, its places in the tree."""
        self._remove(younger, merged_into=older.id)
        self._by_text[older.text] = older
        for path in younger.paths:
            if path not in older.paths:
                older.paths.append(path)
                self._tree.add(older, path)
        for severity, count in younger.counts.items():
            older.counts[severity] = older.counts.get(severity, 0) + count
        older.sightings, older.events = older.sightings + younger.sightings, older.events + younger.events
        older.first_seen, older.last_seen = min(older.first_seen, younger.first_seen), max(older.last_seen, younger.last_seen)
        older.name, older.ignored, older.told = older.name or younger.name, older.ignored and younger.ignored, -1
        self._has_changed(older.id)
        return older

    def _forget(self, some: Iterable[Known]) -> None:
        """Makes room: the one among them that was seen but once or twice and longest ago; of none such that seen longest ago."""
        self.forgotten += 1
        self._remove(min(some, key=lambda one: (bool(one.name or one.ignored), min(one.sightings, PROVEN), one.last_seen, one.born)))

    def _remove(self, known: Known, merged_into: str = "") -> None:
        self._tree.remove(known)
        del self._known[known.id], self._by_text[known.text]
        self._telling.bid_farewell(known, merged_into)
        if merged_into:
            self._end(known.id, f"pattern merged into {merged_into}")
        self._has_changed(known.id)

    def _end(self, identity: str, reason: str) -> None:
        self._ended[identity] = reason
        self._is_changed = True

    def _has_changed(self, identity: str) -> None:
        self._of_body.clear()
        self._rewritten.add(identity)
        self._counted.add(identity)
        self._is_changed = True

    # How it is kept

    def save(self, store: Writer) -> None:
        """Writes what changed since the last time."""
        for ids, prefix, entry in (
            (self._rewritten, entries.TEXT, entries.text_entry),
            (self._counted, entries.FIGURES, entries.figures_entry),
        ):
            for identity in sorted(ids):
                known = self._known.get(identity)
                if known is None:
                    store.remove(prefix + identity)
                else:
                    store.put(prefix + identity, entry(known))
            ids.clear()
        for identity in sorted(self._relabelled):
            key, label = entries.LABEL + identity, self._labels.get(identity)
            store.remove(key) if label is None else store.put(key, label.to_json())
        self._relabelled.clear()
        if self._is_changed or self._telling.is_changed:
            store.put(entries.SERVICE, orjson.dumps([entries.VERSION, self._born, self.since, self._ended, *self._telling.kept()]))
        self._is_changed = False
        self._telling.save(store)

    def _restore(self, kept: dict[str, bytes]) -> None:
        for known in entries.read(kept.items()):
            self._known[known.id] = self._by_text[known.text] = known
            for path in known.paths:
                self._tree.add(known, path)
        labels = [Label.from_json(kept[key]) for key in sorted(kept) if key.startswith(entries.LABEL)]
        self._labels = {label.template: label for label in labels}
        if entries.SERVICE in kept and (flat := orjson.loads(kept[entries.SERVICE]))[0] == entries.VERSION:
            _, self._born, self.since, self._ended, *telling = flat
            self._telling.restore(telling, kept)


def _order(summary: Summary) -> tuple[Millis, str, str]:
    return summary.second, str(summary.dimensions[_TEMPLATE]), str(summary.dimensions)


def _whole(text: str) -> str:
    """The text without halves of characters, which no JSON can hold."""
    return text.encode(errors="replace").decode()
