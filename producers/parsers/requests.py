"""What requests may say of themselves, as OpenTelemetry's HTTP conventions bound it: few methods, durations that can be."""

from __future__ import annotations

METHOD, METHOD_ORIGINAL, DURATION = "http.request.method", "http.request.method_original", "http.server.request.duration"
METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
OTHER = "_OTHER"
LONGEST_S = 1e6  # eleven days: a larger number is no request's duration


def method(text: str) -> tuple[str, str | None]:
    """The known method, and what was written if that was something else: a client may write anything, and summaries group by it.

    >>> method("GET"), method("get"), method("PROPFIND")
    (('GET', None), ('GET', 'get'), ('_OTHER', 'PROPFIND'))
    """
    if text in METHODS or text == OTHER:
        return text, None
    return (text.upper() if text.upper() in METHODS else OTHER), text


def possible(seconds: float) -> bool:
    """Whether a request can have taken so long; False for NaN."""
    return 0 <= seconds <= LONGEST_S
