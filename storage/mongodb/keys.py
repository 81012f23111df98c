"""The `_id` of each document: text that follows from the row alone, so that a row written again overwrites itself, and whose order is the
order in which rows are asked for. So the index that every collection has anyway answers the main question, and writing costs no other.

    service NUL time uid      time: 16 hexadecimal digits, of newest first counted down from 2⁶³-1
"""

from __future__ import annotations

from logverse.instant import Millis

LAST = 2**63 - 1
DIGITS = 16


def clean(text: str) -> str:
    """Half a surrogate pair becomes a question mark: it has no bytes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def part(text: str) -> str:
    """Text with its end: what begins with it is of this text and no other, whatever NULs there are in it.

    >>> part("web"), part("w\\0")
    ('web\\x00', 'w\\x01\\x01\\x00')
    """
    if "\0" in text or "\1" in text:
        text = text.replace("\1", "\1\2").replace("\0", "\1\1")
    return f"{clean(text)}\0"


def newest_first(at: Millis) -> str:
    """
    >>> newest_first(1_700_000_000_000) < newest_first(1_699_999_999_999)
    True
    """
    return f"{LAST - at:016x}"


def oldest_first(at: Millis) -> str:
    """Of times from 1970 on."""
    return f"{at:016x}"


def between(prefix: str, since: Millis, until: Millis) -> dict[str, str]:
    """The condition on `_id` for `since` <= time < `until`, newest first, behind this prefix."""
    return {"$gte": prefix + newest_first(until - 1), "$lt": prefix + newest_first(since - 1)}


def time_of(digits: str) -> Millis:
    """What `newest_first` wrote.

    >>> time_of(newest_first(1_700_000_000_123))
    1700000000123
    """
    return LAST - int(digits, 16)
