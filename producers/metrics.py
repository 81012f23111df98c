"""The producer's figures for Prometheus, read from the account when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from logverse.errors import WrongSettings
from producers.account import Account

_COUNTERS = {
    "lines": "Lines read.",
    "events": "Lines that became events.",
    "blank": "Lines without a character, and headers of CSV.",
    "joined": "Lines that went on the record of the line before.",
    "bytes": "Bytes read, of the decompressed text.",
    "lines_without_time": "Events with the time of the line before them, for want of their own.",
    "acknowledged": "Records that Kafka has confirmed.",
    "heartbeats": "Rounds of heartbeats sent.",
    "rotations": "Files that were renamed or deleted while being read.",
    "truncations": "Files that were emptied while being read.",
    "refused": "Connections and requests that were turned away.",
}
_BY_REASON = {
    "dead_letters": "Lines that could not become events.",
    "masked": "Places that the masking policy changed, by kind.",
    "lost": "Lines that came and are not there: from sources that cannot be replayed.",
}
_GAUGES = {
    "lag_bytes": "Bytes that were not read yet, or that wait to be sent.",
    "in_flight_records": "Records sent and not confirmed yet.",
    "disorder_seconds": "How far event times ran backwards within one file, at most.",
}
_SHARED = {"kafka_up": "0 while no broker can be reached."}


@dataclass(frozen=True, slots=True)
class Measured:
    """One input: what it has done, and its gauges."""

    name: str
    service: str
    account: Account
    gauges: Mapping[str, float]


class ProducerMetrics(Collector):
    """`logverse_producer_…`, labelled with input and service. `measured` gives the inputs, `gauges` what they share, at this moment."""

    def __init__(self, name: str, measured: Callable[[], Sequence[Measured]], gauges: Callable[[], Mapping[str, float]]) -> None:
        self._name, self._measured, self._gauges = name, measured, gauges

    def collect(self) -> Iterator[Metric]:
        inputs = self._measured()
        for name, about in _COUNTERS.items():
            counter = CounterMetricFamily(f"logverse_producer_{name}", about, labels=["input", "service"])
            for one in inputs:
                counter.add_metric([one.name, one.service], getattr(one.account, name))
            yield counter
        for name, about in _BY_REASON.items():
            counter = CounterMetricFamily(f"logverse_producer_{name}", about, labels=["input", "service", "reason"])
            for one in inputs:
                for reason, count in list(getattr(one.account, name).items()):
                    counter.add_metric([one.name, one.service, reason], count)
            yield counter
        for name, about in _GAUGES.items():
            gauge = GaugeMetricFamily(f"logverse_producer_{name}", about, labels=["input", "service"])
            for one in inputs:
                gauge.add_metric([one.name, one.service], one.gauges[name])
            yield gauge
        for name, value in self._gauges().items():
            shared = GaugeMetricFamily(f"logverse_producer_{name}", _SHARED[name], labels=["producer"])
            shared.add_metric([self._name], value)
            yield shared


def serve(metrics: ProducerMetrics, port: int) -> int:
    """Answer at http://127.0.0.1:port/metrics, from a thread of its own, until the process ends. The port: 0 takes a free one."""
    registry = CollectorRegistry()
    registry.register(metrics)
    try:
        server, _ = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise WrongSettings(f"port {port}: {error.strerror}", where="--metrics-port", remedy="choose a free one") from error
    return int(server.server_port)
