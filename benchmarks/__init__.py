"""What LogVerse reaches on this machine. To add a benchmark: one module with `main()`, one line below."""

BENCHES: dict[str, str] = {
    "produce": "benchmarks.produce",
    "detect": "benchmarks.detect",
    "history": "benchmarks.history",
    "latency": "benchmarks.latency",
    "query": "benchmarks.query",
    "replay": "benchmarks.replay",
    "masking": "benchmarks.masking",
}
