"""The alert sink as a process, on a real Kafka, with a real webhook and a real mail server: killed at will, it misses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from confluent_kafka import Producer

from alerting.message import Notification
from alerting.notification_log import Record
from logverse import instant, topics
from logverse.alert import Alert
from logverse.dead_letter import DeadLetter
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topic_reader import read_to_end
from tests.alerting.stand_ins import HttpServer, MailServer, alert, free_port
from tests.stack.conftest import Stack, wait_until

pytestmark = pytest.mark.stack


@dataclass
class World:
    """A set of topics of its own, the far sides, and the sink between them."""

    stack: Stack
    settings: Settings
    folder: Path
    http: HttpServer
    mail: MailServer
    running: list[subprocess.Popen[bytes]]

    def configure(self) -> None:
        mail = {"to": "ops@example.org", "from": "log@example.org", "smarthost": self.mail.smarthost, "require_tls": False}
        receiver = {"name": "ops", "webhook_configs": [{"url": self.http.url}], "email_configs": [mail | {"send_resolved": True}]}
        (self.folder / "alerting.yaml").write_bytes(orjson.dumps({"route": {"receiver": "ops"}, "receivers": [receiver]}))

    @property
    def prefix(self) -> list[str]:
        return ["--bootstrap-servers", self.settings.bootstrap_servers, "--topic-prefix", self.settings.topic_prefix]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`logverse alerts deliver`, its output in a file."""
        command = [sys.executable, "-m", "logverse.cli.main", "--home", str(self.folder), *self.prefix, "alerts", "deliver", *arguments]
        with (self.folder / "deliver.log").open("ab") as log:
            sink = subprocess.Popen(command, stdout=log, stderr=log)
        self.running.append(sink)
        return sink

    def log(self) -> str:
        return (self.folder / "deliver.log").read_text()

    def happens(self, *alerts: Alert) -> None:
        self.produce(*(("alerts", each.fingerprint, each.to_json()) for each in alerts))
        self.produce(*(("alerts.state", each.fingerprint, each.to_json()) for each in alerts))

    def produce(self, *records: tuple[str, str, bytes]) -> None:
        producer = Producer(client_config(self.settings))
        for topic, key, value in records:
            producer.produce(topics.named(topic, self.settings.topic_prefix), value, key)
        assert producer.flush(30) == 0

    def read(self, topic: str) -> list[bytes]:
        return [message.value() or b"" for message in read_to_end(self.settings, topics.named(topic, self.settings.topic_prefix))]

    def records(self) -> list[Record]:
        return [Record.from_json(value) for value in self.read("notifications")]

    def keys_on(self, channel: str) -> list[str]:
        """Idempotency keys that this far side received, in order."""
        if channel == "webhook":
            return self.http.keys
        return [mail["Message-ID"].strip("<>").partition("@")[0] for mail in self.mail.mails]


@pytest.fixture
def world(stack: Stack, tmp_path: Path) -> Iterator[World]:
    settings = replace(stack.settings, topic_prefix=f"sink-{os.getpid()}-{instant.now()}")
    running: list[subprocess.Popen[bytes]] = []
    with ExitStack() as far_sides:
        http, mail = far_sides.enter_context(HttpServer().serving()), far_sides.enter_context(MailServer().serving())
        made = World(stack, settings, tmp_path, http, mail, running)
        made.configure()
        stack.logverse("--topic-prefix", settings.topic_prefix, "topics", "create")
        yield made
        http.hold.set()
        for sink in running:
            sink.kill()
            sink.wait()


def now(service: str = "web", **more: Any) -> Alert:
    """An alert that has just fired."""
    return alert(service=service, since=instant.now() - 60_000, **more)


def resolved(firing: Alert) -> Alert:
    return replace(firing, status="resolved", at=firing.at + 5000, ends_at=firing.at + 5000)


def test_firing_and_resolved_reach_everybody_once(world: World) -> None:
    """An alert and its end go to webhook and mail, once, despite replays; garbage is kept aside with its place."""
    firing = now()
    sink = world.start()

    world.happens(firing, firing, replace(firing, status="recovering", at=firing.at + 1), resolved(firing), resolved(firing))
    world.produce(("alerts", "x", b"no alert"))
    wait_until(lambda: len(world.http.requests) >= 2 and len(world.mail.mails) >= 2, f"both to be told:\n{world.log()}")
    wait_until(lambda: world.read("logs.dlq"), "the garbage kept aside")
    sink.send_signal(signal.SIGTERM)

    assert sink.wait(60) == 0
    assert [request.body["status"] for request in world.http.requests] == ["firing", "resolved"]
    assert world.mail.mails[1]["In-Reply-To"] == world.mail.mails[0]["Message-ID"]
    letter = DeadLetter.from_json(world.read("logs.dlq")[0])
    assert letter.data == b"no alert" and letter.origin["topic"].endswith(".alerts")
    assert sorted((record.channel.partition("/")[0], record.alert_status, record.status) for record in world.records()) == [
        ("email", "firing", "delivered"), ("email", "resolved", "delivered"),
        ("webhook", "firing", "delivered"), ("webhook", "resolved", "delivered"),
    ]  # fmt: skip


