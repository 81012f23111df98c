"""The schema of the history, as numbered migrations: `cassandra/NNNN_name.cql`. To change it: one more file, the old ones stay."""
