"""Two hundred rules, as a large installation has them: four about each of fifty services."""

from __future__ import annotations

from logverse.rule import Rule

SERVICES = 50


def rules() -> list[Rule]:
    """About `service-0` to `service-49`; the first of the four has a series a route, the others one a service."""
    return [rule for number in range(SERVICES) for rule in _of(f"service-{number}")]


def _of(service: str) -> list[Rule]:
    where, by_service = {"service.name": service}, ("service.name",)
    failed = {"http.response.status_code": "5xx"}
    share = {"match": failed, "min_count": 20}
    slow = {"metric_agg_type": "percentile", "percentile": 95, "metric_agg_key": "http.server.request.duration"}
    return [
        Rule(f"{service} route fails", "percentage_match", where, ("service.name", "http.route"), 60_000,
             options={**share, "max_percentage": 20.0}),
        Rule(f"{service} fails", "percentage_match", where, by_service, 30_000, options={**share, "max_percentage": 5.0}),
        Rule(f"{service} is slow", "metric_aggregation", where, by_service, 60_000,
             options={**slow, "max_threshold": 2.0, "min_count": 20}),
        Rule(f"{service} surges", "frequency", where, by_service, 60_000, options={"num_events": 1_000_000}),
    ]  # fmt: skip