def test_killed_in_the_middle_of_a_delivery(world: World) -> None:
    """kill -9 while the webhook hangs and its neighbours wait: after the restart all are told, and one key was seen twice at most."""
    alerts = [now(service=f"s{number}", rule=f"r{number}") for number in range(20)]  # of one rule they would share a message
    sink = world.start()
    world.happens(*alerts[:10])
    wait_until(lambda: len(world.http.requests) >= 10, f"a quiet beginning:\n{world.log()}")
    world.http.hold.clear()
    world.happens(*alerts[10:])
    wait_until(lambda: len(world.http.requests) >= 11, "a delivery in flight")

    sink.kill()
    sink.wait()
    world.http.hold.set()
    second = world.start()
    wait_until(lambda: all(len(set(world.keys_on(channel))) == 20 for channel in ("webhook", "email")), f"all to be told:\n{world.log()}")
    wait_until(lambda: len([record for record in world.records() if record.status == "delivered"]) >= 40, "all to be recorded")
    second.send_signal(signal.SIGTERM)

    assert second.wait(60) == 0
    for channel in ("webhook", "email"):
        keys = world.keys_on(channel)
        assert len(keys) - len(set(keys)) <= 1
    expected = {Notification(each, "ops", name).key for each in alerts for name in {record.channel for record in world.records()}}
    assert set(world.keys_on("webhook")) | set(world.keys_on("email")) == expected


def test_two_sinks_share_the_work_and_one_takes_over(world: World) -> None:
    """A second sink takes half of the partitions; when the first is killed it goes on alone, and nobody is told twice or not at all."""
    alerts = [now(service=f"s{number}", rule=f"r{number}") for number in range(30)]  # of one rule they would share a message
    first = world.start()
    world.happens(*alerts[:10])
    wait_until(lambda: len(world.http.requests) == 10, f"the first to serve:\n{world.log()}")
    world.start()
    wait_until(lambda: world.log().count("serves") >= 3, f"the partitions to be shared:\n{world.log()}")
    world.happens(*alerts[10:20])
    wait_until(lambda: len(set(world.http.keys)) == 20, "both to serve")

    first.kill()
    world.happens(*alerts[20:])

    wait_until(lambda: all(len(set(world.keys_on(channel))) == 30 for channel in ("webhook", "email")), f"all to be told:\n{world.log()}")
    assert len(world.http.keys) - 30 <= 1


def test_a_channel_that_hangs_delays_no_other(world: World) -> None:
    """While the webhook does not answer, mail goes out; when it answers 503 it is asked again."""
    world.http.hold.clear()
    world.http.answers.append((503, {}, b""))
    world.start()

    world.happens(now("a"), now("b"), now("c"))
    wait_until(lambda: len(world.mail.mails) == 3, f"three mails:\n{world.log()}")
    before = len(world.http.requests)
    world.http.hold.set()

    assert before == 1
    wait_until(lambda: len(set(world.http.keys)) == 3 and len(world.http.keys) == 4, "the webhook to have all, one of them asked twice")


def test_once_delivers_what_is_there_and_ends(world: World) -> None:
    """--once ends with 0 when all is delivered, with 1 when something is left, which the next run delivers."""
    world.happens(now())
    world.http.answers.append((503, {}, b""))

    codes = [world.start("--once").wait(90), world.start("--once").wait(90)]

    assert codes == [1, 0], world.log()
    assert (len(world.http.keys), len(set(world.http.keys)), len(world.mail.mails)) == (2, 1, 1)


def test_what_is_long_gone_is_recorded_and_pages_nobody(world: World) -> None:
    """After an outage of hours: what is over is recorded, what still fires is told."""
    hours_ago = instant.now() - 3 * 3_600_000
    gone, still = alert(service="gone", since=hours_ago), alert(service="still", since=hours_ago)
    world.happens(gone, still, resolved(gone))

    assert world.start("--once").wait(90) == 0

    assert [request.body["commonLabels"]["service_name"] for request in world.http.requests] == ["still"]
    assert sorted({(record.alert_status, record.status) for record in world.records() if record.fingerprint == gone.fingerprint}) == [
        ("firing", "expired"),
        ("resolved", "superseded"),
    ]


def test_list_show_and_metrics_tell_what_happened(world: World) -> None:
    """What was refused is loud: in the list, in the alert itself and in the metrics."""
    firing, port = now(), free_port()
    world.http.answers.append((404, {}, b"no such hook"))
    world.start("--metrics-port", str(port))
    world.happens(firing)
    wait_until(lambda: len(world.records()) == 2, f"both settled:\n{world.log()}")

    listed = world.stack.logverse(*world.prefix, "alerts", "list", "-o", "json")
    shown = world.stack.logverse(*world.prefix, "alerts", "show", firing.id[:8]).stdout
    metrics = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text

    assert orjson.loads(listed.stdout)[0]["delivered"].startswith("NOT delivered: webhook/127.0.0.1:")
    assert "answered 404: no such hook" in shown
    assert 'outcome="refused"} 1.0' in metrics and 'outcome="delivered"} 1.0' in metrics
    assert "s3cret" not in shown + metrics + world.log()
