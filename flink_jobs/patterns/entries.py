"""How templates are kept in a watch's store: small versioned JSON entries, the text apart from what each second changes."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from flink_jobs.patterns.tree import Known

VERSION = 1
PREFIX = "P:"
SERVICE = f"{PREFIX}service"  # the figures of the service itself
TEXT, FIGURES, FAREWELL = f"{PREFIX}T:", f"{PREFIX}N:", f"{PREFIX}F:"  # of the template with the id that follows
LABEL = f"{PREFIX}L:"  # what people said of a template that is not there


def text_entry(known: Known) -> bytes:
    """What changes seldom."""
    return orjson.dumps(
        [VERSION, known.born, known.tokens, known.paths, known.sample, known.former, known.name, known.ignored],
    )


def figures_entry(known: Known) -> bytes:
    """What changes whenever it is seen, or told."""
    counts = sorted(known.counts.items())
    return orjson.dumps([VERSION, known.first_seen, known.last_seen, counts, known.sightings, known.told, known.told_at])


def read(entries: Iterable[tuple[str, bytes]]) -> list[Known]:
    """The templates in these entries, oldest first; what another version of this code wrote in another form is left out."""
    flat = {key: orjson.loads(value) for key, value in entries if key.startswith((TEXT, FIGURES))}
    found = []
    for key, text in flat.items():
        identity = key.removeprefix(TEXT)
        figures = flat.get(FIGURES + identity)
        if key.startswith(TEXT) and text[0] == VERSION and figures and figures[0] == VERSION:
            found.append(_known(identity, text, figures))
    return sorted(found, key=lambda known: known.born)


def _known(identity: str, text: list, figures: list) -> Known:  # type: ignore[type-arg]
    _, born, tokens, paths, sample, former, name, ignored = text
    _, first_seen, last_seen, counts, sightings, told, told_at = figures
    return Known(
        identity, born, tuple(tokens), [tuple(path) for path in paths], first_seen, last_seen, sample,
        dict(map(tuple, counts)), sum(count for _, count in counts), sightings, former, name, ignored, told, told_at,
    )  # fmt: skip
