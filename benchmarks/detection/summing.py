"""A drawn day as the summaries that Flink's SQL would make of it: a list for each second, all views mixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.detection.arrays import Day, Floats, Ints, Requests
from benchmarks.detection.drawing import ALONE_FROM
from benchmarks.detection.places import spots
from logverse.instant import Millis
from logverse.severity import ERROR, INFO, WARN, number_of
from logverse.summary import DURATION_BOUNDS, PATH_BITS, VIEWS, Summary
from producers.simulator.application import MESSAGES, NEW, WORDS, Message
from producers.simulator.logins import TARGETS, USERS
from producers.simulator.simulation import Simulation
from producers.simulator.traffic import client
from producers.simulator.visitors import address_of

_CHUNK_S = 3600
_NOTHING = (0,) * len(DURATION_BOUNDS)


@dataclass(frozen=True, slots=True)
class Groups:
    """Summaries of one view, a row each, by second: what tells them apart (a number), and their figures."""

    view: str
    second: Ints
    code: Ints
    count: Ints
    durations: tuple[Floats, Floats, Any] | None = None  # sum, max, cumulative histogram a row
    paths: Sequence[int] | None = None


def by_second(simulation: Simulation, service: str, day: Day) -> Iterator[tuple[Millis, list[Summary]]]:
    """Every second of the simulation, in order, with its summaries."""
    namer = Namer(simulation, service)
    views = [(groups, names) for groups, names in _views(day, namer) if groups.second.size]
    seconds = list(simulation.seconds())
    places = [0] * len(views)
    for first in range(0, len(seconds), _CHUNK_S):
        chunk = seconds[first : first + _CHUNK_S]
        found: list[list[Summary]] = [[] for _ in chunk]
        for number, (groups, dimensions) in enumerate(views):
            until = int(np.searchsorted(groups.second, chunk[-1], side="right"))
            _fill(found, chunk[0], groups, slice(places[number], until), dimensions)
            places[number] = until
        yield from ((second * 1000, summaries) for second, summaries in zip(chunk, found, strict=True))


def _fill(found: list[list[Summary]], first: int, groups: Groups, rows: slice, names: Naming) -> None:
    seconds, codes, counts = (column[rows].tolist() for column in (groups.second, groups.code, groups.count))
    view = groups.view
    if groups.durations is not None:
        sums, peaks, histogram = (column[rows].tolist() for column in groups.durations)
        for place, (second, code, count) in enumerate(zip(seconds, codes, counts, strict=True)):
            dimensions, sample = names(code)
            summary = Summary(
                second * 1000, dimensions, count, count, sums[place], peaks[place], tuple(histogram[place]), sample=sample, view=view
            )
            found[second - first].append(summary)
        return
    paths = groups.paths[rows] if groups.paths is not None else [0] * len(seconds)
    for second, code, count, seen in zip(seconds, codes, counts, paths, strict=True):
        dimensions, sample = names(code)
        found[second - first].append(Summary(second * 1000, dimensions, count, sample=sample, view=view, paths=seen))


def _views(day: Day, namer: Namer) -> list[tuple[Groups, Naming]]:
    requests, messages, logins = day.requests, day.messages, day.logins
    answered = (requests.host * len(namer.spots) + requests.spot) * 1000 + requests.status
    asked = requests.client * 1000 + requests.status
    said = messages.host * len(namer.texts) + messages.message
    logged = logins.host * 2 + logins.failed
    return [
        (_timed("traffic", requests, answered), Naming(namer.answer)),
        (_counted("traffic", messages.second, namer.levels[messages.message] * 100 + messages.host), Naming(namer.level)),
        (_counted("traffic", logins.second, logged), Naming(namer.outcome)),
        (_counted("clients", requests.second, asked, _bits(requests)), Naming(namer.asking)),
        (_counted("clients", logins.second, logins.client * 2 + logins.failed), Naming(namer.trying)),
        (_counted("users", logins.second, logins.user * 2 + logins.failed), Naming(namer.user)),
        (_counted("patterns", messages.second, said % len(namer.texts)), Naming(namer.pattern)),
    ]


def _bits(requests: Requests) -> Ints:
    """Which bit of the sketch each path sets: Knuth's multiplicative hash."""
    mixed = (requests.path * 64 + requests.spot + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(40)) % np.uint64(PATH_BITS)).astype(np.int64)


def _grouped(second: Ints, code: Ints) -> tuple[Ints, Ints, Ints]:
    """The order that brings what belongs together side by side, where each group begins, and its size."""
    order = np.lexsort((code, second))
    ordered_second, ordered_code = second[order], code[order]
    new = (np.diff(ordered_second, prepend=-1) != 0) | (np.diff(ordered_code, prepend=-1) != 0)
    starts = np.flatnonzero(new)
    return order, starts, np.diff(starts, append=second.size)


