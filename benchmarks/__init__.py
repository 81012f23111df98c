"""What LogVerse reaches on this machine. To add a benchmark: one module with `main()`, one line below."""

BENCHES: dict[str, str] = {
    "partitions": "benchmarks.partitions",
    "produce": "benchmarks.produce",
    "detect": "benchmarks.detect",
    "history": "benchmarks.history",
    "mongodb": "benchmarks.mongodb",
    "backup": "benchmarks.backup",
    "restore": "benchmarks.restore",
    "latency": "benchmarks.latency",
    "query": "benchmarks.query",
    "series": "benchmarks.series",
    "replay": "benchmarks.replay",
    "masking": "benchmarks.masking",
}
