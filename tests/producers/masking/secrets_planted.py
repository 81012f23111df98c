"""Secrets of every kind, planted in lines of every form, and where to look for them afterwards: for the leak tests."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import orjson

# Kind → what is planted, and how a line says it. Each is found nowhere else: none is part of another.
SECRETS: dict[str, tuple[str, str]] = {
    "mail": ("planted.person@secret-mail.example", "{}"),
    "card": ("4929304125876546", "{}"),
    "grouped card": ("5425 2334 3010 9903", "{}"),
    "phone": ("+4915112345678", "{}"),
    "password": ("pLanted-pw-77x", "password={}"),
    "api key": ("planted0key0value0", "api_key={}"),
    "bearer": ("pLantedBearer0123456789abcdef", "Authorization: Bearer {}"),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZC1zaWduYXR1cmU", "{}"),
    "github": ("ghp_pLanted0pLanted0pLanted0pLanted012", "{}"),
    "in a url": ("pLantedUrlPw", "postgres://app:{}@db/x"),
}
_ACCESS = '198.18.0.7 - - [21/Nov/2026:12:00:00 +0000] "GET {path} HTTP/1.1" 200 5 "{referer}" "{agent}" 0.012'
_SPRING = "2026-11-21T12:00:00.123Z ERROR 1 --- [shop] [nio-8080-exec-1] com.example.shop.Pay : failed {0}\n"
_STACK = (
    "\njava.lang.IllegalStateException: no {0}\n\tat com.example.Pay.call(Pay.java:84)\n"
    "Caused by: java.io.IOException: {0}\n\t... 41 more\n"
)


def files(folder: Path, at: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)) -> dict[str, Path]:
    """Logs by form, with lines of this time: every secret in each place where a line of the form can hold one.

    Behind them lines that are none: broken bytes, UTF-16, and lines too long, with secrets at their beginning and end.
    """
    said = [how.format(secret) for secret, how in SECRETS.values()]
    texts = {
        "access": [line for text in said for line in _access(text)],
        "json": [line for text in said for line in _json(text)] + _named(),
        "java": [(_SPRING + _STACK).format(text).rstrip("\n") for text in said],
        "syslog": [f"<38>Nov 21 12:00:00 web-1 app[7]: {text}" for text in said],
        "logfmt": [f'time=2026-11-21T12:00:00Z level=info msg="got {text}" other="{text}"' for text in said],
        "plain": said,
    }
    places = {}
    for form, lines in texts.items():
        places[form] = folder / f"{form}.log"
        garbage = b"".join(b"\xff\xfe broken \x00 " + text.encode() + b" \xc3\n" for text in said)
        wide = b"".join(text.encode("utf-16-le") + b"\n" for text in said)
        endless = b"x" * 300_000 + " ".join(said).encode() + b"\n"
        early = " ".join(said).encode() + b" " + b"y" * 300_000 + b"\n"
        text = "\n".join(_at(line, at) for line in lines)
        places[form].write_bytes(text.encode() + b"\n" + garbage + wide + endless + early)
    return places


def _at(line: str, at: datetime) -> str:
    line = line.replace("21/Nov/2026:12:00:00", at.strftime("%d/%b/%Y:%H:%M:%S"))
    return line.replace("2026-11-21T12:00:00", at.strftime("%Y-%m-%dT%H:%M:%S")).replace("Nov 21 12:00:00", at.strftime("%b %d %H:%M:%S"))


def _access(text: str) -> list[str]:
    plain = {"path": "/", "referer": "-", "agent": "curl/8"}
    encoded, bare = quote(text, safe="=:"), text.replace(" ", "+")
    changes = [
        {"path": f"/u?x=1&{encoded}&y=2"}, {"path": f"/u/{bare}/z"}, {"referer": f"https://x.example/?{encoded}"},
        {"agent": f"agent {text}"},
    ]  # fmt: skip
    return [_ACCESS.format(**plain | change) for change in changes]


def _json(text: str) -> list[str]:
    entries = [
        {"message": f"got {text}, twice: {text}"}, {"message": "m", "exception.type": "E", "exception.stacktrace": f"E: {text}\n\tat x"},
        {"message": "m", "deep": {"list": [{"of": [text]}]}}, {"message": "m", f"name {text}": 1}, {"no": {"message": {"here": text}}},
        {"message": "m", "log.record.original": text, "user.name": text}, {"message": orjson.dumps({"inner": text}).decode()},
        {"message": "m", "session.id": f"s {text}"}, {"message": "m", "service.name": f"svc {text}"},
        {"message": "m", "user_agent.original": text},
    ]  # fmt: skip
    return [orjson.dumps(entry).decode() for entry in entries]


def _named() -> list[str]:
    """Values that only their name gives away, and a card that is a number."""
    secret, card = SECRETS["password"][0], int(SECRETS["card"][0])
    return [orjson.dumps({"message": "m", "login": {"userPassword": secret}, "list": [{"token": secret}], "pan": card}).decode()]


def leaks(where: str, data: bytes) -> list[str]:
    """The secrets that stand in these bytes: as they are, as a URL, JSON or base64 has them, with NULs between."""
    bare = data.replace(b"\0", b"")
    found = []
    for kind, (secret, _) in SECRETS.items():
        forms = {secret, quote(secret), quote(secret, safe=""), secret.replace(" ", "+"), secret.replace(" ", "")}
        forms |= {base64.b64encode(secret.encode()).decode().rstrip("=")}
        found += [f"{kind} in {where}" for form in forms if form.encode() in bare]
    return found


def of_record(topic: str, value: bytes, key: str | None) -> list[str]:
    """The leaks of a record: of its key, its value, and the bytes that a dead letter carries."""
    data = base64.b64decode(orjson.loads(value)["data"]) if topic.endswith("logs.dlq") else b""
    return leaks(f"{topic} {value[:80]!r}", value) + leaks(f"the key on {topic}", (key or "").encode()) + leaks(f"bytes on {topic}", data)


def below(folder: Path, besides: Iterable[Path]) -> list[str]:
    """The leaks of all files below a folder, save for those that were planted."""
    ours = set(besides)
    return [leak for path in folder.rglob("*") if path.is_file() and path not in ours for leak in leaks(str(path), path.read_bytes())]
