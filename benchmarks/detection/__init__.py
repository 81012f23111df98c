"""How well it detects. To add a part: one module with `main(arguments)`, one line below."""

PARTS: dict[str, str] = {
    "labelled": "benchmarks.detection.labelled",
    "nab": "benchmarks.detection.nab",
    "detector-speed": "benchmarks.detection.detector_speed",
    "parsing": "benchmarks.detection.parsing",
    "pattern-speed": "benchmarks.detection.pattern_speed",
    "real-logs": "benchmarks.detection.real_logs",
}
