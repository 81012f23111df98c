"""The Flink jobs: what they think in plain objects, and the thin shells that Flink calls."""
