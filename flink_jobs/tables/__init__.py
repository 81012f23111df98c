"""The SQL of the detect job: from events to one row per service and second. All of it runs in the JVM.

Views, in the order a row passes them: `timed` judges lateness; `on_time`, `late` and `too_late` split by it; `traffic` (traffic.py)
summarises a second of a series, `clients`, `users` and `patterns` (busiest.py) one of an entity; `gathered` (leaving.py) puts all
summaries of a service's second into one row. What leaves for Python is five plain columns, `kind, service, at, items, more`, with the
items as JSON text: one cheap string instead of nested rows, and the text of the traffic is what topic `summaries` holds. All kinds
leave as one table, so the plan has one source and each event is decoded once.
"""

from flink_jobs.tables.columns import DECODED, SAMPLE_CHARACTERS, time_columns
from flink_jobs.tables.leaving import EVENTS, FUTURE, ITEMS_CHARACTERS, LATE, LATE_EVENTS, SUMMARIES, TOO_LATE, for_python, records, views
from flink_jobs.tables.traffic import columns as summary_columns

__all__ = [
    "DECODED", "EVENTS", "FUTURE", "ITEMS_CHARACTERS", "LATE", "LATE_EVENTS", "SAMPLE_CHARACTERS", "SUMMARIES", "TOO_LATE",
    "for_python", "records", "summary_columns", "time_columns", "views",
]  # fmt: skip
