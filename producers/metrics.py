"""The producer's figures for Prometheus, read from the account when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from logverse.errors import WrongSettings
from producers.account import Account

_COUNTERS = {
    "lines": "Lines read.",
    "events": "Lines that became events.",
    "blank": "Lines without a character.",
    "bytes": "Bytes read, of the decompressed text.",
    "lines_without_time": "Events with the time of the line before them, for want of their own.",
    "acknowledged": "Records that Kafka has confirmed.",
    "heartbeats": "Rounds of heartbeats sent.",
    "rotations": "Files that were renamed or deleted while being read.",
    "truncations": "Files that were emptied while being read.",
}
_GAUGES = {
    "lag_bytes": "Bytes of the files that were not read yet.",
    "in_flight_records": "Records sent and not confirmed yet.",
    "kafka_up": "0 while no broker can be reached.",
    "disorder_seconds": "How far event times ran backwards within one file, at most.",
}


class ProducerMetrics(Collector):
    """`logverse_producer_…`, labelled with the service. `gauges` gives the values of _GAUGES at this moment."""

    def __init__(self, service: str, account: Account, gauges: Callable[[], dict[str, float]]) -> None:
        self._service, self._account, self._gauges = service, account, gauges

    def collect(self) -> Iterator[Metric]:
        for name, about in _COUNTERS.items():
            counter = CounterMetricFamily(f"logverse_producer_{name}", about, labels=["service"])
            counter.add_metric([self._service], getattr(self._account, name))
            yield counter
        dead = CounterMetricFamily("logverse_producer_dead_letters", "Lines that could not become events.", labels=["service", "reason"])
        for reason, count in list(self._account.dead_letters.items()):
            dead.add_metric([self._service, reason], count)
        yield dead
        for name, value in self._gauges().items():
            gauge = GaugeMetricFamily(f"logverse_producer_{name}", _GAUGES[name], labels=["service"])
            gauge.add_metric([self._service], value)
            yield gauge


def serve(metrics: ProducerMetrics, port: int) -> int:
    """Answer at http://127.0.0.1:port/metrics, from a thread of its own, until the process ends. The port: 0 takes a free one."""
    registry = CollectorRegistry()
    registry.register(metrics)
    try:
        server, _ = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise WrongSettings(f"port {port}: {error.strerror}", where="--metrics-port", remedy="choose a free one") from error
    return int(server.server_port)
