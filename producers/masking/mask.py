"""Takes out of events and dead letters what the policy says must not leave this host. No I/O, no clock; one for each producer."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import orjson

from logverse.errors import Malformed
from producers.masking import PATTERNS
from producers.masking.field_rules import FieldRules
from producers.masking.pattern import Signs
from producers.masking.policy import FIXED, Policy
from producers.masking.suspicion import CACHED, DEEPEST, SAID, SMALL, Suspicion, opaque
from producers.parsers.parsed import Parsed

_TOGETHER = 32  # lines that are asked about at once
_SHORT = 24  # characters: looking for signs takes longer than looking for what they are signs of
_CUT_EDGE = 512  # bytes at the end of a text that was cut off: half a secret there is none that a pattern finds
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")  # a hash without digits is no card's, address's or phone's number


class Mask:
    """The policy at work. `on`: whether it does anything. `counts`: how many places it changed, by kind (a field's is `field`)."""

    def __init__(self, policy: Policy) -> None:
        self._actions = {kind: action for kind, action in policy.patterns.items() if action != "keep"}
        self._patterns = [kind for kind in PATTERNS if kind in self._actions]
        self._suspicion = Suspicion(self._patterns)
        self._fields = FieldRules(policy.fields)
        self._by_name = bool(self._fields)
        self._dead, self._hashed = policy.dead, dict[str, str]()
        self._hmac = hmac.new(policy.key, digestmod="sha256") if policy.key else None
        self.on = bool(self._patterns or self._by_name or policy.dead == "drop")
        self._texts = dict[str, tuple[str, list[str]]]()
        self.counts: Counter[str] = Counter()
        self._worth = True  # bodies are nearly the whole line, so that it is worth while to look at many lines at once

    @classmethod
    def none(cls) -> Mask:
        """Changes nothing."""
        return cls(Policy())

    def cleared(self, lines: Sequence[bytes]) -> Iterator[bool]:
        """For each line, whether it has no sign of what must not leave; to be told to `mask_parsed` before the next one is taken."""
        for first in range(0, len(lines), _TOGETHER):
            some = lines[first : first + _TOGETHER]
            yield from self._suspicion.cleared(some) if self._worth and not self._by_name else repeat(False, len(some))

    def mask_parsed(self, parsed: Parsed, line: str = "", cleared: bool = False) -> Parsed:
        """The same, without what must not leave; Malformed when its attributes are no JSON. To be asked only when `on`.

        `line` is what it was made of; `cleared`: that has no sign of anything.
        """
        self._worth = len(parsed.body) * 2 > len(line)
        said = {**parsed.fields, "": parsed.service} if parsed.service else parsed.fields
        if not (self._by_name or self._suspicion.of_event(parsed.body, said, parsed.attributes, line if cleared else "")):
            return parsed  # as most lines are
        self._mask_fixed(parsed)
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
        for name in SAID:
            if name in parsed.fields:
                said = parsed.fields[name]
                masked = self._known(said, self._patterns)
                if masked != said:
                    parsed.fields = {**parsed.fields, name: masked}
                    if not masked:
                        del parsed.fields[name]

    def mask_event(self, flat: dict[str, Any]) -> dict[str, Any]:
        """An event as `LogEvent.to_json` has it (flat names, `attributes` nested), changed in place. Malformed: it is no JSON."""
        if self._by_name:
            self._by_field(flat)
        if self._patterns:
            suspected = self._suspicion.of_event(flat.get("body") or "", flat, flat.get("attributes"))
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
        suspected = self._suspicion.of_text(text)
        return self._text(text, suspected) if suspected else text

    def _by_pattern(self, flat: dict[str, Any], kinds: list[str]) -> None:
        for name, value in [(name, value) for name, value in flat.items() if type(value) is str]:
            if name in FIXED or opaque(name, value):
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
            kind = self._suspicion.kind_of(name)
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
        if isinstance(value, dict | list) and depth >= DEEPEST:
            return self._text(_written(value), kinds)
        if isinstance(value, dict):
            return self._members(value, kinds, depth + 1)
        if isinstance(value, list):
            return [self._value(one, kinds, depth + 1) for one in value]
        if isinstance(value, int | float) and abs(value) >= SMALL:
            written = str(value)
            masked = self._text(written, kinds)
            return value if masked == written else masked
        return value

    def _known(self, text: str, kinds: list[str]) -> str:
        """As `_text`: addresses, agents, paths and names come again and again."""
        found = self._texts.get(text)
        if found is None:
            found = self._look(text, kinds)
            if len(self._texts) >= CACHED:
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
            if len(self._hashed) >= CACHED:
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


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:  # what orjson raises for JSON nested deeper than it writes
        raise Malformed("nested too deep") from error


def _texts_in(value: Any, depth: int = 1) -> Iterator[str]:
    """The texts within a list or an object."""
    if isinstance(value, list | dict) and depth < DEEPEST:
        for one in value.values() if isinstance(value, dict) else value:
            if isinstance(one, str):
                yield one
            else:
                yield from _texts_in(one, depth + 1)


def _like_phone(value: Any) -> bool:
    return isinstance(value, str | int) and sum(character.isdecimal() for character in str(value)) >= 6
