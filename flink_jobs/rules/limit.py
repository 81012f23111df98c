"""A threshold: how the actual figure stands to it when it is too much, and when it is good again."""

from __future__ import annotations

import operator
from dataclasses import dataclass

_WORSE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class Limit:
    """`comparison` is ">", ">=", "<" or "<="; with `clear` the figure must get to that side of it before the alert may end.

    >>> Limit(5.0, ">", clear=2.0).clear_at(3.0)
    False
    """

    threshold: float
    comparison: str
    clear: float | None = None

    def breached_by(self, actual: float) -> bool:
        return bool(_WORSE[self.comparison](actual, self.threshold))

    def clear_at(self, actual: float) -> bool:
        if self.clear is None:
            return not self.breached_by(actual)
        return actual >= self.clear if self.comparison in ("<", "<=") else actual <= self.clear
