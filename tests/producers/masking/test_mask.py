"""The policy at work on events and dead letters: fields, patterns, names, nesting, and what must stay."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from logverse.errors import Malformed
from producers.masking.mask import Mask
from producers.masking.policy import Policy
from producers.parsers import PARSERS
from producers.routes import Routes

KEY = b"k" * 32
PATTERNS = Mask(Policy({"mail": "mask", "token": "mask", "card": "mask", "phone": "mask"}))
LINE = '10.0.0.7 - jo [21/Nov/2026:12:00:00 +0000] "GET /u/jo?q=jo HTTP/1.1" 200 5 "https://x.example/?user=jo" "join/1" 0.012'


def fields(**rules: str) -> Mask:
    return Mask(Policy(fields={name.replace("_", "."): action for name, action in rules.items()}, key=KEY, dead="drop"))


def event(**more: Any) -> dict[str, Any]:
    return {"timestamp": "t", "log.type": "error", "service.name": "web", "body": "b", "log.record.uid": "u-1", **more}


def test_every_place_of_an_event_is_looked_at() -> None:
    """Body, original, stack trace, URL, agent, attributes at any depth, their names, and numbers: by pattern everywhere."""
    mail = "jo@example.com"
    places = (
        "body",
        "log.record.original",
        "exception.message",
        "exception.stacktrace",
        "url.path",
        "url.query",
        "user.name",
        "session.id",
    )
    flat = event(
        **dict.fromkeys(places, f"x {mail} y"),
        attributes={mail: mail, "deep": [{"a": [f"{mail},{mail}"], mail: 1}], "pan": 4111111111111111, "ok": True, "none": 1.5},
    )  # fmt: skip

    masked = PATTERNS.mask_event(flat)

    assert mail.encode() not in orjson.dumps(masked)
    assert masked["exception.stacktrace"] == "x [mail] y"
    assert masked["attributes"] == {
        "[mail]": "[mail]", "deep": [{"a": ["[mail],[mail]"], "[mail]": 1}], "pan": "[card]", "ok": True, "none": 1.5,
    }  # fmt: skip


def test_what_finds_and_counts_the_event_stays() -> None:
    """Time, type, service, severity, uid, trace and span are never touched, whatever they look like."""
    flat = event(**{"trace_id": "4111111111111111" * 2, "span_id": "4111111111111111", "http.response.body.size": 4111111111111111})
    flat["log.record.uid"] = "aaaa-4111111111111111"

    masked = PATTERNS.mask_event(dict(flat, body="4111111111111111"))

    assert masked == dict(flat, body="[card]")


def test_attribute_is_masked_by_its_name() -> None:
    """A password is one whatever it looks like, and so is what a field called phone holds; a field without value stays."""
    flat = event(
        attributes={
            "userPassword": "x", "x-api-key": 12, "auth.token": ["a", "b"], "phone": "030 123456", "phone_type": "old", "tokens": 7,
            "secret": None, "list": [{"password": "inner"}],
        }
    )  # fmt: skip

    assert PATTERNS.mask_event(flat)["attributes"] == {
        "userPassword": "[token]", "x-api-key": "[token]", "auth.token": "[token]", "phone": "[phone]", "phone_type": "old", "tokens": 7,
        "secret": None, "list": [{"password": "[token]"}],
    }  # fmt: skip


def test_any_part_of_a_name_tells() -> None:
    """What a member of a secret object is called does not matter, nor how its name is written."""
    flat = event(attributes={"password.value": "x", "login.pass": "y", "db.credentials.user": "jo", "tokens.used": 7, "compass.x": 1})

    assert PATTERNS.mask_event(flat)["attributes"] == {
        "password.value": "[token]", "login.pass": "[token]", "db.credentials.user": "[token]", "tokens.used": 7, "compass.x": 1,
    }  # fmt: skip


def test_names_that_become_alike_stay_apart() -> None:
    """Two attributes whose names hold addresses are still two."""
    masked = PATTERNS.mask_event(event(attributes={"a@x.example": 1, "b@x.example": 2}))

    assert sorted(masked["attributes"].values()) == [1, 2]


def test_many_names_that_become_alike() -> None:
    """Thousands of addresses as names cost what thousands of names cost."""
    began = time.process_time()

    masked = PATTERNS.mask_event(event(attributes={f"u{number}@x.example": number for number in range(8000)} | {"[mail]#2": -1}))

    assert sorted(masked["attributes"].values()) == list(range(-1, 8000))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("json", '{"hostname": "password=hunter2", "message": "a"}'), ("json", '{"event.outcome": "card 4111 1111 1111 1111"}'),
        ("json", '{"log.file.path": "/home/jo@example.com/a.log"}'), ("syslog", "Nov 21 10:00:00 jo@example.com sshd[1]: a"),
    ],
)  # fmt: skip
def test_what_a_line_says_of_itself_is_masked(form: str, line: str) -> None:
    """A host, an outcome or a path that the line names is text like all other: secrets do not leave in it."""
    parsed = PATTERNS.mask_parsed(PARSERS[form](Routes()).parse(line))

    sent = orjson.dumps([parsed.body, parsed.fields, parsed.attributes]).decode()
    assert not [secret for secret in ("hunter2", "4111 1111", "jo@example.com") if secret in sent]


@pytest.mark.parametrize(("action", "left"), [("mask", "[masked]"), ("drop", None)])
def test_field_goes_from_the_whole_line(action: str, left: str | None) -> None:
    """A user's name goes from its field and from the body, the path and the referer that hold it as a word; `join` stays."""
    parsed = fields(user_name=action).mask_parsed(PARSERS["access"](Routes()).parse(LINE))

    assert parsed.fields.get("user.name") == left
    by = left or ""
    assert parsed.body == LINE.replace("- jo ", f"- {by} ").replace("/u/jo?q=jo", f"/u/{by}?q={by}").replace("user=jo", f"user={by}")
    assert parsed.fields["url.query"] == f"q={by}"
    assert parsed.fields["user_agent.original"] == "join/1"
    assert parsed.attributes == {"http.request.header.referer": f"https://x.example/?user={by}"}


