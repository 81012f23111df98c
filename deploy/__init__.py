"""Where LogVerse runs: `local/` is the embedded stack, `topics` brings a Kafka into the shape that the parts expect."""
