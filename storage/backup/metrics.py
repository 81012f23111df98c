"""What Prometheus may know of backups: read from the manifests, so that a restart forgets nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from logverse.errors import WrongSettings
from logverse.instant import Millis
from storage.backup.archive import Archive


@dataclass(slots=True)
class Figures:
    """The archive as of the last look, and what this process has seen. `success` is None before the first backup that finished."""

    success: Millis | None = None
    rows: dict[str, int] = field(default_factory=dict)  # by topic
    bytes: dict[str, int] = field(default_factory=dict)
    gap_rows: dict[str, int] = field(default_factory=dict)
    failures: int = 0

    def look(self, archive: Archive) -> None:
        """Takes over what the manifests say."""
        self.success = max((one.at for one in archive.manifests if one.finished), default=None)
        rows, sizes, gaps = dict[str, int](), dict[str, int](), dict[str, int]()
        for file in archive.files.values():
            rows[file.span.topic] = rows.get(file.span.topic, 0) + file.rows
            sizes[file.span.topic] = sizes.get(file.span.topic, 0) + file.bytes
        for gap in archive.gaps:
            gaps[gap.span.topic] = gaps.get(gap.span.topic, 0) + gap.rows
        self.rows, self.bytes, self.gap_rows = rows, sizes, gaps


class BackupMetrics(Collector):
    """`logverse_backup_…`. `clock` is milliseconds UTC."""

    def __init__(self, figures: Figures, clock: Callable[[], Millis]) -> None:
        self._figures, self._clock = figures, clock

    def collect(self) -> Iterator[Metric]:
        success = self._figures.success
        if success is not None:
            last = "When the last backup finished, seconds since 1970."
            yield GaugeMetricFamily("logverse_backup_last_success_timestamp_seconds", last, value=success / 1000)
            age = "How long ago that was: what came since may not be in the archive."
            yield GaugeMetricFamily("logverse_backup_age_seconds", age, value=max(0, self._clock() - success) / 1000)
        for name, about, by_topic in (
            ("rows", "Records in the archive.", self._figures.rows),
            ("bytes", "Size of its files.", self._figures.bytes),
            ("gap_rows", "Records, at most, that Kafka deleted before they were backed up.", self._figures.gap_rows),
        ):
            gauge = GaugeMetricFamily(f"logverse_backup_{name}", about, labels=["topic"])
            for topic, count in sorted(by_topic.items()):
                gauge.add_metric([topic], count)
            yield gauge
        yield CounterMetricFamily("logverse_backup_failures", "Backups of this process that did not finish.", value=self._figures.failures)


def serve(metrics: BackupMetrics, port: int) -> int:
    """Answer at http://127.0.0.1:port/metrics, from a thread of its own, until the process ends. The port: 0 takes a free one."""
    registry = CollectorRegistry()
    registry.register(metrics)
    try:
        server, _ = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise WrongSettings(f"port {port}: {error.strerror}", where="--metrics-port", remedy="choose a free one") from error
    return int(server.server_port)