def test_hashed_field_still_tells_users_apart() -> None:
    """The same value has the same hash in every event and in the body; another value another one; 64 bits in letters."""
    mask = fields(client_address="hash")
    parser = PARSERS["access"](Routes())

    first, again, other = (mask.mask_parsed(parser.parse(line)) for line in (LINE, LINE, LINE.replace("10.0.0.7", "10.0.0.8")))

    assert first.fields["client.address"] == again.fields["client.address"] != other.fields["client.address"]
    assert first.body.startswith(first.fields["client.address"] + " - jo")
    # hmac-sha256("k" * 32, "10.0.0.7"), by openssl: its first 16 digits, with a for 0 … p for f.
    assert first.fields["client.address"] == f"[hash:{EXPECTED}]"


# printf 10.0.0.7 | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk | sed 's/.*= //' | cut -c-16 | tr 0-9a-f a-p
EXPECTED = "fiagfepjekgconab"


def test_fields_of_json_go_by_path_and_glob() -> None:
    """Nested members go by their dotted path; what a dropped object held goes from the body; numbers can only be dropped."""
    mask = fields(customer_ssn="mask", **{"*secret*": "drop", "items_price": "drop", "code_line_number": "hash"})
    line = (
        '{"customer": {"ssn": "12-34", "n": 1}, "mySecretThing": {"a": "b\\"c"}, "items": [{"price": 5}, {"price": 6}], "code.lineno": 77}'
    )

    parsed = mask.mask_parsed(PARSERS["json"](Routes()).parse(line))

    assert parsed.attributes == {"customer.ssn": "[masked]", "customer.n": 1, "items": [{}, {}]}
    assert parsed.fields == {}
    assert not [secret for secret in ("12-34", 'b\\"c', "77", ": 5", ": 6") if secret in parsed.body]


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("source.ip", '{"source": {"ip": "10.9.8.7"}, "message": "from 10.9.8.7"}'), ("user_id", '{"user_id": "10.9.8.7", "message": "a"}'),
        ("user.id", '{"user_id": ["10.9.8.7"], "message": "a"}'), ("remote_user", '{"remote_user": "10.9.8.7", "message": "a"}'),
        ("msg", '{"msg": "10.9.8.7"}'), ("message", '{"msg": "a", "message": "10.9.8.7"}'), ("traceid", '{"traceId": "10.9.8.7"}'),
        ("http.url", '{"http.url": "/u/10.9.8.7?a=10.9.8.7", "message": "m"}'), ("source.*", '{"source": {"ip": "10.9.8.7"}}'),
        ("customer", '{"customer": {"name": "10.9.8.7"}}'), ("customer", '{"a": 1, "attributes": {"customer": {"x": ["10.9.8.7"]}}}'),
        ("resource.customer", '{"resource": {"attributes": {"customer": "10.9.8.7"}}}'),
    ],
)  # fmt: skip
def test_field_goes_by_the_name_that_the_log_has(rule: str, line: str) -> None:
    """A rule may say what the log says, or what the event does: the field goes from both, and all within it."""
    mask = Mask(Policy(fields={rule: "drop"}))

    parsed = mask.mask_parsed(PARSERS["json"](Routes()).parse(line))

    assert "10.9.8.7" not in orjson.dumps([parsed.body, parsed.fields, parsed.attributes]).decode()


