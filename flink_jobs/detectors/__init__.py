"""Detectors that rules of type `anomaly` can name. To add one: one file beside this, one line below."""

from __future__ import annotations

from flink_jobs.detectors.change_point import ChangePoint
from flink_jobs.detectors.count import CountModel
from flink_jobs.detectors.detector import DetectorType
from flink_jobs.detectors.ensemble import Ensemble
from flink_jobs.detectors.extreme_value import ExtremeValue
from flink_jobs.detectors.half_space_trees import HalfSpaceTrees
from flink_jobs.detectors.latency import Latency
from flink_jobs.detectors.ratio import Ratio
from flink_jobs.detectors.seasonal import Seasonal

DETECTORS: dict[str, DetectorType] = {
    "seasonal": Seasonal,
    "count": CountModel,
    "ratio": Ratio,
    "latency": Latency,
    "extreme_value": ExtremeValue,
    "change_point": ChangePoint,
    "half_space_trees": HalfSpaceTrees,
    "ensemble": Ensemble,
}
