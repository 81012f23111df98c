"""The embedded stack: real Kafka and Flink as processes of this machine, kept alive by one supervisor per home folder.

Read in this order: `servers/` (what runs), `stack` (up and down), `supervisor` (what happens in between), `life` (when to try again).
"""
