"""The past judged by rules: the detect job's graph in a process of its own, and what its alerts amount to."""
