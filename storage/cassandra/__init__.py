"""History in Cassandra 5.0."""
