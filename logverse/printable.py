"""Log text is attackers' text: how it is shown without obeying it."""

from __future__ import annotations

from typing import Any


def printable(value: Any) -> str:
    """Text that cannot steer a terminal: control and invisible characters as escapes.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
