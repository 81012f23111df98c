"""Takes out of events and dead letters what the policy says must not leave this host. No I/O, no clock; one for each producer."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from logverse.errors import Malformed
from producers.masking import PATTERNS
from producers.masking.field_rules import FieldRules
from producers.masking.pattern import Signs
from producers.masking.policy import FIXED, Policy
from producers.parsers.parsed import Parsed

_CACHED = 8192
_SHORT = 24  # characters: looking for signs takes longer than looking for what they are signs of
_DEEPEST = 32  # objects nested deeper become one text: hostile nesting must not exhaust the stack
_CUT_EDGE = 512  # bytes at the end of a text that was cut off: half a secret there is none that a pattern finds
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")  # a hash without digits is no card's, address's or phone's number
_SMALL = 10**9  # a number below it is nobody's card or phone
_HEX = frozenset("0123456789abcdefABCDEF")
_SAID = ("host.name", "event.outcome", "log.file.path", "log.record.original.sha256")  # of FIXED, what a line may say of itself
_IDS = {"trace_id": 32, "span_id": 16}


class Mask:
    """The policy at work. `on`: whether it does anything. `counts`: how many places it changed, by kind (a field's is `field`)."""

    def __init__(self, policy: Policy) -> None:
        self._actions = {kind: action for kind, action in policy.patterns.items() if action != "keep"}
        self._patterns = [kind for kind in PATTERNS if kind in self._actions]
        self._looking = [(kind, PATTERNS[kind]) for kind in self._patterns]
        self._fields = FieldRules(policy.fields)
        self._dead, self._hashed, self._names = policy.dead, dict[str, str](), dict[str, str]()
        self._hmac = hmac.new(policy.key, digestmod="sha256") if policy.key else None
        self.on = bool(self._patterns or self._fields or policy.dead == "drop")
        self._texts = dict[str, tuple[str, list[str]]]()
        self.counts: Counter[str] = Counter()

    @classmethod
    def none(cls) -> Mask:
        """Changes nothing."""
        return cls(Policy())

    def mask_parsed(self, parsed: Parsed) -> Parsed:
        """The same, without what must not leave; Malformed when its attributes are no JSON. To be asked only when `on`."""
        self._mask_fixed(parsed)
        if not (self._fields or parsed.service or self._suspected_of(parsed.body, parsed.fields, parsed.attributes)):
            return parsed  # as most lines are
        flat: dict[str, Any] = {"body": parsed.body, **parsed.fields}
        if parsed.attributes:
            flat["attributes"] = parsed.attributes
        if parsed.service:
            parsed.service = self.mask_text(parsed.service)
        self.mask_event(flat)
        parsed.body = flat.pop("body")
        parsed.attributes = flat.pop("attributes", None)
        parsed.fields = flat
        return parsed

    def _mask_fixed(self, parsed: Parsed) -> None:
        """What no rule touches when it is ours is somebody's text when the line says it: by pattern."""
        for name in _SAID:
            if name in parsed.fields:
                said = parsed.fields[name]
                masked = self._known(said, self._patterns)
                if masked != said:
                    parsed.fields = {**parsed.fields, name: masked}
                    if not masked:
                        del parsed.fields[name]

    def mask_event(self, flat: dict[str, Any]) -> dict[str, Any]:
        """An event as `LogEvent.to_json` has it (flat names, `attributes` nested), changed in place. Malformed: it is no JSON."""
        if self._fields:
            self._by_field(flat)
        if self._patterns:
            suspected = self._suspected_of(flat.get("body") or "", flat, flat.get("attributes"))
            if suspected:
                self._by_pattern(flat, suspected)
        return flat

    def mask_bytes(self, data: bytes, cut: bool = False) -> bytes:
        """What may be kept of a line that is no event. `cut`: its end is missing, and a secret there may be a half one."""
        if self._dead == "drop":
            return b""
        if not self._patterns:
            return data
        text = data.decode("utf-8", "surrogateescape")
        masked = self.mask_text(text)
        if "\0" in text:  # UTF-16, or somebody's trick
            bare = text.replace("\0", "")
            masked = found if (found := self.mask_text(bare)) != bare else masked
        kept = data if masked == text else masked.encode("utf-8", "surrogateescape")
        return kept[:-_CUT_EDGE] if cut else kept

    def mask_text(self, text: str) -> str:
        """One text, by pattern."""
        suspected = self._suspected(text) if self._patterns else []
        return self._text(text, suspected) if suspected else text

    def _suspected_of(self, body: str, fields: Mapping[str, Any], attributes: Mapping[str, Any] | None) -> list[str]:
        """The kinds that may be in an event. What is part of the body, as it is in most lines, is not looked at a second time."""
        texts = [body, *[value for name, value in fields.items() if type(value) is str and value not in body and not _opaque(name, value)]]
        if attributes:
            for name, value in attributes.items():
                if self._kind_of(name) or type(value) is dict or type(value) is list:
                    return self._patterns  # its name says what it is; or there are more names inside
                texts.append(name)
                if type(value) is not str:
                    texts.append(str(value))
                elif value not in body:
                    texts.append(value)
        return self._suspected("\n".join(texts))

    def _suspected(self, text: str) -> list[str]:
        if not text.isascii():
            return self._patterns
        signs = Signs(text)
        return [kind for kind, pattern in self._looking if pattern.suspected(signs)]

    def _kind_of(self, name: str) -> str:
        """The kind of what a field of this name holds, "" when that is not told by the name."""
        kind = self._names.get(name)
        if kind is None:
            kind = next((kind for kind in self._patterns if PATTERNS[kind].named(name)), "")
            if len(self._names) >= _CACHED:
                self._names.clear()
            if len(name) <= 256:
                self._names[name] = kind
        return kind

    def _by_pattern(self, flat: dict[str, Any], kinds: list[str]) -> None:
        for name, value in [(name, value) for name, value in flat.items() if type(value) is str]:
            if _opaque(name, value):
                continue
            masked = self._text(value, kinds) if name == "body" else self._known(value, kinds)
            if masked or name == "body":
                flat[name] = masked
            elif value:
                del flat[name]
        if "attributes" in flat:
            flat["attributes"] = self._members(flat["attributes"], kinds, 1)

    def _members(self, members: Mapping[str, Any], kinds: list[str], depth: int) -> dict[str, Any]:
        whole: dict[str, Any] = {}
        alike: Counter[str] = Counter()
        for name, value in members.items():
            masked_name = base = self._known(name, kinds)
            while masked_name in whole:  # two names may look the same now
                alike[base] += 1
                masked_name = f"{base}#{alike[base] + 1}"
            kind = self._kind_of(name)
            if kind and value not in (None, "", True, False) and (kind != "phone" or _like_phone(value)):
                replaced = self._replacement(kind, _written(value))
                if replaced:
                    whole[masked_name] = replaced
            else:
                whole[masked_name] = self._value(value, kinds, depth)
        return whole

    def _value(self, value: Any, kinds: list[str], depth: int) -> Any:
        if type(value) is str:
            return self._known(value, kinds)
        if isinstance(value, dict | list) and depth >= _DEEPEST:
            return self._text(_written(value), kinds)
        if isinstance(value, dict):
            return self._members(value, kinds, depth + 1)
        if isinstance(value, list):
            return [self._value(one, kinds, depth + 1) for one in value]
        if isinstance(value, int | float) and abs(value) >= _SMALL:
            written = str(value)
            masked = self._text(written, kinds)
            return value if masked == written else masked
        return value

    def _known(self, text: str, kinds: list[str]) -> str:
        """As `_text`: addresses, agents, paths and names come again and again."""
        found = self._texts.get(text)
        if found is None:
            found = self._look(text, kinds)
            if len(self._texts) >= _CACHED:
                self._texts.clear()
            if len(text) <= 256:
                self._texts[text] = found
        if found[1]:
            self.counts.update(found[1])
        return found[0]

    def _text(self, text: str, kinds: list[str]) -> str:
        masked, changed = self._look(text, kinds)
        if changed:
            self.counts.update(changed)
        return masked

    def _look(self, text: str, kinds: list[str]) -> tuple[str, list[str]]:
        """The text under the policy, and the kinds that were found in it, one for each place."""
        signs = Signs(text) if len(kinds) > 1 and len(text) > _SHORT and text.isascii() else None
        changed = list[str]()
        for kind in kinds:
            pattern, action = PATTERNS[kind], self._actions[kind]
            if signs and not pattern.suspected(signs):
                continue
            last, pieces = 0, list[str]()
            for start, end, value in pattern.found(text):
                pieces += (text[last:start], self._instead(kind, action, value))
                last = end
                changed.append(kind)
            if pieces:
                text = "".join(pieces) + text[last:]
                signs = None  # of another text than it is now
        return text, changed

    def _replacement(self, kind: str, value: str) -> str:
        self.counts[kind] += 1
        return self._instead(kind, self._actions[kind], value)

    def _instead(self, label: str, action: str, value: str) -> str:
        if action == "hash":
            return f"[{label}:{self._hash(value)}]"
        return f"[{label}]" if action == "mask" else ""

    def _hash(self, value: str) -> str:
        """64 bits of HMAC-SHA256 (RFC 2104) in letters a to p; without a policy that has a key nothing asks for it."""
        found = self._hashed.get(value)
        if found is None:
            if self._hmac is None:
                raise AssertionError("a policy that hashes has a key")
            keyed = self._hmac.copy()
            keyed.update(value.encode("utf-8", "surrogatepass"))
            found = keyed.hexdigest()[:16].translate(_LETTERS)
            if len(self._hashed) >= _CACHED:
                self._hashed.clear()
            if len(value) <= 256:
                self._hashed[value] = found
        return found

    def _by_field(self, flat: dict[str, Any]) -> None:
        """Apply the rules of fields, and take the values that went out of all other texts as well."""
        gone = dict[str, str]()

        def again(value: Any, action: str) -> str:
            return self._instead("hash" if action == "hash" else "masked", action, _written(value))

        def instead(value: Any, action: str) -> str:
            self.counts["field"] += 1
            replaced = again(value, action)
            gone.update(dict.fromkeys((_written(value), *_texts_in(value)), replaced))
            return replaced

        self._fields.apply(flat, instead)
        if gone:
            flat["body"] = self._fields.rewritten(flat["body"], again)
            self._fields.take_out(flat, gone)


def _opaque(name: str, value: str) -> bool:
    """Whether nobody looks into it: what the event is found by, and ids of traces as they should be."""
    return name in FIXED or (name in _IDS and len(value) == _IDS[name] and _HEX.issuperset(value))


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:  # what orjson raises for JSON nested deeper than it writes
        raise Malformed("nested too deep") from error


def _texts_in(value: Any, depth: int = 1) -> Iterator[str]:
    """The texts within a list or an object."""
    if isinstance(value, list | dict) and depth < _DEEPEST:
        for one in value.values() if isinstance(value, dict) else value:
            if isinstance(one, str):
                yield one
            else:
                yield from _texts_in(one, depth + 1)


def _like_phone(value: Any) -> bool:
    return isinstance(value, str | int) and sum(character.isdecimal() for character in str(value)) >= 6
