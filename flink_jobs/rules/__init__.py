"""Rules: what is too much, written down; and the plain objects that judge it. No pyflink here."""
