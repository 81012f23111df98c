"""The inventory: who is expected to be heard of, on the compacted topic `inventory`, so that silence can be noticed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import orjson

from logverse import instant
from logverse.errors import Malformed
from logverse.identity import digest
from logverse.instant import Millis

Origin = Literal["declared", "learned"]


@dataclass(frozen=True, slots=True)
class Source:
    """A service, or one host of it, that is expected to send events.

    `origin`: declared by somebody (`logverse sources expect`), or learned from its traffic by the detect job, which writes it here
    when it first hears of it. `at`: since when it is expected, in milliseconds of processing time. One that is `forgotten` is not
    expected any more; heard of again later, it is learned anew. The Kafka key is `key`; there are no empty records.
    """

    service: str
    host: str = ""  # "": whichever host it runs on
    origin: Origin = "declared"
    at: Millis = 0
    by: str = ""  # who declared or forgot it
    note: str = ""
    forgotten: bool = False

    @property
    def key(self) -> str:
        """The same source has the same key, whoever tells of it."""
        return digest(self.service, self.host)

    @property
    def name(self) -> str:
        """The source in a sentence.

        >>> Source("web").name, Source("web", "web-2").name
        ('web', 'web on web-2')
        """
        return f"{self.service} on {self.host}" if self.host else self.service

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes | str) -> Source:
        """The source in these bytes; Malformed when it is none."""
        try:
            flat: dict[str, Any] = orjson.loads(data)
            return _checked(cls(**{name: flat[name] for name in cls.__dataclass_fields__ if name in flat}))
        except (AttributeError, TypeError, ValueError) as error:
            raise Malformed(f"not a source: {error}") from error


def _checked(source: Source) -> Source:
    if not all(isinstance(text, str) for text in (source.service, source.host, source.by, source.note)) or not source.service:
        raise TypeError("a name is missing or has the wrong type")
    if source.origin not in get_args(Origin) or type(source.forgotten) is not bool:
        raise ValueError(f"no such origin: {source.origin!r:.40}")
    if type(source.at) is not int or not instant.BEGINNING <= source.at <= instant.END:
        raise ValueError("its time is none")
    return source
