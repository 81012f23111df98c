"""The schema of the history, as numbered migrations: `cassandra/NNNN_name.cql`, `mongodb/NNNN_name.yaml`. To change it: one more file, the
old ones stay."""
