"""Detectors that rules of type `anomaly` can name. To add one: one file beside this, one line below."""

from __future__ import annotations

from flink_jobs.detectors.count import CountModel
from flink_jobs.detectors.detector import DetectorType

DETECTORS: dict[str, DetectorType] = {
    "count": CountModel,
}
