"""`logverse train`: what detectors learn from history is what they would have learnt live."""

from __future__ import annotations

import math

import pytest

from flink_jobs.detectors import DETECTORS
from flink_jobs.detectors.detector import Observation
from flink_jobs.rules.check import check
from flink_jobs.rules.detecting import Detecting
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.training import learns
from flink_jobs.rules.types.anomaly import terms_of
from logverse.cli.train import models, summaries_of
from logverse.model import Model
from logverse.rule import Rule
from logverse.settings import Settings
from logverse.summary import DIMENSIONS, Summary
from storage.series_figures import read_items, written
from storage.series_memory import MemorySeries
from storage.series_rows import MINUTES, SECONDS, SeriesRow

NOON = 1_790_000_040_000  # a whole minute


def rule(**more: object) -> Rule:
    said = {"name": "traffic", "type": "anomaly", "measure": "count", "step": "1m", "sensitivity": "high", **more}
    made, problems = check({name: value for name, value in said.items() if value is not None})
    assert problems == [] and made is not None
    return made


def item(service: str, count: int, status: int = 200) -> list[object]:
    """A summary as it stands in a record of topic `summaries`."""
    dimensions = dict.fromkeys(DIMENSIONS) | {"service.name": service, "log.type": "http", "http.response.status_code": status}
    return [*dimensions.values(), count, count, count * 0.1, 0.5, 10 * count, "GET /", *[count] * 13]


def history(minutes: int, services: tuple[str, ...] = ("web", "shop")) -> MemorySeries:
    store = MemorySeries()
    for service in services:
        rows = []
        for minute in range(minutes):
            sums = read_items([item(service, 100 + minute % 3), item(service, 5, 500)])
            rows.append(SeriesRow(service, NOON + minute * MINUTES.ms, "", *written(sums)))
        store.put(MINUTES, rows)
    return store


def trained(store: MemorySeries, *rules: Rule, minutes: int = 200) -> list[Model]:
    return list(models(store, ["shop", "web"], rules, NOON, NOON + minutes * MINUTES.ms, Settings()))


def test_each_series_has_a_model_that_its_rule_goes_on_from() -> None:
    """A model a service, which finds what it learnt usual and a tenfold strange."""
    usual = rule()

    found = trained(history(200), usual)

    assert [(model.rule, model.group, model.detector) for model in found] == [
        ("traffic", {"service.name": "shop"}, "count"), ("traffic", {"service.name": "web"}, "count"),
    ]  # fmt: skip
    assert {(model.revision, model.trained_until) for model in found} == {(usual.revision, NOON + 200 * MINUTES.ms)}
    plan = Plan(usual)
    for model in found:
        assert plan.type.trained(plan, model.state) is not None
        detector = DETECTORS["count"].restore(model.state, {}, MINUTES.ms)
        assert detector is not None
        seen = [detector.score(Observation(figure), model.trained_until) for figure in (106.0, 1060.0)]
        assert seen[0].ready == 1 and seen[0].score < 2 and seen[1].score > 9
    assert [Model.from_json(model.to_json()) for model in found] == found


def test_a_rule_over_all_services_learns_from_all_of_them() -> None:
    """One series, in the order of time."""
    found = trained(history(100), rule(group_by=[]), minutes=100)

    assert [(model.group, model.trained_until) for model in found] == [({}, NOON + 100 * MINUTES.ms)]


def test_an_alert_budget_knows_how_strange_the_history_was() -> None:
    """A surge of three minutes each two hours is usual to the budget: its threshold is trained too, and a job goes on from it."""
    store, budgeted = MemorySeries(), rule(sensitivity=None, alert_budget="1/day")
    counts = [400 if minute > 180 and minute % 120 < 3 else 100 + minute % 3 for minute in range(2000)]
    store.put(
        MINUTES, [SeriesRow("web", NOON + at * MINUTES.ms, "", *written(read_items([item("web", n)]))) for at, n in enumerate(counts)]
    )
    plan = Plan(budgeted)

    found = trained(store, budgeted, minutes=2000)

    judges = [plan.type.trained(plan, found[0].state, budget) for budget in (found[0].budget, b"")]
    taught, untaught = (Detecting.of(terms_of(plan), state)._threshold() for state in judges)
    assert taught > 2 * untaught


def test_a_fine_step_learns_from_seconds() -> None:
    """Minutes cannot be taken apart: they would look calmer than they were."""
    store = history(100)
    sums = read_items([item("web", 7)])
    store.put(SECONDS, [SeriesRow("web", NOON + second * 1000, "", *written(sums)) for second in range(600)])

    found = trained(store, rule(step="10s"), minutes=10)

    assert [model.group for model in found] == [{"service.name": "web"}]


def test_a_kept_row_is_the_summaries_it_was_made_of() -> None:
    """Counts, durations in seconds, sizes, the histogram."""
    sums = read_items([item("web", 4, 503)])

    summary = next(summaries_of(SeriesRow("web", NOON, "", *written(sums))))

    assert isinstance(summary, Summary)
    assert (summary["service.name"], summary["http.response.status_code"], summary["host.name"]) == ("web", 503, None)
    assert (summary.count, summary.duration_count, summary.size_sum, summary.histogram) == (4, 4, 40, (4,) * 13)
    assert math.isclose(summary.duration_sum, 0.4) and summary.duration_max == 0.5


@pytest.mark.parametrize(
    ("made", "able"),
    [
        (rule(), True),
        (rule(group_by=["client.address"]), False),
        (Rule("a", "frequency", options={"num_events": 5}), False),
    ],
)
def test_only_rules_with_a_detector_on_what_history_keeps_learn(made: Rule, able: bool) -> None:
    """History keeps the view of traffic, not who the clients were."""
    assert learns(made) is able
