"""View `traffic`: a second of each series of a service, over all its events."""

from __future__ import annotations

from flink_jobs.tables.columns import SECOND, millis, sample
from logverse.summary import DIMENSIONS, DURATION_BOUNDS


def columns() -> list[str]:
    """What one item holds, in order: the dimensions, then the figures."""
    return [*DIMENSIONS, *_figures()]


def views() -> dict[str, str]:
    """`traffic` and `traffic_late`; beside the columns, the `second` and the time `closed` at which the window was."""
    return {
        "traffic": _summarised("on_time", "ts", second=millis("`window_start`")),
        "traffic_late": _summarised("late", "arrival", second="`second`"),
    }


def item() -> str:
    """A row of either as JSON, in the order of `columns`."""
    return f"JSON_ARRAY({', '.join(f'`{name}`' for name in columns())} NULL ON NULL)"


def _figures() -> dict[str, str]:
    duration, size = "`http.server.request.duration`", "`http.response.body.size`"
    buckets = {f"le_{bound}": f"COUNT(*) FILTER (WHERE {duration} <= {bound})" for bound in DURATION_BOUNDS}
    return {
        "count": "COUNT(*)",
        "duration_count": f"COUNT({duration})",
        "duration_sum": f"SUM({duration})",
        "duration_max": f"MAX({duration})",
        "size_sum": f"SUM({size})",
        "sample": f"MAX({sample()})",
        **buckets,
    }


def _summarised(source: str, time: str, second: str) -> str:
    keys = [f"`{name}`" for name in DIMENSIONS] + ([second] if second == "`second`" else [])
    figures = ", ".join(f"{sql} AS `{name}`" for name, sql in _figures().items())
    return f"""SELECT {", ".join(f"`{name}`" for name in DIMENSIONS)}, {second} AS `second`, `window_time` AS `closed`, {figures}
      FROM TUMBLE(TABLE `{source}`, DESCRIPTOR(`{time}`), {SECOND})
      GROUP BY {", ".join(keys)}, `window_start`, `window_end`, `window_time`"""
