"""The drawn days are the simulator's: its lines, read by our parsers and summed up, come to the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import sqrt
from typing import Any

import pytest

from benchmarks.detection.drawing import EFFECTS, draw
from benchmarks.detection.events import summaries
from benchmarks.detection.summing import by_second
from logverse.summary import DURATION_BOUNDS, VIEWS, Summary
from producers.parsers import PARSERS, Parser
from producers.routes import Routes
from producers.simulator import effects
from producers.simulator.episodes import KINDS, Episode
from producers.simulator.simulation import ACCESS, ACTIVITY, APPLICATION, LOGS, Simulation
from producers.simulator.traffic import client, lines

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
SPAN = 120_000
FORMS = {ACCESS: "access", APPLICATION: "java", ACTIVITY: "json"}


def simulation(kind: str | None = None) -> Simulation:
    """Two minutes, an episode over all of them."""
    episodes = (Episode(kind, "web", NOON, NOON + SPAN, KINDS[kind].usual),) if kind else ()
    return Simulation(("web",), 60, 3, NOON, NOON + SPAN, episodes, LOGS, 3)


def of_lines(plan: Simulation) -> list[Summary]:
    """What the product's parsers make of the simulator's lines."""
    parsers: dict[str, Parser] = {log: PARSERS[form](Routes()) for log, form in FORMS.items()}
    events = []
    for line in lines(plan):
        parsed = parsers[line.log].parse(line.text.rstrip("\n"))
        always = {"service.name": "web", "host.name": f"web-{line.host}", "log.type": parsed.log_type, "timestamp": line.at}
        events.append({**parsed.fields, **always, "severity_number": parsed.severity_number, "body": parsed.body})
    return [summary for second in summaries(events).values() for summary in second]


def of_drawing(plan: Simulation) -> list[Summary]:
    return [summary for _, second in by_second(plan, "web", draw(plan, "web")) for summary in second]


def totals(found: Iterable[Summary]) -> Counter[tuple[Any, ...]]:
    """Events of each value of each dimension but the names of visitors; requests answered within each bound."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for summary in found:
        kind = summary["log.type"]
        for name, value in zip(VIEWS[summary.view], summary.dimensions, strict=True):
            if name not in ("client.address", "user.name"):
                counts[summary.view, kind, name, value] += summary.count
        for bound, count in zip(DURATION_BOUNDS, summary.histogram, strict=True):
            counts[summary.view, kind, "slower than", bound] += summary.duration_count - count
    return counts


def distinct(found: Iterable[Summary], view: str, name: str) -> int:
    return len({summary[name] for summary in found if summary.view == view and summary["log.type"] != "error"})


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_drawn_summaries_are_those_of_the_lines(kind: str | None) -> None:
    """Every dimension, and the durations, within five standard deviations; as many visitors and users, give or take a sixth."""
    plan = simulation(kind)

    written, drawn = of_lines(plan), of_drawing(plan)

    one, other = totals(written), totals(drawn)
    assert (not one and not other) if kind == "silence" else sum(one.values()) > 10_000
    for key in one | other:
        # Visits of bots are long: what a few of them do varies more than what each request does by itself.
        assert abs(one[key] - other[key]) <= 5 * sqrt(4 * (one[key] + other[key])) + 5, (key, one[key], other[key])
    for view, name in (("clients", "client.address"), ("users", "user.name")):
        some, others = distinct(written, view, name), distinct(drawn, view, name)
        assert abs(some - others) <= max(some, others) / 6 + 5, (view, some, others)


@pytest.mark.parametrize("kind", ["scan", "batch-run", "crawler", "brute-force"])
def test_the_one_client_is_the_same(kind: str) -> None:
    """The one client of an episode has the simulator's address, and asks for as many paths."""
    plan = simulation(kind)
    address = client(plan, plan.episodes[0])

    written, drawn = (
        [one for one in found if one.view == "clients" and one["client.address"] == address] for found in (of_lines(plan), of_drawing(plan))
    )

    counts = [sum(one.count for one in found) for found in (written, drawn)]
    paths = [sum(one.paths.bit_count() for one in found) / len(found) for found in (written, drawn)]
    assert min(counts) > 50 and abs(counts[0] - counts[1]) < 5 * sqrt(sum(counts))
    assert abs(paths[0] - paths[1]) <= 0.25 * max(paths)


def test_a_drawing_is_seeded() -> None:
    """The same simulation is drawn the same again; another seed is another day."""
    plan = simulation("error-burst")
    other = Simulation(plan.services, plan.rate, 4, plan.start, plan.end, plan.episodes, plan.logs, plan.hosts)

    assert of_drawing(plan) == of_drawing(plan)
    assert of_drawing(plan) != of_drawing(other)


def test_every_effect_is_drawn() -> None:
    """An effect that the simulator learns must be drawn too."""
    assert EFFECTS.keys() == effects.EFFECTS.keys()
