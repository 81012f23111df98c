"""Patterns of log lines: bodies with the varying parts masked, and the templates that they are lines of."""
