"""A producer on files of the test's own, with the test's clock and a publisher in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from producers.account import Account
from producers.checkpoint import Checkpoint
from producers.inputs import Input
from producers.memory import MemoryPublisher
from producers.producer import Pace, Producer
from producers.sources.adoption import Adoption
from producers.sources.file_source import FileSource
from producers.sources.files import Files
from producers.translation import Translator

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z


class Workshop:
    """Builds producers one after the other, as starts of one process, over the same checkpoint file."""

    noon = NOON

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.said = folder, NOON, list[str]()
        self.publisher, self.memory = MemoryPublisher(), folder.with_name(folder.name + "-checkpoint.json")
        self.start()

    def start(self, *patterns: str, follow: bool = True, log_type: str = "access", **more: Any) -> Producer:
        """A producer that has just started; what the last one had not saved is forgotten."""
        self.account = Account()
        self.checkpoint = Checkpoint.load(self.memory, "memory")
        adoption = Adoption("web", "web-1", self.checkpoint.texts, self.clock)
        names = [str(self.folder / pattern) for pattern in patterns or ("access.log",)]
        self.files = Files(names, adoption, self.checkpoint, follow, self.clock, self.account, self.said.append)
        self.translator = Translator("web", "web-1", log_type, self.account, self.said.append)
        self.stop_after = 0
        source = FileSource(self.files, self.translator, self.checkpoint, self.clock)
        self.input = Input("web", "web", source, self.checkpoint, self.account, self.said.append)
        self.producer = Producer("web", [self.input], self.publisher, Pace(self.clock, self.sleep), lambda: self.stop_after <= 0, **more)
        return self.producer

    @staticmethod
    def line(second: int, path: str = "/", status: int = 200) -> str:
        """An access log line, `second` seconds after noon."""
        time = datetime.fromtimestamp(NOON / 1000 + second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        return f'10.0.0.7 - - [{time}] "GET {path} HTTP/1.1" {status} 512 "-" "curl/8.5" 0.012\n'

    def lines(self, first: int, last: int) -> str:
        return "".join(self.line(second) for second in range(first, last))

    def clock(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1000)
        self.stop_after -= int(seconds * 1000)

    def follow(self, seconds: float = 1.0) -> None:
        """Let the producer follow its files for that long, on the test's clock."""
        self.stop_after = int(seconds * 1000)
        self.producer.follow()

    def read_to_end(self, *patterns: str, **more: Any) -> list[dict[str, Any]]:
        """Start, read all there is, and give the events."""
        self.publisher.records.clear()
        self.start(*patterns, follow=False, **more)
        self.stop_after = 1
        assert self.producer.read_to_end()
        return self.events()

    def write(self, text: str, name: str = "access.log") -> None:
        with (self.folder / name).open("ab") as file:
            file.write(text.encode("utf-8", "surrogateescape"))

    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value) for record in self.publisher.records if record.topic != "logs.dlq"]

    def dead(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value) for record in self.publisher.records if record.topic == "logs.dlq"]

    def bodies(self) -> list[str]:
        return [event["body"] + "\n" for event in self.events()]

    def uids(self) -> list[str]:
        return [event["log.record.uid"] for event in self.events()]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)
