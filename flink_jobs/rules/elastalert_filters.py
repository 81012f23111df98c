"""ElastAlert2's `filter` as a `where`: Elasticsearch queries become conditions that mean the same, or are named as not translated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from flink_jobs.rules.check import near
from flink_jobs.rules.conditions import ALIASES, NUMBERS
from flink_jobs.rules.lucene import Asked, Both, Either, Neither, Query, parsed
from flink_jobs.rules.matched import EVENT_FIELDS
from logverse.errors import Malformed
from logverse.summary import VIEWS

Where: TypeAlias = dict[str, Any]

KNOWN = tuple(dict.fromkeys([*EVENT_FIELDS, *(name for has in VIEWS.values() for name in has), *ALIASES]))
# What the Elastic Common Schema, Logstash's patterns and many applications call them.
OTHER_NAMES: dict[str, str] = {
    "message": "body", "log.level": "severity_text", "level": "severity_text", "severity": "severity_text", "loglevel": "severity_text",
    "host.hostname": "host.name", "hostname": "host.name", "host": "host.name", "agent.hostname": "host.name", "beat.hostname": "host.name",
    "source.ip": "client.address", "client.ip": "client.address", "clientip": "client.address", "source.address": "client.address",
    "status": "http.response.status_code", "status_code": "http.response.status_code", "response": "http.response.status_code",
    "method": "http.request.method", "verb": "http.request.method", "path": "url.path", "request": "url.path", "uri": "url.path",
    "service": "service.name", "app": "service.name", "application": "service.name", "user": "user.name", "username": "user.name",
    "event.action": "event_name", "action": "event_name", "error.type": "exception.type", "agent": "user_agent.original",
    "user_agent": "user_agent.original", "http.request.method_original": "http.request.method",
}  # fmt: skip
TEXTS = ("body",)  # fields that Elasticsearch cuts into words
_WHOLE = (".keyword", ".raw")  # of fields that are kept beside their words, as they are
_PLAIN = re.compile(r"[\w .:@/-]*", re.ASCII)


def where_of(filters: Any) -> Where:
    """The conditions of a list of filters, all of which must be met; Malformed names the first that has no like here."""
    if isinstance(filters, Mapping):
        filters = [filters]
    if not isinstance(filters, list):
        raise Malformed("is not a list of filters")
    return _all([_filter(one) for one in filters])


def field_of(name: str) -> str:
    """Our name of a field; Malformed when it has none."""
    plain = name.removesuffix(_WHOLE[0]).removesuffix(_WHOLE[1])
    found = OTHER_NAMES.get(plain, plain)
    if found not in KNOWN:
        raise Malformed(f"field {name}: no such field here: {near(found, KNOWN)}")
    return found


def _filter(one: Any) -> Where:
    if not isinstance(one, Mapping) or len(one) != 1:
        raise Malformed(f"{one!r:.80} is no filter")
    kind, inner = next(iter(one.items()))
    if kind == "query" and isinstance(inner, Mapping):
        return _filter(inner)
    if kind == "query_string" and isinstance(inner, Mapping) and isinstance(inner.get("query"), str):
        return _query_string(inner)
    if kind in ("bool", "and", "or", "not"):
        return _together(kind, inner)
    if kind == "exists" and isinstance(inner, Mapping):
        return _exists(str(inner.get("field")))
    if kind in ("term", "terms", "range", "match", "match_phrase", "wildcard", "prefix", "regexp") and isinstance(inner, Mapping):
        asked = {name: value for name, value in inner.items() if name not in ("boost", "_name")}
        return _all([_of_field(kind, name, value) for name, value in asked.items()])
    raise Malformed(f"filter {kind}: has no like here")


def _query_string(inner: Mapping[str, Any]) -> Where:
    beside = [name for name in inner if name not in ("query", "analyze_wildcard", "default_field", "default_operator")]
    if beside or str(inner.get("default_operator", "OR")).upper() != "OR":
        raise Malformed(f"query_string: {', '.join(beside) or 'default_operator'} is not understood: write AND between the parts")
    default = inner.get("default_field", "")
    try:
        return _queried(parsed(inner["query"]), "" if default == "*" else str(default))
    except Malformed as error:
        raise Malformed(f"query_string {inner['query'][:80]!r}: {error}") from error


def _queried(query: Query, default: str) -> Where:
    match query:
        case Both(parts):
            return _all([_queried(part, default) for part in parts])
        case Either(parts):
            return _any([_queried(part, default) for part in parts])
        case Neither(part):
            return _not(_queried(part, default))
        case Asked(field, kind, text, low, high):
            if not (field or default):
                raise Malformed(f"{text!r} may stand in any field: name one (message:{text})")
            if kind == "exists":
                return _exists(field)
            if kind == "range":
                return _all([_range(field_of(field or default), *end) for end in (low, high) if end is not None])
            return _of_field({"term": "query", "phrase": "match_phrase", "regex": "regexp"}[kind], field or default, text)


def _together(kind: str, inner: Any) -> Where:
    if kind == "not":
        return _not(_filter(inner))
    if kind in ("and", "or"):
        parts = [_filter(one) for one in inner] if isinstance(inner, list) else []
        return _all(parts) if kind == "and" else _any(parts)
    if not isinstance(inner, Mapping):
        raise Malformed("bool: is not a mapping")
    parts = [where_of(inner[word]) for word in ("must", "filter") if word in inner]
    if "must_not" in inner:
        none = inner["must_not"] if isinstance(inner["must_not"], list) else [inner["must_not"]]
        parts += [_not(_filter(one)) for one in none]
    should = inner.get("should", [])
    if should and (not parts or inner.get("minimum_should_match") == 1):  # else it only scores
        parts.append(_any([_filter(one) for one in (should if isinstance(should, list) else [should])]))
    unknown = [word for word in inner if word not in ("must", "filter", "must_not", "should", "minimum_should_match", "boost")]
    if unknown or inner.get("minimum_should_match", 1) != 1:
        raise Malformed(f"bool: {', '.join(unknown) or 'minimum_should_match'} is not understood")
    return _all(parts)


def _of_field(kind: str, name: str, value: Any) -> Where:
    field, words = field_of(name), not name.endswith(_WHOLE)
    if isinstance(value, Mapping) and kind != "range":
        value = next((value[name] for name in ("value", "query", "wildcard") if name in value), None)
    if kind == "range":
        operators = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "from": ">=", "to": "<="}
        if not isinstance(value, Mapping) or not value or any(name not in operators for name in value):
            raise Malformed(f"range of {field}: {value!r:.60} is not understood")
        return _all([_range(field, operators[name], bound) for name, bound in value.items()])
    if kind == "terms":
        if not isinstance(value, list) or not value:
            raise Malformed(f"terms of {field}: {value!r:.60} is no list")
        return {field: [_text(field, "term", str(one), words) if field in TEXTS else _exactly(field, one) for one in value]}
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Malformed(f"{kind} of {field}: {value!r:.60} is not understood")
    if field in NUMBERS or field in ALIASES:
        return {field: _number(field, kind, str(value))}
    return {field: _text(field, kind, str(value), words and field in TEXTS)}


def _number(field: str, kind: str, text: str) -> Any:
    if field == "http.response.status_code" and re.fullmatch(r"[1-5](\*|\?\?|xx|\.\.|\[0-9\]\[0-9\]|\.\*)", text):
        return f"{text[0]}xx"
    if kind in ("term", "match", "match_phrase", "query") and re.fullmatch(r"\w+", text):
        return int(text) if text.isdigit() else text
    raise Malformed(f"{kind} {text!r} of {field}: it carries a number: 503, 5xx or a range")


def _text(field: str, kind: str, text: str, words: bool) -> Any:
    """The condition on a field of text; `words`: Elasticsearch looks for whole words of it, in either case."""
    if kind == "prefix":
        kind, text = "wildcard", text + "*"
    if kind == "regexp":
        if found := re.search(r"(?<!\\)[~@#&<>\"]", text):
            raise Malformed(f"regexp {text[:60]!r} of {field}: {found[0]} means something only to Lucene")
        return f"/^(?:{text})$/"
    if kind in ("wildcard", "query") and re.search(r"[*?]", text):
        return _wildcard(re.sub(r"\\([^*?])", r"\1", text))
    plain = re.sub(r"\\(.)", r"\1", text) if kind == "query" else text
    if words:
        found_words = re.findall(r"\w+", plain, re.ASCII)
        if not found_words or (kind == "match" and len(found_words) > 1):
            raise Malformed(f"{kind} {text[:60]!r} of {field}: any of its words would do; use match_phrase")
        return "/(?i)\\b" + "\\W+".join(found_words) + "\\b/"
    return _exactly(field, plain)


def _wildcard(text: str) -> str:
    if "\\" in text:
        raise Malformed(f"{text[:60]!r}: an escaped * or ? is not understood")
    if "?" not in text and text.count("*") <= 8:
        return text if not text.startswith(("!=", "=", "/")) else _as_regex(text)
    return _as_regex(text)


def _as_regex(text: str) -> str:
    return "/^" + "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in text) + "$/"


def _exactly(field: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Malformed(f"{value!r:.60} of {field} is not understood")
    if field in NUMBERS or field in ALIASES:
        return _number(field, "term", str(value))
    text = str(value)
    return text if _PLAIN.fullmatch(text) and not (text.startswith("/") and text.endswith("/")) else f"={text}"


def _range(field: str, operator: str, bound: Any) -> Where:
    if field not in NUMBERS and field not in ALIASES:
        raise Malformed(f"range of {field}: it carries text")
    if not re.fullmatch(r"-?\d+|[A-Za-z]+", str(bound)):
        raise Malformed(f"range of {field}: {bound!r} is no whole number")
    return {field: f"{operator}{bound}"}


def _exists(name: str) -> Where:
    field = field_of(name)
    return {field: ">=0" if field in NUMBERS else ">=TRACE" if field in ALIASES else "*"}


def _all(parts: list[Where]) -> Where:
    """All of these in one mapping where no key stands twice, else in a list."""
    parts = [part for part in parts if part]
    keys = [ALIASES.get(key, key) for part in parts for key in part]
    if len(keys) == len(set(keys)):
        return {key: value for part in parts for key, value in part.items()}
    return {"and": parts}


def _any(parts: list[Where]) -> Where:
    if not parts or not all(parts):
        raise Malformed("an empty part of an or")
    fields = {key for part in parts for key in part}
    if len(fields) == 1 and all(len(part) == 1 for part in parts) and not fields & {"and", "or", "not"}:
        field = next(iter(fields))
        values = [value for part in parts for value in (part[field] if isinstance(part[field], list) else [part[field]])]
        return {field: values}
    return parts[0] if len(parts) == 1 else {"or": parts}


def _not(part: Where) -> Where:
    if not part:
        raise Malformed("an empty not")
    return {"not": part}
