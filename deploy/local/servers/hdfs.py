"""HDFS, a NameNode and one DataNode: a place for archives on this machine (`logverse up --with hdfs`)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from xml.sax.saxutils import escape

import requests

from deploy.local import jars
from deploy.local.home import Home
from deploy.local.java import java_home
from deploy.local.server import Server
from logverse.errors import Refused, TryAgain

HEAP = "256m"
PROBE_S = 1.0  # the supervisor waits so long, and looks after nobody else meanwhile
WEB_APPLICATIONS = ("hdfs", "datanode", "static", "secondary")  # the jars have none, and without the folders nothing starts
NAMENODE_CLASS = "org.apache.hadoop.hdfs.server.namenode.NameNode"
DATANODE_CLASS = "org.apache.hadoop.hdfs.server.datanode.DataNode"

# To standard output: the supervisor puts it into logs/namenode.log and keeps that small.
LOGGING = """\
log4j.rootLogger=INFO,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %-5p %c{1}: %m%n
log4j.logger.org.apache.hadoop.hdfs.StateChange=WARN
log4j.logger.org.apache.hadoop.hdfs.server.datanode.DataNode.clienttrace=WARN
log4j.logger.org.apache.hadoop.hdfs.server.namenode.FSNamesystem.audit=WARN
log4j.logger.http.requests=WARN
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
log4j.logger.org.apache.hadoop.metrics2=WARN
"""


def prepare(home: Home) -> None:
    """Write the configuration for the ports of today, for both servers, and format the NameNode's folder the first time."""
    conf = home / "conf" / "hdfs"
    for name in WEB_APPLICATIONS:
        (conf / "webapps" / name).mkdir(parents=True, exist_ok=True)
    (conf / "core-site.xml").write_text(_xml({"fs.defaultFS": f"hdfs://{home.address('namenode-rpc')}"}))
    (conf / "hdfs-site.xml").write_text(_xml(settings(home)))
    (conf / "log4j.properties").write_text(LOGGING)
    if not (home / "data" / "hdfs" / "name" / "current" / "VERSION").exists():
        _format(home)


def settings(home: Home) -> dict[str, str]:
    """hdfs-site.xml, by Hadoop's own names. One copy of each block, all on loopback."""
    data = home / "data" / "hdfs"
    return {
        "dfs.namenode.name.dir": (data / "name").as_uri(),
        "dfs.datanode.data.dir": (data / "data").as_uri(),
        "dfs.replication": "1",
        "dfs.namenode.rpc-address": home.address("namenode-rpc"),
        "dfs.namenode.http-address": home.address("namenode"),
        "dfs.datanode.address": home.address("datanode"),
        "dfs.datanode.http.address": home.address("datanode-http"),
        "dfs.datanode.ipc.address": home.address("datanode-ipc"),
        "dfs.datanode.hostname": "127.0.0.1",  # where WebHDFS sends its clients to
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
        "dfs.permissions.enabled": "false",  # whoever reaches loopback may say any name
        "dfs.namenode.safemode.extension": "0",
        "dfs.namenode.handler.count": "4",
        "dfs.datanode.handler.count": "4",
        "dfs.datanode.synconclose": "true",  # a published archive survives a power cut
        "dfs.heartbeat.interval": "1",
        "dfs.namenode.heartbeat.recheck-interval": "5000",  # a dead DataNode is known as such after 20 s, not after 10 minutes
        "dfs.namenode.stale.datanode.interval": "10000",
        "dfs.client.block.write.replace-datanode-on-failure.enable": "false",  # there is no other one
    }


def namenode_ready(home: Home) -> None:
    """The NameNode is ready when it answers and has left its safe mode, in which nothing can be written."""
    mode = _bean(home, "namenode", "Hadoop:service=NameNode,name=NameNodeInfo").get("Safemode")
    if mode:
        raise TryAgain(f"in safe mode: {str(mode).strip().splitlines()[0]}")


def datanode_ready(home: Home) -> None:
    """The DataNode is ready when the NameNode counts it among the living and it answers itself."""
    live = _bean(home, "namenode", "Hadoop:service=NameNode,name=FSNamesystem").get("NumLiveDataNodes")
    if not live:
        raise TryAgain("the NameNode does not know it yet")
    _bean(home, "datanode-http", "Hadoop:service=DataNode,name=DataNodeInfo")


def environment(_: Home) -> dict[str, str]:
    """Two pools of the C library's malloc: each of its threads would have one of its own, mostly empty."""
    return {"MALLOC_ARENA_MAX": "2"}


def _running(main_class: str) -> Callable[[Home], list[str]]:
    return lambda home: [*_java(home), f"-Xmx{HEAP}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", main_class]


def _java(home: Home) -> list[str]:
    conf = home / "conf" / "hdfs"
    class_path = ":".join([str(conf), *(str(path) for path in jars.jar_paths("hadoop"))])
    places = {"hadoop.home.dir": conf, "hadoop.log.dir": home / "logs", "java.io.tmpdir": home / "tmp", "hadoop.tmp.dir": home / "tmp"}
    named = [f"-D{name}={value}" for name, value in places.items()]
    return [str(java_home() / "bin" / "java"), "-XX:-UsePerfData", "-Djava.net.preferIPv4Stack=true", *named, "-cp", class_path]


def _format(home: Home) -> None:
    (home / "data" / "hdfs").mkdir(mode=0o700, exist_ok=True)
    done = subprocess.run(
        [*_java(home), "-Xmx128m", NAMENODE_CLASS, "-format", "-force", "-nonInteractive"], capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        raise Refused(f"HDFS cannot format {home / 'data' / 'hdfs'}: {(done.stdout + done.stderr).strip()[-500:]}")


def _bean(home: Home, port: str, name: str) -> dict[str, object]:
    """What a server of Hadoop says of itself over HTTP (JMX as JSON)."""
    try:
        answer = requests.get(f"http://{home.address(port)}/jmx", {"qry": name}, timeout=PROBE_S)
        found = answer.json()["beans"]
        return dict(found[0])
    except requests.RequestException as error:
        raise TryAgain(f"nobody answers at {home.address(port)} yet") from error
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise TryAgain(f"{home.address(port)} does not know of itself yet") from error


def _xml(properties: dict[str, str]) -> str:
    lines = (f"<property><name>{name}</name><value>{escape(value)}</value></property>" for name, value in properties.items())
    return "\n".join(['<?xml version="1.0"?>', "<configuration>", *lines, "</configuration>", ""])


NAMENODE = Server(
    name="namenode",
    ports=("namenode", "namenode-rpc"),
    address="namenode",
    prepare=prepare,
    command=_running(NAMENODE_CLASS),
    ready=namenode_ready,
    environment=environment,
    gives_up=False,  # nobody waits for it but the backup, which comes again
    alert_path=False,
    jars=("hadoop",),
)
DATANODE = Server(
    name="datanode",
    ports=("datanode", "datanode-http", "datanode-ipc"),
    address="datanode-http",
    command=_running(DATANODE_CLASS),
    ready=datanode_ready,
    environment=environment,
    needs=("namenode",),
    gives_up=False,
    alert_path=False,
    jars=("hadoop",),
)
