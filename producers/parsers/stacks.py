"""Stack traces of Python, Java, Go and Node within a record: what was raised, what it said, where."""

from __future__ import annotations

import re
from typing import Any

_PYTHON = "Traceback (most recent call last):"
_NAME = r"(?:[A-Za-z_$][\w$]{0,127}\.){0,20}[A-Za-z_$][\w$]{0,127}"
_RAISED = re.compile(rf"({_NAME})(?:: (.*))?", re.ASCII | re.DOTALL)
_JAVA = re.compile(rf'(?:Exception in thread "[^"]{{0,255}}" |Caused by: )?({_NAME})(?:: (.*))?', re.ASCII)
_JAVA_FRAME = re.compile(rf"\s+at (?:[\w.@-]{{1,128}}/{{1,2}})?({_NAME}(?:\.<\w+>)?)\(([^():]{{0,255}})(?::(\d{{1,9}}))?\)", re.ASCII)
_PYTHON_FRAME = re.compile(r'  File "([^"]{1,1024})", line (\d{1,9}), in (.{1,255})', re.ASCII)
_NODE = re.compile(rf"(?:Uncaught )?({_NAME})(?: \[[\w.]{{1,64}}\])?(?:: (.*))?", re.ASCII)
_NODE_FRAME = re.compile(
    r"    at (?:(?:async )?(.{1,255}?) \()?((?:node:|file:|/|[A-Za-z]:\\)[^()]{1,1024}?|<anonymous>):(\d{1,9}):\d{1,9}\)?", re.ASCII
)
_GO = re.compile(r"(panic|fatal error|runtime error): (.*)", re.ASCII)
_GO_FRAME = re.compile(r"\t(\S{1,1024}\.(?:go|s)):(\d{1,9})(?: \+0x[0-9a-f]{1,16})?", re.ASCII)
_GOROUTINE = re.compile(r"goroutine \d{1,19} \[.{1,64}\]:", re.ASCII)

# A line of its own that is the beginning of a crash, whatever log stands around it.
CRASH = re.compile(
    r'panic: |fatal error: |Exception in thread "|Uncaught |(?:/|file:|node:)\S{1,1024}:\d{1,9}$|Unhandled exception', re.ASCII
)


def exception(lines: list[str]) -> tuple[int, dict[str, Any]]:
    """Where in these lines of a record its trace begins (their number: there is none), and the fields that tell of it.

    >>> exception(["it failed", "Traceback (most recent call last):", '  File "a.py", line 3, in f', "ValueError: no"])[0]
    1
    """
    for place, line in enumerate(lines):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if line.startswith(_PYTHON):
            return place, _python(lines[place:])
        if _JAVA_FRAME.fullmatch(following) and (raised := _JAVA.fullmatch(line)):
            return place, _with(raised, lines[place:], _java_place(lines[place + 1 :]))
        if _NODE_FRAME.fullmatch(following) and (raised := _NODE.fullmatch(line)):
            return place, _with(raised, lines[place:], _node_place(following))
        if (raised := _GO.match(line)) and any(map(_GOROUTINE.match, lines[place : place + 20])):
            return place, _with(raised, lines[place:], _go_place(lines[place:]))
        if _GOROUTINE.match(line):
            return place, {"exception.stacktrace": "\n".join(lines[place:]), **_go_place(lines[place:])}
    return len(lines), {}


def _python(lines: list[str]) -> dict[str, Any]:
    """Of a chain the last one: it is what left the program."""
    place, raised = {}, None
    for line in lines:
        if frame := _PYTHON_FRAME.fullmatch(line):
            place = {"code.file.path": frame[1], "code.line.number": int(frame[2]), "code.function.name": frame[3]}
        elif line.startswith(_PYTHON):
            raised = None
        elif raised is None and line[:1] not in ("", " "):
            raised = _RAISED.fullmatch(line)
    return _with(raised, lines, place) if raised else {"exception.stacktrace": "\n".join(lines), **place}


def _with(raised: re.Match[str], lines: list[str], place: dict[str, Any]) -> dict[str, Any]:
    said = {"exception.message": raised[2]} if raised[2] else {}
    return {"exception.type": raised[1], **said, "exception.stacktrace": "\n".join(lines), **place}


def _java_place(frames: list[str]) -> dict[str, Any]:
    frame = _JAVA_FRAME.fullmatch(frames[0])
    if frame is None:
        return {}
    return {"code.function.name": frame[1], "code.file.path": frame[2], **({"code.line.number": int(frame[3])} if frame[3] else {})}


def _node_place(line: str) -> dict[str, Any]:
    frame = _NODE_FRAME.fullmatch(line)
    if frame is None:
        return {}
    return {**({"code.function.name": frame[1]} if frame[1] else {}), "code.file.path": frame[2], "code.line.number": int(frame[3])}


def _go_place(lines: list[str]) -> dict[str, Any]:
    """The first frame that is not the runtime's own."""
    frames = [(line, frame) for line, frame in zip(lines, map(_GO_FRAME.fullmatch, lines[1:]), strict=False) if frame]
    for function, frame in frames:
        if not function.startswith(("panic(", "runtime.")):
            return {"code.function.name": function.rpartition("(")[0], "code.file.path": frame[1], "code.line.number": int(frame[2])}
    return {}
