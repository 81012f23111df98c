"""What a stack has only when it was asked for: `logverse up --with hdfs`."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from deploy.local import jars, ports, stack, state
from deploy.local.home import Home, write_json
from deploy.local.servers import EXTRAS, KNOWN, SERVERS, choose, extras
from deploy.local.servers.hdfs import DATANODE, NAMENODE, settings
from deploy.local.state import ProcessState, StackState
from logverse.errors import Refused, WrongSettings
from logverse.settings import load


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.make()
    return made


def test_what_was_asked_for_lasts_until_it_is_not_wanted(home: Home) -> None:
    """Nothing at first; more is added to what was chosen before; --without takes it away."""
    assert extras(home) == {}

    choose(home, ["hdfs"])
    choose(home, [])

    assert list(extras(home)) == ["namenode", "datanode"]
    choose(home, [], ["hdfs"])
    assert extras(home) == {}
    with pytest.raises(WrongSettings, match="hdfs"):
        choose(home, ["hfds"])


def test_a_stack_that_is_up_is_not_changed(home: Home) -> None:
    """It says how to; what runs already may be asked for again."""
    state.write(home, StackState(processes=(ProcessState("kafka", "server"), ProcessState("namenode", "server"))))

    stack._must_have(home, ["hdfs"], [])

    with pytest.raises(Refused, match="logverse up --without hdfs"):
        stack._must_have(home, [], ["hdfs"])
    state.write(home, StackState(processes=(ProcessState("kafka", "server"),)))
    with pytest.raises(Refused, match="logverse up --with hdfs"):
        stack._must_have(home, ["hdfs"], [])


def test_no_alert_waits_for_an_extra(home: Home) -> None:
    """None is on the alert path, each is tried for ever, and what each needs is there with it."""
    for servers in EXTRAS.values():
        assert not any(one.alert_path or one.gives_up for one in servers)
        assert {need for one in servers for need in one.needs} <= {*SERVERS, *(one.name for one in servers)}
    assert all(name == one.name for name, one in KNOWN.items())


def test_hdfs_listens_on_loopback_and_lies_in_the_home(home: Home) -> None:
    """Every address is loopback with a port that was kept, every folder the home's; blocks are on the disk when a file is closed."""
    ports.settle(home, [*NAMENODE.ports, *DATANODE.ports])

    found = settings(home)

    addresses = {name: value for name, value in found.items() if name.endswith("address")}
    assert {value.split(":")[0] for value in addresses.values()} == {"127.0.0.1"}
    assert {int(value.split(":")[1]) for value in addresses.values()} == {home.port(name) for name in (*NAMENODE.ports, *DATANODE.ports)}
    assert all(value.startswith((home / "data" / "hdfs").as_uri()) for name, value in found.items() if name.endswith(".dir"))
    assert found["dfs.datanode.synconclose"] == "true"


def test_configuration_is_what_hadoop_reads(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """XML of names and values, and the folders without which its web servers do not start; formatted once."""
    formatted: list[Home] = []
    monkeypatch.setattr("deploy.local.servers.hdfs._format", formatted.append)
    ports.settle(home, [*NAMENODE.ports, *DATANODE.ports])

    NAMENODE.prepare(home)

    root = ElementTree.parse(home / "conf" / "hdfs" / "hdfs-site.xml").getroot()
    assert {one.findtext("name"): one.findtext("value") for one in root} == settings(home)
    assert (home / "conf" / "hdfs" / "webapps" / "datanode").is_dir()
    assert formatted == [home]
    assert any(jar.coordinate == "org.apache.hadoop:hadoop-hdfs:3.5.0" for jar in jars.locked("hadoop"))


def test_the_embedded_hdfs_is_the_target_while_nothing_else_is_set(home: Home) -> None:
    """A setting of the user's goes over it."""
    write_json(home / "endpoints.json", {"kafka": "127.0.0.1:1", "namenode": "127.0.0.1:2"})

    assert load({"home": str(home.path)}, {}).backup_target == "hdfs://127.0.0.1:2/logverse"
    assert load({"home": str(home.path)}, {"LOGVERSE_BACKUP_TARGET": "/mnt/x"}).backup_target == "/mnt/x"
