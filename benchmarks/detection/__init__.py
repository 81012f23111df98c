"""How well it detects. To add a part: one module with `main(arguments)`, one line below."""

PARTS: dict[str, str] = {
    "labelled": "benchmarks.detection.labelled",
    "real-logs": "benchmarks.detection.real_logs",
}
