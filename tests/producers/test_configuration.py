"""producers.yaml: what it gives, what it says of mistakes, what takes effect while the producer runs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from logverse import settings
from logverse.errors import WrongSettings
from logverse.instant import now
from producers import configuration, status
from producers.account import Account, Totals
from producers.assembly import Running, Workplace, begin, reserve
from producers.memory import MemoryPublisher
from producers.order import Limits, Order
from producers.producer import Pace, Producer
from producers.reload import Reload
from producers.run import Bell
from producers.status import Status

from .station import wait_until
from .test_syslog import LINE

WHOLE = """
inputs:
  web:
    read: [logs/access.log, 'logs/*.gz']
    type: access
  hosts:
    read: syslog+tls://0.0.0.0:6514
    service: machines
    from: [10.0.0.0/8, 192.168.7.4]
    tls: {certificate: server.pem, key: server.key}
  orders:
    read: kafka://orders
    shape: vector
    fields: {when: timestamp}
limits: {bytes_in_flight: 8MiB, connections: 64}
metrics_port: 9108
poll: 500ms
"""


def given(folder: Path, text: str) -> Order:
    path = folder / "producers.yaml"
    path.write_text(text)
    return configuration.read(path, folder / "home", status.place(folder / "home", "producers"))


def test_what_a_file_gives(tmp_path: Path) -> None:
    """Files are named from where the YAML file is, an input's name is its service unless it says another, sizes have units."""
    order = given(tmp_path, WHOLE)

    web, hosts, orders = order.inputs
    assert web.addresses == (str(tmp_path / "logs/access.log"), str(tmp_path / "logs/*.gz"))
    assert (web.service, web.log_type, web.checkpoint) == ("web", "access", tmp_path / "home/producers/web.json")
    assert (hosts.service, hosts.senders) == ("machines", ("10.0.0.0/8", "192.168.7.4/32"))
    assert hosts.tls is not None and hosts.tls.key == tmp_path / "server.key"
    assert (orders.shape, orders.field_map) == ("vector", (("when", "timestamp"),))
    assert (order.limits, order.poll_s, order.metrics_port) == (Limits(bytes_in_flight=8 * 1024**2, connections=64), 0.5, 9108)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 0, "has no inputs"),
        ("inputs: [a]", 1, "mapping"),
        ("inputs:\n  web:\n    raed: a.log", 3, "did you mean read?"),
        ("inputs:\n  web: {type: access}", 2, "reads nothing"),
        ("inputs:\n  web: {read: a.log, type: acess}", 2, "access"),
        ("inputs:\n  web: {read: a.log}\n  web: {read: b.log}", 3, "twice"),
        ("inputs:\n  ../web: {read: a.log}", 2, "no name of an input"),
        ("inputs:\n  web: {read: 'syslog://nowhere:1'}", 0, "syslog://nowhere:1"),
        ("inputs:\n  web: {read: 'kafka://t', shape: ecss}", 0, "did you mean ecs?"),
        ("inputs:\n  web: {read: 'syslog://:1', from: [everywhere]}", 2, "10.0.0.0/8"),
        ("inputs:\n  web: {read: a.log}\nlimits: {bytes_in_flight: 5}", 3, "24MiB"),
        ("inputs:\n  web: {read: a.log}\nmetrics_port: 70000", 3, "65535"),
        ("inputs: {web", 0, "not YAML"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    """Every mistake names the file, its line, and what to write instead."""
    with pytest.raises(WrongSettings) as caught:
        given(tmp_path, text)

    assert what in str(caught.value)
    assert caught.value.remedy
    assert caught.value.where.startswith(f"{tmp_path}/producers.yaml:{line}" if line else "")


class Plant:
    """A producer of a producers.yaml, in a thread, with a publisher in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said, self.publisher = folder, list[str](), MemoryPublisher()
        self.running = list[Running]()
        self._stopping = threading.Event()

    def start(self, text: str) -> None:
        order, bell = given(self.folder, text), Bell()
        self.order = order
        place = Workplace(settings.load({"home": str(self.folder)}, {}), "memory", order.limits, True, now, bell.ring)
        self.running += [begin(one, place, self.said.append, reserve(one)) for one in order.inputs]
        inputs = [one.input for one in self.running]
        self._producer = Producer(
            "plant", inputs, self.publisher, Pace(now, bell.sleep, 0.02), self._stopping.is_set, self._tick, self._turn
        )
        self._reload = Reload(order, place, self.running, inputs, lambda name: lambda text: self.said.append(f"{name}: {text}"))
        self._status = Status(order, now)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        (self.folder / "producers.yaml").write_text(text)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(20)
        for one in self.running:
            one.close()

    def bodies(self) -> list[str]:
        return [orjson.loads(record.value)["body"] for record in list(self.publisher.records)]

    def names(self) -> list[str]:
        return sorted(one.order.name for one in self.running)

    def _turn(self) -> None:
        self._reload.turn()

    def _tick(self) -> None:
        self._status.show(self.running, [one.measured() for one in self.running], {"kafka_up": 1})

    def _follow(self) -> None:
        self._producer.follow()
        self._producer.drain()


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    monkeypatch.setattr("producers.reload.LOOK_MS", 20)
    monkeypatch.setattr("producers.reload.RETRY_MS", 100)
    (tmp_path / "home").mkdir()
    plant = Plant(tmp_path)
    yield plant
    plant.stop()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_inputs_come_and_go_while_others_go_on(plant: Plant) -> None:
    """An input that is added is read, one that is taken out is let go, one that is changed begins anew; the others notice nothing."""
    port = free_port()
    one, net = "  one: {read: one.log, type: plain}\n", f"  net: {{read: 'syslog+tcp://127.0.0.1:{port}'}}\n"
    (plant.folder / "one.log").write_text("first\n")
    plant.start("inputs:\n" + net + one)
    wait_until(lambda: plant.bodies() == ["first"], "the file's line")
    with socket.create_connection(("127.0.0.1", port)) as sender:
        (plant.folder / "two.log").write_text("second\n")
        plant.write("inputs:\n" + net + one + "  two: {read: two.log, type: plain}\n")
        wait_until(lambda: "second" in plant.bodies(), "the new input's line")
        plant.write("inputs:\n" + net + "  two: {read: two.log, type: plain, service: other}\n")
        wait_until(lambda: plant.names() == ["net", "two"] and any("changed" in said for said in plant.said), "the change")

        sender.sendall(LINE + b"still here\n")
        wait_until(lambda: "still here" in plant.bodies(), "the message on the old connection")

    with (plant.folder / "one.log").open("a") as file:
        file.write("unread\n")
    with (plant.folder / "two.log").open("a") as file:
        file.write("third\n")
    wait_until(lambda: "third" in plant.bodies(), "the changed input's line")
    assert "unread" not in plant.bodies()
    assert [orjson.loads(record.value)["service.name"] for record in plant.publisher.records][-1] == "other"


def test_file_with_a_mistake_changes_nothing(plant: Plant) -> None:
    """While the file is wrong, its mistake is said, once, and all goes on as before; mended, it takes effect."""
    (plant.folder / "one.log").write_text("first\n")
    plant.start("inputs:\n  one: {read: one.log, type: plain}\n")
    wait_until(lambda: plant.bodies() == ["first"], "the line")

    plant.write("inputs:\n  one: {raed: one.log}\n")
    wait_until(lambda: any("nothing was changed" in said for said in plant.said), "the complaint")
    with (plant.folder / "one.log").open("a") as file:
        file.write("second\n")
    wait_until(lambda: plant.bodies() == ["first", "second"], "the next line")
    plant.write("inputs: {}\n")

    wait_until(lambda: plant.names() == [], "the end of the input")
    assert sum("nothing was changed" in said for said in plant.said) == 1


def test_the_only_listener_may_change(plant: Plant) -> None:
    """A producer whose only input is a listener goes on when that is changed: it begins anew, and the producer does not end meanwhile."""
    port = free_port()
    plant.start(f"inputs:\n  net: {{read: 'syslog+udp://127.0.0.1:{port}'}}\n")
    wait_until(lambda: plant.names() == ["net"], "the input")

    plant.write(f"inputs:\n  net: {{read: 'syslog+udp://127.0.0.1:{port}', service: other}}\n")
    wait_until(lambda: any("changed" in said for said in plant.said) and plant.names() == ["net"], "the changed input")

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        wait_until(lambda: bool(sender.sendto(LINE + b"hello", ("127.0.0.1", port))) and "other" in services(plant), "the message")
    assert plant.names() == ["net"]


def services(plant: Plant) -> set[str]:
    return {orjson.loads(record.value)["service.name"] for record in list(plant.publisher.records)}


def test_input_that_cannot_begin_is_tried_again(plant: Plant) -> None:
    """A new input whose port is taken is named, holds up nobody, and begins when the port is free."""
    plant.start("inputs: {}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        plant.write(f"inputs:\n  net: {{read: 'syslog+tcp://127.0.0.1:{taken.getsockname()[1]}'}}\n")
        wait_until(lambda: any("cannot listen there" in said for said in plant.said), "the complaint")

    wait_until(lambda: plant.names() == ["net"], "the input")


def test_status_is_left_on_disk(plant: Plant) -> None:
    """Who looks finds every input with its counts, running while it runs, killed when it said no goodbye, ended when it did."""
    (plant.folder / "one.log").write_text("first\n\xff\n", encoding="latin-1")
    plant.start("inputs:\n  one: {read: one.log, type: plain}\n")
    folder = plant.order.status.parent
    wait_until(lambda: any(one["inputs"][0]["lines"] == 2 for one in status.all_of(folder)), "the status")

    running = list(status.all_of(folder))
    plant.stop()
    killed = list(status.all_of(folder))
    plant._status.ended(plant.running, [one.measured() for one in plant.running], {"kafka_up": 1})

    assert [(one["name"], one["state"], one["inputs"][0]["input"]) for one in running] == [("producers", "running", "one")]
    assert [one["state"] for one in killed] == ["killed"]
    assert [one["state"] for one in status.all_of(folder)] == ["ended"]


def test_totals_follow_the_inputs() -> None:
    """Progress shows the sums over the inputs of the moment."""
    accounts = [Account(lines=3), Account(lines=4)]
    accounts[1].lost["full"] = 2
    totals = Totals(lambda: accounts)

    before: Any = (totals.lines, totals.lost, totals.dead)
    accounts.pop(0)

    assert before == (7, 2, 0)
    assert totals.lines == 4
