"""What goes into the store: a setting a log type, and which setting held when Kafka appended a record.

A function of the record only, so that a replay decides the same and an account can be made afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from logverse.errors import WrongSettings
from logverse.event import LOG_TYPES
from logverse.instant import Millis
from logverse.settings import Settings
from logverse.severity import ERROR

ALL, NONE, ERRORS = "all", "none", "errors"
_WRITTEN = re.compile(r"all|none|errors(?:\+(\d{1,3}(?:\.\d{1,4})?)%)?")
_PARTS = 1_000_000  # a sample is so many of a million

# Log type → (records appended at or after this instant, milliseconds UTC; the setting as written), oldest first.
Epochs = Mapping[str, Sequence[tuple[Millis, str]]]


@dataclass(frozen=True, slots=True)
class Policy:
    """Which events are stored. `errors`: severity ERROR and above, or a status of 500 and above; `sample`: of the others, by uid."""

    errors: bool
    sample: int  # of a million

    @classmethod
    def of(cls, text: str, where: str = "") -> Policy:
        """The policy that is written `all`, `none`, `errors` or `errors+N%`; WrongSettings names `where` when it is none of them.

        >>> Policy.of("errors+2.5%")
        Policy(errors=True, sample=25000)
        """
        found = _WRITTEN.fullmatch(text)
        share = float(found[1] or 0) if found else 101
        if share > 100:
            raise WrongSettings(f"{text[:40]!r} is no storage policy", where=where, remedy="all, none, errors or errors+N%")
        return cls(errors=text != NONE, sample=_PARTS if text == ALL else round(share * _PARTS / 100))

    def keeps(self, severity_number: int | None, status_code: int | None, uid: str) -> bool:
        """Whether this event is stored. The sample goes by CRC-32 (zlib) of the uid: every process chooses the same.

        >>> Policy.of("errors").keeps(9, 503, "a"), Policy.of("errors").keeps(9, 200, "a")
        (True, False)
        """
        if self.sample == _PARTS:
            return True
        if self.errors and ((severity_number or 0) >= ERROR or (status_code or 0) >= 500):
            return True
        return bool(self.sample) and crc32(uid.encode("utf-8", "surrogatepass")) % _PARTS < self.sample


class Policies:
    """The policies of all log types over time."""

    def __init__(self, epochs: Epochs) -> None:
        self._epochs = {kind: [(since, Policy.of(text)) for since, text in reversed(of_kind)] for kind, of_kind in epochs.items()}
        self._all = {kind for kind, of_kind in self._epochs.items() if all(policy.sample == _PARTS for _, policy in of_kind)}

    def keeps(self, log_type: str, appended: Millis, severity_number: int | None, status_code: int | None, uid: str) -> bool:
        """Whether an event that Kafka appended at `appended` is stored. What came before the first epoch, or has none, is.

        >>> Policies({"http": [(0, "none"), (1000, "all")]}).keeps("http", 999, 9, 200, "a")
        False
        """
        if log_type in self._all:
            return True
        for since, policy in self._epochs.get(log_type, ()):
            if appended >= since:
                return policy.keeps(severity_number, status_code, uid)
        return True


def wanted(settings: Settings) -> dict[str, str]:
    """The policy that the settings name for each log type; WrongSettings for one that is none."""
    found = {kind: str(getattr(settings, f"store_{kind}")) for kind in LOG_TYPES}
    for kind, text in found.items():
        Policy.of(text, where=f"store_{kind}")
    return found


def changes(epochs: Epochs, settings: Settings, since: Millis) -> list[tuple[str, Millis, str]]:
    """The epochs (log type, since, policy) to be added so that the settings hold from `since` on; of a type without any, from the start.

    >>> changes({"http": [(0, "all")], "error": [(0, "all")]}, Settings(store_error="errors"), 77)
    [('error', 77, 'errors'), ('activity', 0, 'all')]
    """
    found = []
    for kind, text in wanted(settings).items():
        there = epochs.get(kind, ())
        if not there or there[-1][1] != text:
            found.append((kind, since if there else 0, text))
    return found
