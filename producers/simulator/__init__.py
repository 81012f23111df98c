"""Writes the access logs of services that do not exist, with faults whose place and size are known: input for demos, tests and scores."""
