"""Secrets that open something: passwords and keys by the name before them, tokens by the form that their makers gave them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from producers.masking.pattern import Found, Signs

# Quantifiers are possessive or bounded, and what repeats cannot begin inside itself: hostile text costs no more than other text.
_QUOTE = r"\\{0,7}[\"']"
_IS = r"(?P<is>\s{0,4}(?:=>|=|:|%3[dD])\s{0,4})"
_NAME = (
    r"(?:passw(?:or)?d|passphrase|passcode|pwd(?!=/)|secret|credentials?|signature|(?<![a-z])sig|[cx]srf|token(?!s)"
    r"|(?:api|access|private|auth|signing|encryption|account)[_-]?key|(?:php|j|aspx?)sess(?:ion)?id|connect\.sid"
    r"|pass(?![a-z])(?:(?<![a-z]pass)|(?<=dbpass)|(?<=userpass)))"
    r"(?:[_-]?(?:hash|value|key|id|confirm(?:ation)?|new|old|\d{1,3}))?"
)
_ASSIGNED = re.compile(
    rf"(?P<name>{_NAME})(?:(?:{_QUOTE})?{_IS}"
    r"(?:\\{1,7}[\"'](?P<escaped>[^\"'\\]*+(?:\\++[^\"'\\][^\"'\\]*+)*+)"  # JSON within JSON
    r"|\"(?P<double>[^\"\\]*+(?:\\.[^\"\\]*+)*+)|'(?P<single>[^'\\]*+(?:\\.[^'\\]*+)*+)|(?P<nested>[\[{])"
    r"|(?P<bare>[^\s\"'&;,)\]}<>\\]++))"
    r"|(?:\s[^<>]{0,128}+)?>(?:<!\[cdata\[(?P<cdata>[^\]]{1,4096}+)|(?P<xml>[^<>]{1,4096}+)(?=<\\?/|\Z)))",
    re.DOTALL,
)
_HEADER = re.compile(
    rf"(?:authorization(?:{_QUOTE})?\s{{0,4}}(?:=>|=|:|%3[dD])\s{{0,4}}(?:{_QUOTE})?"
    r"(?P<authorization>(?:[a-z][\w-]{1,20}(?:\s|%20|\+){1,4})?[^\s\"'&;,\\]++)"
    rf"|cookie2?(?:{_QUOTE})?\s{{0,4}}[:=]\s{{0,4}}(?:{_QUOTE})?(?P<cookie>[^\"'\r\n\\]++)"
    r"|\b(?:bearer)(?:\s|%20|\+){1,4}(?P<scheme>(?=[a-z._~+/=-]{0,256}+\d)[\w.~+/=-]{8,}+))",
)
_ASSIGNED_ANY_CASE = re.compile(_ASSIGNED.pattern, _ASSIGNED.flags | re.IGNORECASE)
_HEADER_ANY_CASE = re.compile(_HEADER.pattern, re.IGNORECASE)
_IN_URL = re.compile(
    r"(?::|%3[aA])(?://|%2[fF]%2[fF])(?:[^\s/@:?#\"'%]|%(?!3[aA]|2[fF]|40)){0,256}+(?::|%3[aA])"
    r"(?P<url>(?:[^\s/@\"'%]|%(?!2[fF]|40)){1,256}+)(?:@|%40)"
)
_PRIVATE = re.compile(r"(?P<pem>-----BEGIN [A-Z ]{0,32}+(?<=PRIVATE KEY)-----[\s\S]*?(?:-----END [A-Z ]{0,32}+-----|\Z))")
_FORM = re.compile(
    r"(?P<form>(?<![\w-])eyJ[\w-]{13,}+\.[\w-]{4,}+(?:\.[\w-]*+)?"  # RFC 7519
    r"|(?<![A-Za-z0-9])(?:gh[pousr]_\w{20,255}|github_pat_\w{20,255}|glpat-[\w-]{16,255}|xox[a-z]-[\w-]{12,255}|hf_\w{20,255}"
    r"|[spr]k_(?:live|test)_\w{10,255}|sk-[\w-]{20,255}|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,60}|ya29\.[\w-]{20,2048}|npm_\w{30,255}"
    r"|pypi-[\w-]{30,512}|SG\.[\w-]{16,64}\.[\w-]{16,64}|shp[a-z]{2}_\w{20,64}|dop_v1_\w{20,128}))",
    re.ASCII,
)
_NAMED = re.compile(rf"(?:{_NAME}|authorization|(?:set-)?cookie)(?=\.|\Z)", re.IGNORECASE)  # a part of a dotted name ends so
_LONGEST_NAME = 512
_CAMEL = re.compile(r"[a-z0-9](?=[A-Z])")
_RUN = b"a" * 16  # no form of token is shorter
_FORMS = ("eyJ", "k_live_", "k_test_", "sk-", "KIA", "SIA", "AIza", "xox", "hf_", "glpat-", "npm_", "pypi-", "ya29.", "SG.", "shp", "dop_")
_BRACKET = re.compile(r"[\[\]{}]|(?P<slashes>\\*+)[\"']")
_PROSE = frozenset({"token", "signature", "sig", "pass"})  # `Unexpected token: end of file`, `tests pass: 12`
_NOTHING = frozenset({"", "[]", "{}", "null", "none", "nil", "true", "false", "undefined", "-"})
_MARK = re.compile(r"\[[a-z]+(?::[a-p]+)?\]?")


class Token:
    """
    >>> text = 'login?user=jo&password=hunter2 {"apiKey": "k1"} Bearer abcdef123456'
    >>> [found.value for found in Token().found(text)]
    ['hunter2', 'k1', 'abcdef123456']
    """

    def suspected(self, signs: Signs) -> bool:
        text = signs.text
        if "-----" in text or "bearer" in signs.words or _in_url(text) or (_RUN in signs.runs and _formed(text)):
            return True
        # A name needs something between it and its value. Colons of times and of https:// are most that there are.
        shape = signs.shape
        if not ("=" in text or "%" in text or ">" in text or shape.count(b":") > shape.count(b"0:0") + text.count("://")):
            return False
        return _named(signs.words) and _named(signs.lower)

    def found(self, text: str) -> Iterator[Found]:
        # ASCII in lower case has every character in its place; other scripts grow when their case changes.
        lower = text.lower()
        places = list[Found]()
        if _named(lower) or "bearer" in lower:
            searched = lower if text.isascii() else text
            assigned, header = (_ASSIGNED, _HEADER) if text.isascii() else (_ASSIGNED_ANY_CASE, _HEADER_ANY_CASE)
            places += _assigned(assigned.finditer(searched), text)
            if "auth" in lower or "cookie" in lower or "bearer" in lower:
                places += [_place(match, text) for match in header.finditer(searched)]
        if _in_url(text):
            places += [_place(match, text) for match in _IN_URL.finditer(text)]
        if "-----BEGIN" in text:
            places += [_place(match, text) for match in _PRIVATE.finditer(text)]
        if _formed(text):
            places += [_place(match, text) for match in _FORM.finditer(text)]
        return _apart(sorted(places, key=lambda one: (one.start, -one.end)), text) if places else iter(())

    def named(self, name: str) -> bool:
        name = name[-_LONGEST_NAME:]
        return _named(name.lower()) and bool(_NAMED.search(name) or _NAMED.search(_CAMEL.sub(r"\g<0>_", name)))


def _named(lower: str) -> bool:
    """Whether some part of a name that _ASSIGNED or _HEADER knows is there."""
    return (
        "pass" in lower or "token" in lower or "secret" in lower or "key" in lower or "auth" in lower or "cookie" in lower
        or "sess" in lower or "sig" in lower or "pwd" in lower or "srf" in lower or "credential" in lower or ".sid" in lower
    )  # fmt: skip


def _in_url(text: str) -> bool:
    """Whether something that _IN_URL needs is there."""
    return ("@" in text or ("%" in text and "%40" in text)) and ("://" in text or "%2f%2f" in text.lower())


def _formed(text: str) -> bool:
    """Whether something that _FORM begins with is there."""
    return ("_" in text and "gh" in text) or any(form in text for form in _FORMS)


def _apart(places: list[Found], text: str) -> Iterator[Found]:
    """Without overlap, and without what is no secret; what two forms claim parts of goes whole."""
    end = 0
    for found in places:
        start = max(found.start, end)
        if start < found.end and found.value.lower() not in _NOTHING and not _MARK.fullmatch(found.value):
            end = found.end
            yield Found(start, end, text[start:end])


def _place(match: re.Match[str], text: str) -> Found:
    group = next(name for name in reversed(match.groupdict()) if name not in ("name", "is") and match[name] is not None)
    start, end = match.span(group)
    return Found(start, end, text[start:end])


def _assigned(matches: Iterable[re.Match[str]], text: str) -> Iterator[Found]:
    """What is assigned to names, lists and objects whole; what stands within these is not looked at again."""
    end = 0
    for match in matches:
        if match.start() < end or _prose(match):
            continue
        found = _place(match, text)
        if match["nested"]:
            end = _closed(text, found.start)
            found = Found(found.start, end, text[found.start : end])
        yield found


def _closed(text: str, start: int) -> int:
    """The place behind the bracket that closes the one at `start`; the end of the text when none does."""
    depth, quote, slashes = 0, "", 0
    for match in _BRACKET.finditer(text, start):
        sign, before = match[0][-1], len(match["slashes"] or "")
        if quote:
            if sign == quote and (before == slashes or (not slashes and before % 2 == 0)):
                quote = ""
        elif sign in "\"'":
            quote, slashes = sign, before
        else:
            depth += 1 if sign in "[{" else -1
            if depth == 0:
                return match.end()
    return len(text)


def _prose(match: re.Match[str]) -> bool:
    """`Unexpected token: end of file` tells no secret; `auth-token: open` does, and so does any name in quotes."""
    value, name, text = match["bare"] or match["nested"], match["name"].lower(), match.string
    if value is None or name not in _PROSE or not match["is"][-1:].isspace() or text[match.end("name")] in "\"'\\":
        return False
    before = text[match.start() - 1 : match.start()]
    counts = name == "pass" and value.isdigit()
    return not before.isalnum() and before not in ("-", "_") and (counts or not any(character.isdigit() for character in value))
