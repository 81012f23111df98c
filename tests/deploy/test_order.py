"""What stops before what, and which processes of ours belong to a stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.local.home import Home
from deploy.local.server import Server, service, stop_order
from deploy.local.servers import SERVERS
from deploy.local.supervisor import wanted_services


def named(name: str, *needs: str) -> Server:
    return Server(name=name, command=lambda home: [], needs=needs)


def test_every_server_stops_before_those_it_needs() -> None:
    """Whatever the order they are listed in."""
    servers = [named("a"), named("b", "a"), named("c", "b", "a")]

    assert [one.name for one in stop_order(servers)] == ["c", "b", "a"]
    assert [one.name for one in stop_order(servers[::-1])] == ["c", "b", "a"]


def test_a_circle_is_refused() -> None:
    """Nobody could stop it in order."""
    with pytest.raises(ValueError, match="circle: b, a"):
        stop_order([named("a", "b"), named("b", "a")])


def test_the_shipped_servers_stop_from_the_jobs_down_to_kafka() -> None:
    """TaskManager, JobManager, Cassandra, Kafka; and every need names a server of the table under its own name."""
    assert [one.name for one in stop_order(list(SERVERS.values()))] == ["taskmanager", "jobmanager", "cassandra", "kafka"]
    assert all(name == one.name and set(one.needs) <= SERVERS.keys() for name, one in SERVERS.items())


def test_services_are_the_built_in_and_those_of_the_folder(tmp_path: Path) -> None:
    """A file that is cut off, lists nothing, or takes a server's name starts nothing."""
    folder = tmp_path / "services"
    folder.mkdir()
    (folder / "produce-web.json").write_text(json.dumps({"name": "produce-web", "arguments": ["produce", "a.log"]}))
    (folder / "cut.json").write_text('{"arguments": ["pro')
    (folder / "empty.json").write_text("{}")
    (folder / "kafka.json").write_text(json.dumps({"arguments": ["produce"]}))

    found = wanted_services(Home(tmp_path))

    assert sorted(found) == ["alerts-deliver", "produce-web"]
    assert found["produce-web"].command(Home(tmp_path))[-4:] == ["--home", str(tmp_path), "produce", "a.log"]


def test_a_service_never_gives_up_and_a_server_does() -> None:
    """So users are told by `kind`; the store of history does not give up either, because nobody waits for it."""
    assert [(one.kind, one.gives_up) for one in (service("s", []), named("a"))] == [("service", False), ("server", True)]
    assert (SERVERS["cassandra"].kind, SERVERS["cassandra"].gives_up) == ("server", False)


def test_the_alert_path_needs_kafka_and_flink_only() -> None:
    """No service or job waits for another server, and none of these needs one that is not among them."""
    path = [one for one in SERVERS.values() if one.alert_path]

    assert [one.name for one in path] == ["kafka", "jobmanager", "taskmanager"]
    assert {need for one in path for need in one.needs} <= {one.name for one in path}
