"""Log files of containers: pieces joined, the program's own form read, the pod known from the path."""

from __future__ import annotations

import json
from typing import Any

import pytest

POD = "pods/shop_pay-7f_0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f/pay/0.log"
LINK = f"containers/pay-7f_shop_pay-{'ab' * 32}.log"
DOCKER = f"docker/{'cd' * 32}/{'cd' * 32}-json.log"


def cri(text: str, flag: str = "F", second: int = 0, stream: str = "stdout") -> str:
    return f"2026-11-21T12:00:{second:02d}.123456789Z {stream} {flag} {text}\n"


def docker(text: str, second: int = 0, stream: str = "stdout") -> str:
    return json.dumps({"log": text, "stream": stream, "time": f"2026-11-21T12:00:{second:02d}.123456789Z"}, separators=(",", ":")) + "\n"


def read(workshop: Any, name: str, text: str, log_type: str = "auto") -> list[dict[str, Any]]:
    (workshop.folder / name).parent.mkdir(parents=True, exist_ok=True)
    workshop.write(text, name)
    return workshop.read_to_end(name, log_type=log_type)


def test_pieces_are_joined(workshop: Any) -> None:
    """A line that the runtime cut into pieces is one event with the time of its first; the next one is its own."""
    text = cri("one ", "P") + cri("long ", "P", 1) + cri("line", "F", 2) + cri("two", "F", 3)

    events = read(workshop, POD, text)

    assert [event["body"] for event in events] == ["one long line", "two"]
    assert events[0]["timestamp"] == "2026-11-21T12:00:00.123Z"
    assert workshop.account.lines == 4


def test_docker_pieces_are_joined(workshop: Any) -> None:
    """The same of Docker's json-file, where a missing line break says that the line goes on."""
    events = read(workshop, DOCKER, docker("one ") + docker("line\n", 1) + docker("two\n", 2, "stderr"))

    assert [event["body"] for event in events] == ["one line", "two"]
    assert [event["attributes"]["log.iostream"] for event in events] == ["stdout", "stderr"]


def test_program_writes_several_forms(workshop: Any) -> None:
    """Within one container JSON, access log lines, Java with a stack trace and plain words are each what they are."""
    access = '10.0.0.7 - - [21/Nov/2026:12:00:05 +0000] "GET /pay HTTP/1.1" 503 7 "-" "curl/8" 0.01'
    java = [
        "2026-11-21 12:00:06,000 ERROR [main] c.s.Pay - no money",
        "java.lang.IllegalStateException: empty",
        "\tat c.s.Pay.take(Pay.java:7)",
    ]
    text = "".join(cri(line) for line in ('{"level":"warn","msg":"low"}', access, *java, "plain words"))

    events = read(workshop, POD, text)

    assert [event["log.type"] for event in events] == ["error", "http", "error", "error"]
    assert [event["severity_text"] for event in events] == ["WARN", "ERROR", "ERROR", "INFO"]
    assert (events[2]["exception.type"], events[2]["code.line.number"]) == ("java.lang.IllegalStateException", 7)
    assert events[3]["timestamp"] == "2026-11-21T12:00:00.123Z"


@pytest.mark.parametrize("path", [POD, LINK])
def test_pod_is_known_from_the_path(workshop: Any, path: str) -> None:
    """Namespace, pod and container stand in each event; the container is the service, unless the program says another."""
    events = read(workshop, path, cri("hello") + cri('{"message":"x","service":"pay-worker"}'))

    attributes = events[0]["attributes"]
    assert (attributes["k8s.namespace.name"], attributes["k8s.pod.name"], attributes["k8s.container.name"]) == ("shop", "pay-7f", "pay")
    assert [event["service.name"] for event in events] == ["pay", "pay-worker"]


def test_docker_name_is_read_beside_the_log(workshop: Any) -> None:
    """Docker keeps the container's name in config.v2.json: it is the service."""
    folder = (workshop.folder / DOCKER).parent
    folder.mkdir(parents=True)
    (folder / "config.v2.json").write_text('{"Name":"/shop-web-1"}')

    event = read(workshop, DOCKER, docker("hello\n"))[0]

    assert (event["service.name"], event["attributes"]["container.name"]) == ("shop-web-1", "shop-web-1")


def test_other_files_are_nobody_s_container(workshop: Any) -> None:
    """A path that only resembles one says nothing, and a line outside any envelope is a dead letter where the form was asked for."""
    events = read(workshop, "pods/0.log", "no envelope\n" + cri("hello"), log_type="cri")

    assert "k8s.pod.name" not in events[0]["attributes"]
    assert [letter["reason"] for letter in workshop.dead()] == ["not a line of a container runtime"]


def test_restart_between_pieces(workshop: Any) -> None:
    """A producer that ended before the last piece came gives, after its restart, the same event with the same uid."""
    first, last = cri("one ", "P"), cri("line") + cri("two")
    whole = read(workshop, POD, first + last)
    (workshop.folder / POD).unlink()
    workshop.memory.unlink()
    workshop.publisher.records.clear()

    workshop.write(first, POD)
    workshop.start(POD, log_type="auto")
    workshop.follow(seconds=0.3)
    workshop.write(last, POD)
    workshop.start(POD, log_type="auto")
    workshop.follow(seconds=2)

    again = [(event["log.record.uid"], event["body"]) for event in workshop.events()]
    assert again == [(event["log.record.uid"], event["body"]) for event in whole]


@pytest.mark.parametrize(("name", "line"), [(POD, cri), (DOCKER, docker)])
def test_two_streams_are_never_joined(workshop: Any, name: str, line: Any) -> None:
    """What the program says on stderr while a line of stdout is still cut in pieces is an event of its own, and nothing is lost."""
    half = cri("abc", "P") if line is cri else docker("abc")
    rest = cri("def", second=2) if line is cri else docker("def\n", 2)
    boom = cri("  boom", second=1, stream="stderr") if line is cri else docker("  boom\n", 1, "stderr")

    events = read(workshop, name, half + boom + rest)

    assert [(event["body"], event["attributes"]["log.iostream"]) for event in events] == [
        ("abc", "stdout"), ("  boom", "stderr"), ("def", "stdout"),
    ]  # fmt: skip
