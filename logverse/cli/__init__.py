"""The `logverse` command: one file a group of verbs, each imported only when it is called."""