def _timed(view: str, requests: Requests, code: Ints) -> Groups:
    order, starts, sizes = _grouped(requests.second, code)
    if not starts.size:
        return Groups(view, starts, starts, starts)
    duration = requests.duration[order]
    bounds = np.stack([np.add.reduceat((duration <= bound).astype(np.int64), starts) for bound in DURATION_BOUNDS], axis=1)
    figures = (np.add.reduceat(duration, starts), np.maximum.reduceat(duration, starts), bounds)
    return Groups(view, requests.second[order][starts], code[order][starts], sizes, figures)


def _counted(view: str, second: Ints, code: Ints, bits: Ints | None = None) -> Groups:
    order, starts, sizes = _grouped(second, code)
    if not starts.size:
        return Groups(view, starts, starts, starts)
    paths = None
    if bits is not None:
        paths = np.bitwise_or.reduceat(np.uint64(1) << bits[order].astype(np.uint64), starts).tolist()
    return Groups(view, second[order][starts], code[order][starts], sizes, None, paths)


class Naming(dict[int, tuple[tuple[str | int | None, ...], str]]):
    """Code → dimensions and a sample line, worked out once."""

    def __init__(self, name: Any) -> None:
        super().__init__()
        self._name = name

    def __call__(self, code: int) -> tuple[tuple[str | int | None, ...], str]:
        return self[code]

    def __missing__(self, code: int) -> tuple[tuple[str | int | None, ...], str]:
        view, known, sample = self._name(code)
        found = self[code] = tuple(known.get(name) for name in VIEWS[view]), sample
        return found


class Namer:
    """What the numbers of a drawn day stand for, as fields of an event. Each answers view, fields, and a line."""

    def __init__(self, simulation: Simulation, service: str) -> None:
        self._simulation, self._service = simulation, service
        self.spots = spots(service)
        self.texts = [*((message, _masked(message, "")) for message in MESSAGES), *((NEW, _masked(NEW, word)) for word in WORDS)]
        self.levels = np.array([number_of(message.level) for message, _ in self.texts])

    def _host(self, number: int) -> str | None:
        return f"{self._service}-{number}" if self._simulation.hosts > 1 else None

    def _address(self, number: int) -> str | None:
        if number < ALONE_FROM:
            return address_of(number)
        return client(self._simulation, self._simulation.episodes[number - ALONE_FROM])

    def answer(self, code: int) -> tuple[str, dict[str, Any], str]:
        rest, status = divmod(code, 1000)
        host, place = divmod(rest, len(self.spots))
        spot = self.spots[place]
        severity = INFO if status < 400 else WARN if status < 500 else ERROR
        known = {
            "service.name": self._service, "log.type": "http", "host.name": self._host(host), "http.route": spot.route,
            "http.request.method": spot.method, "http.response.status_code": status, "severity_number": severity,
        }  # fmt: skip
        return "traffic", known, f"{spot.method} {spot.route} {status}"

    def level(self, code: int) -> tuple[str, dict[str, Any], str]:
        severity, host = divmod(code, 100)
        known = {"service.name": self._service, "log.type": "error", "host.name": self._host(host), "severity_number": severity}
        return "traffic", known, f"a line of severity {severity}"

    def _login(self, failed: int) -> dict[str, Any]:
        outcome = "failure" if failed else "success"
        return {"service.name": self._service, "log.type": "activity", "event_name": "user.login", "event.outcome": outcome}

    def outcome(self, code: int) -> tuple[str, dict[str, Any], str]:
        host, failed = divmod(code, 2)
        known = {**self._login(failed), "host.name": self._host(host), "severity_number": WARN if failed else INFO}
        return "traffic", known, "login"

    def asking(self, code: int) -> tuple[str, dict[str, Any], str]:
        number, status = divmod(code, 1000)
        known = {"service.name": self._service, "log.type": "http", "client.address": self._address(number)}
        return "clients", {**known, "http.response.status_code": status}, f"{known['client.address']} {status}"

    def trying(self, code: int) -> tuple[str, dict[str, Any], str]:
        number, failed = divmod(code, 2)
        known = {**self._login(failed), "client.address": self._address(number)}
        return "clients", known, f"login from {known['client.address']}"

    def user(self, code: int) -> tuple[str, dict[str, Any], str]:
        number, failed = divmod(code, 2)
        name = TARGETS[number - USERS] if number >= USERS else f"user{number}"
        return "users", {**self._login(failed), "user.name": name}, f"login of {name}"

    def pattern(self, code: int) -> tuple[str, dict[str, Any], str]:
        message, text = self.texts[code]
        known = {"service.name": self._service, "log.type": "error", "severity_number": number_of(message.level)}
        return "patterns", {**known, "log.record.template": text}, text


def _masked(message: Message, word: str) -> str:
    return message.text.replace("{id}", "<*>").replace("{ms}", "<*>").replace("{word}", word)
