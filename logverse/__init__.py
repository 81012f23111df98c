"""The nouns that LogVerse's parts say to each other, and the `logverse` command."""

__version__ = "0.1.0"
