"""`make demo`: the whole path on this machine, from a log file to an explained alert and its end.

Read in this order: `fault` (the story it tells), `own_log` (the same on the user's file), `stage` (what it runs and how it ends).
"""
