"""OpenTelemetry's severity numbers and the short names of their ranges."""

from __future__ import annotations

TRACE, DEBUG, INFO, WARN, ERROR, FATAL = 1, 5, 9, 13, 17, 21

_NAMES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_NUMBERS = {
    **{name: 1 + 4 * place for place, name in enumerate(_NAMES)},
    "VERBOSE": TRACE, "INFORMATION": INFO, "NOTICE": INFO + 1, "WARNING": WARN, "ERR": ERROR,
    "SEVERE": ERROR, "CRITICAL": FATAL, "CRIT": FATAL, "ALERT": FATAL, "EMERGENCY": FATAL, "EMERG": FATAL, "PANIC": FATAL,
}  # fmt: skip


def text_of(number: int) -> str:
    """The short name of the range that the number (1-24) lies in.

    >>> text_of(18)
    'ERROR'
    """
    return _NAMES[min(max(number - 1, 0) // 4, 5)]


def number_of(text: str) -> int | None:
    """The number for a name as loggers write it, None for one that is not known.

    >>> number_of("warning")
    13
    """
    return _NUMBERS.get(text.strip().upper())
