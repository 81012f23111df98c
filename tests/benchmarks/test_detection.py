"""The harness of the labelled days: sizes, matching, intervals, and that a day is its seed's."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.detection.confidence import poisson_interval, share_interval
from benchmarks.detection.days import BENIGN, FAULTS, HOSTS, PROBATION, RATE, SERVICES, START, Label, day, labels
from benchmarks.detection.matching import ECHO_MS, match
from benchmarks.detection.sizes import SCALES, Scene, magnitude, sigma
from benchmarks.detection.watching import Firing
from producers.simulator.episodes import KINDS, Episode

MINUTE = 60_000
FAULT = Label(Episode("error-burst", "web", START + 10 * MINUTE, START + 11 * MINUTE, 0.4), 5.0, ())
SCAN = Label(Episode("scan", "web", START + 10 * MINUTE, START + 11 * MINUTE, 0.4), 5.0, (("client.address", "203.0.113.9"),))
DEPLOY = Label(Episode("deploy", "web", START + 30 * MINUTE, START + 31 * MINUTE, 0.1), None, ())


def firing(after_s: float, service: str = "web", **group: str) -> Firing:
    """One that begins so long after the fault did."""
    at = FAULT.episode.start + int(after_s * 1000)
    named = {"service.name": service, **{name.replace("_", "."): value for name, value in group.items()}}
    return Firing("r", named, "warning", at, at, at + MINUTE, "")


def test_an_alert_within_the_fault_is_about_it() -> None:
    """The first alert within the fault counts, with its delay from the fault's beginning."""
    matched = match([FAULT], [firing(25), firing(12)])

    (found,) = matched.found
    assert found.delay_ms == 12_000
    assert not matched.false


@pytest.mark.parametrize("after_s", [-1, 0, 60 + ECHO_MS / 1000 + 1])
def test_an_alert_before_or_long_after_is_false(after_s: float) -> None:
    """What began before the fault, or when its echo was over, is not about it."""
    matched = match([FAULT], [firing(after_s)])

    assert matched.found[0].delay_ms is None
    assert len(matched.false) == 1


def test_an_alert_of_another_service_is_false() -> None:
    """Only the service that failed."""
    assert len(match([FAULT], [firing(12, "api")]).false) == 1


def test_an_alert_about_somebody_else_is_false() -> None:
    """A scan is found when the alert names the scanner, or nobody."""
    here = firing(12, client_address="203.0.113.9"), firing(13), firing(14, client_address="198.18.0.1")

    matched = match([SCAN], here)

    assert matched.found[0].firings == list(here[:2])
    assert matched.false == [here[2]]


def test_an_alert_of_the_other_hosts_is_beside_it() -> None:
    """Where a host is silent the others do its work: an alert about them is no proof of the fault, and not about nothing."""
    silent = Label(FAULT.episode, 5.0, (("host.name", "web-2"),))
    here = firing(12, host_name="web-2"), firing(13, host_name="web-1"), firing(400, host_name="web-1")

    matched = match([silent], here)

    assert (matched.found[0].firings, matched.beside, matched.false) == ([here[0]], [here[1]], [here[2]])


def test_an_alert_at_an_event_without_harm_is_false_and_said_to_be() -> None:
    """Nothing that a deploy raises counts as found; it is told apart from alerts about nothing at all."""
    alert = firing(20 * 60 + 5)

    matched = match([FAULT, DEPLOY], [alert])

    assert matched.false == [alert]
    assert matched.benign == [(alert, DEPLOY)]
    assert len(matched.found) == 1


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.025, 5.572), (10, 4.795, 18.39), (100, 81.36, 121.63)])
def test_the_interval_of_a_rate_is_garwoods(count: int, low: float, high: float) -> None:
    """The published figures for one unit of exposure; twice the exposure, half the rate."""
    found = poisson_interval(count, 1)

    assert found == pytest.approx((low, high), abs=0.006)
    assert poisson_interval(count, 2) == pytest.approx((found[0] / 2, found[1] / 2))


def test_the_interval_of_a_share_is_clopper_and_pearsons() -> None:
    """None of ten, all of ten, half of them."""
    assert share_interval(0, 10) == pytest.approx((0, 0.3085), abs=1e-4)
    assert share_interval(10, 10) == pytest.approx((0.6915, 1), abs=1e-4)
    assert share_interval(5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)


def test_a_day_has_every_kind_of_fault() -> None:
    """Twelve faults, all kinds that the simulator has; six events without harm; all after the probation, never two at once at a service."""
    plan = day(7)

    faults = [one for one in plan.episodes if not one.benign]
    assert sorted(one.kind for one in faults) == sorted(FAULTS) == sorted(kind for kind in KINDS if not KINDS[kind].benign)
    assert sum(one.benign for one in plan.episodes) == 6
    assert all(one.kind in BENIGN for one in plan.episodes if one.benign)
    for service in SERVICES:
        spans = [(one.start, one.end) for one in plan.episodes if one.service == service]
        assert spans[0][0] >= START + int(PROBATION * 24 * 60) * MINUTE
        assert all(end + 20 * MINUTE <= start for (_, end), (start, _) in pairwise(spans))
        assert plan.end is not None and spans[-1][1] + 10 * MINUTE < plan.end


def test_a_day_is_its_seeds() -> None:
    """The same seed plans the same day."""
    assert day(7) == day(7)
    assert day(7) != day(8)


def test_labels_name_who_it_is_about() -> None:
    """The silent host and the address of a scan are in the label."""
    about = {label.episode.kind: dict(label.about) for label in labels(day(7))}

    assert about["silent-host"]["host.name"].rpartition("-")[2] in {str(number) for number in range(1, HOSTS + 1)}
    assert about["scan"]["client.address"].startswith("203.0.113.")


@pytest.mark.parametrize("kind", SCALES)
def test_a_size_and_its_magnitude_belong_together(kind: str) -> None:
    """A fault of two sigma is one again when its magnitude is measured; nothing is nothing."""
    scene = Scene.of("web", RATE, HOSTS, START // 1000)

    assert sigma(kind, magnitude(kind, 2.0, scene), scene) == pytest.approx(2.0)
    assert sigma(kind, SCALES[kind].none, scene) == 0
    assert magnitude(kind, 1e9, scene) == SCALES[kind].most
