"""History in Cassandra 5.0."""

import importlib.util

from logverse.errors import WrongSettings

if not importlib.util.find_spec("cassandra"):
    raise WrongSettings("the history needs cassandra-driver, which is not installed", remedy="pip install 'logverse[cassandra]'")
