"""Words to say which lines a service wrote, as the job's SQL hands them on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flink_jobs.patterns.masks import masked
from logverse.summary import VIEWS, Summary

START = 1_790_000_000_000


def lines(second: int, body: str | None, count: int = 1, severity: int = 17, service: str = "web") -> Summary:
    """`count` lines of one body in a second; None: all the others together."""
    template = None if body is None else masked(body)
    fields = {"service.name": service, "log.type": "error", "severity_number": severity, "log.record.template": template}
    dimensions = tuple(fields[name] for name in VIEWS["patterns"])
    return Summary(START + second * 1000, dimensions, count, sample=body or "", view="patterns")


@pytest.fixture(scope="session", name="lines")
def lines_fixture() -> Callable[..., Summary]:
    return lines
