"""What can go wrong, named after what to do about it. Drivers' exceptions are translated into these where the driver is called."""

from __future__ import annotations


class Malformed(ValueError):
    """These bytes will never be what they should be: keep them aside (dead letter), do not retry."""


class TryAgain(Exception):
    """The far side was absent or busy: wait and retry.

    `after_s` is the far side's own wish (HTTP `Retry-After`), in seconds, when it gave one.
    """

    def __init__(self, message: str, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class Refused(Exception):
    """The far side understood and said no: a retry would be noise."""


class WrongSettings(Exception):
    """What the user wrote cannot work: do not start. Says where it stands and how to mend it."""

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(problem)
        self.problem, self.where, self.remedy = problem, where, remedy

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.problem}" if self.where else self.problem]
        if self.remedy:
            parts.append(f"  → {self.remedy}")
        return "\n".join(parts)
