"""Figures over time as text: bars for one line, a row of small bars for each of several. A gap stays empty, a zero is a flat bar."""

from __future__ import annotations

from collections.abc import Sequence

Values = Sequence[float | None]

_EIGHTHS = "▁▂▃▄▅▆▇█"


def narrowed(values: Values, width: int) -> list[float | None]:
    """At most `width` figures: of those that share a column the greatest, so that no peak is lost.

    >>> narrowed([1, None, 5, 2, None, None], 3)
    [1, 5, None]
    """
    each = max(1, -(-len(values) // width))
    columns = [[value for value in values[at : at + each] if value is not None] for at in range(0, len(values), each)]
    return [max(column, default=None) for column in columns]


def sparkline(values: Values, width: int, top: float) -> str:
    """One row of bars below `top`.

    >>> sparkline([0, None, 2, 4], 10, top=4)
    '▁ ▅█'
    """
    return "".join(" " if value is None else _EIGHTHS[round(7 * value / top) if top else 0] for value in narrowed(values, width))


def bars(values: Values, width: int, height: int, unit: str) -> list[str]:
    """A chart of `height` rows, its scale on the left.

    >>> print("\\n".join(bars([0, 1, 2, None, 4], 20, 2, "/s")))
    4 /s ┤    █
    2 /s ┤▁▄█ █
    """
    columns = narrowed(values, width)
    top = max((value for value in columns if value is not None), default=0.0)
    rows = []
    for row in range(height, 0, -1):
        label = f"{figure(top * row / height)} {unit}"
        rows.append((label, "".join(_block(value, top, row, height) for value in columns).rstrip()))
    left = max(len(label) for label, _ in rows)
    return [f"{label.rjust(left)} ┤{cells}" for label, cells in rows]


def figure(value: float | None) -> str:
    """A number as people read it.

    >>> figure(0.0314159), figure(1234567.0), figure(None)
    ('0.0314', '1,234,567', '-')
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _block(value: float | None, top: float, row: int, height: int) -> str:
    if value is None:
        return " "
    eighths = round(8 * height * value / top) if top else 0
    filled = min(max(eighths - 8 * (row - 1), 0), 8)
    return _EIGHTHS[filled - 1] if filled else "▁" if row == 1 else " "
