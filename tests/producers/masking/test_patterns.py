"""What is found by its form: every spelling of it, nothing that only looks like it, and at a cost that nobody can blow up."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from producers.masking import PATTERNS
from producers.masking.card import right
from producers.masking.mask import Mask
from producers.masking.policy import Policy

ALL = Mask(Policy(dict.fromkeys(PATTERNS, "mask")))
HASHED = Mask(Policy(dict.fromkeys(PATTERNS, "hash"), key=b"k" * 32))
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqbyJ9.c2lnbmF0dXJlLWhlcmU"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("from <Jo.Doe+x@mail.Example.co.uk>, relay=", "from <[mail]>, relay="),
        ("GET /?to=jo%40example.com&b=1", "GET /?to=[mail]&b=1"),
        ("GET /?to=jo%2Bx%2540example.com&b=1", "GET /?to=[mail]&b=1"),
        ("/users/jo@example.com/orders", "/users/[mail]/orders"),
        ("jürgen@müller.example und jo＠example.com", "[mail] und [mail]"),
        ("a@b.example,c@d.example;e@f.example", "[mail],[mail];[mail]"),
        (f"{'x' * 90}@example.com", "[mail]"),
        ("pan 4111111111111111.", "pan [card]."),
        ("pan=4111-1111-1111-1111&", "pan=[card]&"),
        ("pan=4111+1111+1111+1111&x", "pan=[card]&x"),
        ("pan=4111%201111%201111%201111", "pan=[card]"),
        ("card4111111111111111x", "card[card]x"),
        ("3782 822463 10005 and 3056 930902 5904", "[card] and [card]"),
        ("1234 4111 1111 1111 1111", "1234 [card]"),
        ("4111\u00a01111\u00a01111\u00a01111", "[card]"),
        ("４１１１１１１１１１１１１１１１", "[card]"),
        ("call +49 30 123456-78 now", "call [phone] now"),
        ("tel=%2B4930123456", "tel=[phone]"),
        ("(555) 234-5678, 555-234-5678", "[phone], [phone]"),
        ("10.0.0.7 - - [", "[ip] - - ["),
        ("namenode/10.251.73.220:50010.", "namenode/[ip]:50010."),
        ("[2001:db8::7]:443 ::1 fe80::1%eth0 ::ffff:10.0.0.1", "[[ip]]:443 [ip] [ip]%eth0 [ip]"),
        ("?ip=2001%3Adb8%3A%3A7&x", "?ip=[ip]&x"),
        ("login?user=jo&password=hunter2&x=1", "login?user=jo&password=[token]&x=1"),
        ("password%3Dhunter2 x", "password%3D[token] x"),
        ('{"password":"hun\\"ter2","x":1}', '{"password":"[token]","x":1}'),
        ('{"m":"{\\"api_key\\":\\"k1\\",\\"x\\":1}"}', '{"m":"{\\"api_key\\":\\"[token]\\",\\"x\\":1}"}'),
        ('{"m":"{\\\\\\"apiKey\\\\\\":\\\\\\"k1\\\\\\"}"}', '{"m":"{\\\\\\"apiKey\\\\\\":\\\\\\"[token]\\\\\\"}"}'),
        ("userPassword='hunter 2' ok", "userPassword='[token]' ok"),
        ('secret="cut off in the midst', 'secret="[token]'),
        ("Authorization: Bearer abc.def", "Authorization: [token]"),
        ('"authorization": "Basic am86cHc="', '"authorization": "[token]"'),
        ("pass=hunter2 db_pass: x1 dbPass=y", "pass=[token] db_pass: [token] dbPass=[token]"),
        ('{"pass": 7, "smtp_pass":"x"}', '{"pass": [token], "smtp_pass":"[token]"}'),
        ("<password>hunter 2</password>", "<password>[token]</password>"),
        ('<wsse:Password Type="a">x</wsse:Password>', '<wsse:Password Type="a">[token]</wsse:Password>'),
        ("<m:secret><![CDATA[a<b>c]]></m:secret>", "<m:secret><![CDATA[[token]]]></m:secret>"),
        ('{"password":["hun]ter2", "b"],"x":1}', '{"password":[token],"x":1}'),
        ('{"credentials": {"user":"jo","pw":{"a":"hun\\"}ter2"}},"x":1}', '{"credentials": [token],"x":1}'),
        ("tokens: password=['a', 'b'] x", "tokens: password=[token] x"),
        ('{"m":"{\\"token\\": [\\"a]b\\"],\\"x\\":1}"}', '{"m":"{\\"token\\": [token],\\"x\\":1}"}'),
        ("password=[cut off", "password=[token]"),
        ("X-Auth-Token: abcdefghij", "X-Auth-Token: [token]"),
        ("api_key: letmeinplease", "api_key: [token]"),
        ('"token": abcdefghij', '"token": [token]'),
        ("got Bearer abcdef123456, ok", "got Bearer [token], ok"),
        ("Set-Cookie: sid=1; Path=/", "Set-Cookie: [token]"),
        ("postgres://jo:p:w@db/x", "postgres://jo:[token]@db/x"),
        ("?to=postgres%3A%2F%2Fjo%3Ap%2Bw%40db%2Fx", "?to=postgres%3A%2F%2Fjo%3A[token]%40db%2Fx"),
        (f"jwt {JWT} x", "jwt [token] x"),
        ("ghp_0123456789abcdefghij0123456789abcdef", "[token]"),
        ("AKIAIOSFODNN7EXAMPLE", "[token]"),
        (f"key:\n{PEM}\nx", "key:\n[token]\nx"),
        ("user=jo@example.com password=a@b;pan=4111111111111111", "user=[mail] password=[token];pan=[card]"),
    ],
)
def test_found_in_every_spelling(text: str, masked: str) -> None:
    """The text with all that was found replaced; what stands around it stays."""
    assert ALL.mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "GET /img/logo@2x.png HTTP/1.1", "lodash@4.17.21", "root@web-1", "@app.route", "1763740800000 ms, 1763740800000000000 ns",
        "4111111111111112", "took 0.4111111111111111 s", "41111111111111111111111111", "[21/Nov/2026:12:00:00 +0000]", "+0200",
        "2026-11-21 12:00:00.123456 12345", "Chrome/142.0.0.0 Safari/537.36", "12:00:00", "std::vector", "1.2.3.4.5", "version 10.0.0",
        "Unexpected token: end of file", "max_tokens=100", "PWD=/srv", "password=", "token=null", "the secretary", "monkey=1",
        "tests pass: 12, fail: 0", "compass: 12 bypass=1", "Unexpected token: [", "password=[]", "{\"secret\":{}}",
        "bearer authentication", "550e8400-e29b-41d4-a716-446655440000", "usb+123456789012",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_stays(text: str) -> None:
    """Times, versions, sizes and prose are no secrets."""
    assert ALL.mask_text(text) == text


def test_same_person_has_the_same_hash() -> None:
    """However an address, a number or a card is spelt, its hash is one; another key gives another."""
    other = Mask(Policy(dict.fromkeys(PATTERNS, "hash"), key=b"o" * 32))
    for one, again in [
        ("jo@example.com", "Jo%40EXAMPLE.com"),
        ("4111111111111111", "4111-1111-1111-1111"),
        ("+49 30 1234567", "%2B49301234567"),
        ("2001:db8::7", "2001:0DB8:0:0:0:0:0:7"),
    ]:
        assert HASHED.mask_text(one) == HASHED.mask_text(again) != other.mask_text(one)
        assert one not in HASHED.mask_text(one)


MAILS = st.from_regex(r"[a-z][a-z0-9._+-]{0,20}[a-z0-9]@([a-z][a-z0-9-]{0,10}[a-z0-9]\.){1,3}[a-z]{2,6}", fullmatch=True)
CARDS = st.from_regex(r"(4[0-9]{14}|5[1-5][0-9]{13}|6011[0-9]{11}|3[47][0-9]{12})", fullmatch=True).map(
    lambda start: next(start + str(last) for last in range(10) if right(start + str(last)))
)
TOKENS = st.from_regex(r"gh[pousr]_[A-Za-z0-9]{36}", fullmatch=True)
PHONES = st.from_regex(r"\+[1-9][0-9]{8,13}", fullmatch=True)
ADDRESSES = st.ip_addresses(v=4).map(str)
SECRETS = st.one_of(MAILS, CARDS, TOKENS, PHONES, ADDRESSES)
AROUND = st.text(alphabet=" \t\"'()[]{}<>,;&=|/\\\n\x00\x1b\u200bäß漢", max_size=20)
SPELLINGS = st.sampled_from([str, lambda text: quote(text, safe="+"), lambda text: quote(text, safe=""), str.upper])


@given(SECRETS, AROUND, AROUND)
@example("a.b@c.de", "x=", "&")
def test_secret_goes_whatever_stands_around_it(secret: str, before: str, after: str) -> None:
    """Between spaces, quotes, brackets, control characters and other scripts, a secret does not stay."""
    assert secret not in ALL.mask_text(before + secret + after)


@given(st.lists(st.tuples(st.one_of(MAILS, CARDS, PHONES), SPELLINGS), max_size=5), st.sampled_from([" ", "&x=", '", "', "; "]))
def test_several_secrets_go_in_every_spelling(secrets: list[tuple[str, object]], between: str) -> None:
    """As they are, as URLs write them, in capitals: each one of several on a line is gone."""
    written = [spell(secret) for secret, spell in secrets]  # type: ignore[operator]

    masked = ALL.mask_text("a " + between.join(written) + " z")

    assert not [secret for secret in written if secret in masked]


@given(st.text(max_size=300))
def test_masked_twice_is_masked_once(text: str) -> None:
    """What was masked or hashed holds nothing more to find."""
    for mask in (ALL, HASHED):
        once = mask.mask_text(text)
        assert mask.mask_text(once) == once


@given(st.text(alphabet="ab1 =:@%40.+-\"'\\pwd", max_size=80), st.text(alphabet="ab1 =:@%40.+-\"'\\pwd", max_size=80))
def test_signs_miss_nothing(before: str, after: str) -> None:
    """What the patterns find, the quick look has suspected: with and without it the outcome is the same."""
    text = before + "jo@example.com password=x" + after

    assert ALL.mask_text(text) == ALL._text(text, list(PATTERNS))


HOSTILE = [
    "a", "1", "@", "a@", "a@a", "a.", "a-", "%40", "%2B", "a%2B", "1 ", "1-", "4111 ", "+1", "+1 ", "(", "1.", "1:", "a:", "::", "1::",
    "eyJ", "eyJa-", "eyJaaaaaaaaaaaaa.", "password=", 'password="', "password='", 'password=\\"', 'password="\\', "token: ", "cookie:",
    "authorization: ", "authorization: a ", "bearer ", "bearer a", "://", "://a:", "://a:b", "-----BEGIN PRIVATE KEY-----", "ghp_", "sk-",
    "\\", "=", "ä", "１", "＠", "secret", "secret_", "key=key", "\x00", "jo@example.com ", "10.0.0.1 ",
    "bearer+", "bearer+a", "token>", "token>a", "token >", "<token>", "token><![CDATA[", "password=[", 'password={"', "password={'a",
    '"password":[[', "password=[\\", "%3A%2F%2Fa%3A", "%2F%2F", "%3A", "%", "%25", "'",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_linear(piece: str) -> None:
    """128 KiB of the worst that somebody may write, by CPU time: well below a second, and about twice what half of it takes."""
    text = piece * (131_072 // len(piece.encode()))

    half, whole = cost(text[: len(text) // 2] + "@x :// % é"), cost(text + "@x :// % é")

    assert whole < 1
    assert whole < max(0.2, 3.5 * half)


def cost(text: str) -> float:
    """The least of three, as the machine may be busy with others."""

    def once() -> float:
        began = time.process_time()
        ALL.mask_text(text)
        return time.process_time() - began

    return min(once() for _ in range(3))