@pytest.mark.parametrize(
    "line",
    [
        '{"customer": {"name": "j\\u00f6rg", "tags": ["vip", "Berlin"]}, "n": 1}',
        '{"customer":{"name":"jörg","tags":["vip","Berlin"]},"n":1}',
        '{ "customer" : { "name" : "j\\u00F6rg", "tags" : [ "vip","Berlin" ] } , "n" : 1 }',
        '{"message": "vip j\\u00f6rg of Berlin: {\\"name\\": \\"j\\\\u00f6rg\\"}",'
        ' "customer": {"name": "jörg", "tags": ["vip", "Berlin"]}, "n": 1}',
    ],
)  # fmt: skip
def test_field_goes_from_the_body_however_it_is_written(line: str) -> None:
    """JSON has many spellings of one text and one list: none of them stays in the body."""
    parsed = Mask(Policy(fields={"customer.*": "drop"})).mask_parsed(PARSERS["json"](Routes()).parse(line))

    sent = orjson.dumps([parsed.body, parsed.fields, parsed.attributes]).decode()
    assert not [secret for secret in ("rg", "vip", "Berlin") if secret in sent]
    assert parsed.attributes == {"n": 1}


def test_thousands_of_fields_that_go() -> None:
    """What went out of one event is looked for in the rest of it at a bounded price: where there is too much, no text is kept."""
    members = ",".join(f'"m{number}":"v{number} x"' for number in range(9000))
    line = f'{{"message":"about v7 x","customer":{{{members}}},"url.path":"/v7 x","status":200}}'
    began = time.process_time()

    parsed = Mask(Policy(fields={"customer.*": "mask"})).mask_parsed(PARSERS["json"](Routes()).parse(line))

    assert (parsed.body, parsed.fields, parsed.attributes) == ("[masked]", {"http.response.status_code": 200}, None)
    assert time.process_time() - began < 2


def test_dropped_text_leaves_no_empty_field() -> None:
    """What is dropped from a text that held nothing else takes the field along, save for the body, which every event has."""
    mask = Mask(Policy({"ip": "drop"}))

    masked = mask.mask_event(event(body="10.0.0.7", **{"client.address": "10.0.0.7"}))

    assert masked == event(body="")


def test_dead_letter_keeps_the_policy() -> None:
    """By pattern, also in bytes that are no text, in UTF-16, and at the edge where a text was cut; nothing when fields are named."""
    broken = b"\xff\x00 jo@example.com \xfe"

    assert PATTERNS.mask_bytes(broken.replace(b"\x00", b"")) == b"\xff [mail] \xfe"
    assert b"jo@" not in PATTERNS.mask_bytes(broken)
    assert b"j" not in PATTERNS.mask_bytes("jo@example.com".encode("utf-16"))
    assert PATTERNS.mask_bytes(b"\xff fine \x00") == b"\xff fine \x00"
    assert b"411111" not in PATTERNS.mask_bytes(b"x " * 500 + b"411111111111", cut=True)
    assert fields(user_id="hash").mask_bytes(b"anything") == b""


def test_hostile_nesting_is_bounded() -> None:
    """Deep objects become text, secrets in them gone; what no JSON can hold is malformed; neither exhausts the stack."""
    deep: Any = {"password": "hunter2"}
    for _ in range(200):
        deep = {"a": deep, "m": "jo@example.com"}
    bottomless: Any = []
    for _ in range(1000):
        bottomless = [bottomless]

    masked = orjson.dumps(PATTERNS.mask_event(event(attributes={"deep": deep})))

    assert b"hunter2" not in masked
    assert b"jo@" not in masked
    assert b"12-34" not in orjson.dumps(
        fields(ssn="mask", **{"*.ssn": "mask"}).mask_event(event(attributes={"x": deep_with("ssn", "12-34")}))
    )
    with pytest.raises(Malformed):
        PATTERNS.mask_event(event(attributes={"deep": bottomless}))


def deep_with(name: str, value: str) -> Any:
    found: Any = {name: value}
    for _ in range(100):
        found = [{"a": found}]
    return found


def test_counts_say_how_much_went() -> None:
    """Every place that was changed is in one count, by kind."""
    mask = Mask(Policy({"mail": "mask", "card": "hash"}, {"user.name": "drop"}, KEY))

    mask.mask_event(event(body="jo@example.com a@b.example 4111111111111111", **{"user.name": "Zed"}))

    assert mask.counts == {"mail": 2, "card": 1, "field": 1}


def test_nothing_to_do_is_off() -> None:
    """Without a policy, and with one that keeps everything, nobody pays."""
    assert not Mask.none().on
    assert not Mask(Policy({"mail": "keep"}, {"user.name": "keep"})).on


def test_key_shows_nowhere() -> None:
    """The key is in no representation of policy or mask."""
    policy = Policy({"mail": "hash"}, key=b"secret-key-" * 4)

    assert "secret-key" not in repr(policy) + str(policy) + repr(Mask(policy)) + repr(vars(Mask(policy)))
