"""What a check says, and what it may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from deploy.local.home import Home
from logverse.instant import Millis
from logverse.settings import Settings, embedded_endpoints

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: fine, doubtful or broken, and what to do about it."""

    level: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """The stack as the checks see it. `seen` is what `overview.look` told, `now` milliseconds UTC."""

    home: Home
    settings: Settings
    seen: dict[str, Any]
    now: Millis

    @property
    def supervised(self) -> bool:
        return self.seen["supervisor"]["pid"] is not None

    def expected(self, address: str) -> bool:
        """Should somebody answer at this address: another's always, the embedded stack's while it is up?"""
        return bool(address) and (self.supervised or address not in embedded_endpoints(self.home.path).values())

    @property
    def processes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.seen["processes"]
        return found


Check: TypeAlias = Callable[[Patient], Iterator[Finding]]
