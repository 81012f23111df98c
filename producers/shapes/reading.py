"""A record that others wrote, as events: its shape undone, and the log line within it read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from logverse.errors import Malformed
from producers.forms import AUTO, decoded
from producers.parsers import PARSERS, Parsed, Parser
from producers.parsers.json_log import JsonLog, flattened
from producers.routes import Routes
from producers.shapes import Shape, shaped

UID = "log.record.uid"
# What a record may bring along as its id. Other texts would go into keys as they are, unmasked: such a record gets an id of ours.
OWN_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", re.ASCII)


class Reading:
    """`form`: a name of PARSERS for the log line that is a record's body; with `auto`, JSON in a shape that wraps lines is read."""

    def __init__(self, shape: Shape, form: str) -> None:
        routes = Routes()
        self._shape, self._json = shape, JsonLog(routes)
        self._form: Parser | None = None if form in (AUTO, "json") else PARSERS[form](routes)
        self._wraps_json = shape.wraps or form == "json"

    def events(self, value: bytes) -> Iterator[tuple[str | None, Parsed]]:
        """The events in a record's value, each with the uid that it brings along. Malformed when there are none."""
        try:
            content = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise Malformed("not JSON") from error
        if not isinstance(content, dict):
            raise Malformed("not a JSON object")
        if "resourceLogs" in content:
            yield from (self._event(members, "") for members in _of_otlp(content))
        else:
            yield self._event(shaped(flattened(content), self._shape), decoded(value))

    def _event(self, members: dict[str, Any], whole: str) -> tuple[str | None, Parsed]:
        uid = members.pop(UID, None)
        outer = self._json.of(members, whole)
        return (uid if isinstance(uid, str) and OWN_UID.fullmatch(uid) else None), self._opened(outer)

    def _opened(self, outer: Parsed) -> Parsed:
        """With what the line in its body says, which goes before what was said around it."""
        parser = self._form or (self._json if self._wraps_json and outer.body.startswith("{") else None)
        if parser is None:
            return outer
        try:
            inner = parser.parse(outer.body.rstrip("\n"))
        except Malformed:
            return outer
        return replace(
            inner,
            timestamp=outer.timestamp if inner.timestamp is None else inner.timestamp,
            fields={**outer.fields, **inner.fields},
            attributes={**(outer.attributes or {}), **(inner.attributes or {})} or None,
            service=inner.service or outer.service,
        )


def _of_otlp(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the OpenTelemetry collector writes: many records in one. Its messages come with the extra `otlp`."""
    try:
        from producers.sources.otlp_records import of_content
    except ImportError as error:
        raise Malformed("OTLP in JSON, and the extra otlp is not installed") from error
    try:
        yield from of_content(content)
    except (TypeError, AttributeError, ValueError, KeyError, RecursionError) as error:
        raise Malformed("no ExportLogsServiceRequest in JSON") from error
