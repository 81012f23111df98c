"""Old logs on their way to a replay: read, put in the order of their event time on disk, sent; or fed into a live stack at a pace."""
