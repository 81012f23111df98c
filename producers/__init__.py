"""From log files to events on Kafka: read, parse, send, remember what has arrived."""
