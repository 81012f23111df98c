"""History in MongoDB 5.0 or later."""

import importlib.util

from logverse.errors import WrongSettings

if not importlib.util.find_spec("pymongo"):
    raise WrongSettings("a history in MongoDB needs pymongo, which is not installed", remedy="pip install 'logverse[mongodb]'")
