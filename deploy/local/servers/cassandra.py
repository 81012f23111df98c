"""Cassandra, one process that is the whole ring: the store of history. No alert waits for it."""

from __future__ import annotations

from typing import Any

import yaml

from deploy.local import cql, jars
from deploy.local.home import Home
from deploy.local.java import java_home
from deploy.local.server import Server

HEAP, HEAP_AT_START = "1g", "256m"  # it locks in memory whatever it has at its start, and gives back what it does not use later
PROBE_S = 1.0  # the supervisor waits so long, and looks after nobody else meanwhile
AGENT = "com.github.jbellis:jamm:"  # measures objects, so that memtables know their size

# What Cassandra reaches into the JDK for, as its own conf/jvm17-server.options lists it.
EXPORTS = (
    "java.base/jdk.internal.misc java.base/java.lang.ref java.management.rmi/com.sun.jmx.remote.internal.rmi "
    "java.management/com.sun.jmx.remote.security java.rmi/sun.rmi.registry java.rmi/sun.rmi.server java.sql/java.sql "
    "jdk.unsupported/sun.misc jdk.attach/sun.tools.attach"
)
OPENS = (
    "java.base/java.lang.module java.base/jdk.internal.loader java.base/jdk.internal.ref java.base/jdk.internal.reflect "
    "java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.util.jar java.base/sun.nio.ch java.base/java.io "
    "java.base/java.lang.reflect java.base/java.lang java.base/java.util java.base/java.nio java.base/java.nio.charset "
    "jdk.management/com.sun.management.internal"
)

# No JMX port is given, so none is opened: whoever reaches one may run code. Off: hints, snapshots before a drop, and user functions.
JVM = (
    f"-Xms{HEAP_AT_START} -Xmx{HEAP} -XX:MaxDirectMemorySize=384m -XX:+UseG1GC -XX:MaxGCPauseMillis=200 "
    "-XX:MinHeapFreeRatio=20 -XX:MaxHeapFreeRatio=40 -XX:G1PeriodicGCInterval=120000 -XX:+ExitOnOutOfMemoryError "
    "-XX:-UsePerfData -Djava.net.preferIPv4Stack=true -Djdk.attach.allowAttachSelf=true -Dio.netty.tryReflectionSetAccessible=true "
    "-Dcassandra-foreground=true -Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.ring_delay_ms=1"
)

# To standard output: the supervisor puts it into logs/cassandra.log and keeps that small.
LOGGING = """\
<configuration>
  <appender name="console" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601} %-5level %logger{0} - %msg%n%ex{20}</pattern></encoder>
  </appender>
  <logger name="org.apache.cassandra.db.ColumnFamilyStore" level="WARN"/>
  <logger name="org.apache.cassandra.config" level="WARN"/>
  <root level="INFO"><appender-ref ref="console"/></root>
</configuration>
"""


def prepare(home: Home) -> None:
    """Write the configuration for the ports of today; Cassandra makes its data folders itself."""
    conf = home / "conf" / "cassandra"
    conf.mkdir(exist_ok=True)
    (conf / "cassandra.yaml").write_text(yaml.safe_dump(settings(home), sort_keys=False))
    (conf / "logback.xml").write_text(LOGGING)


def settings(home: Home) -> dict[str, Any]:
    """cassandra.yaml, by Cassandra's own names."""
    return _ring(home) | _folders(home) | _sizes() | _safety()


def command(home: Home) -> list[str]:
    conf, java = home / "conf" / "cassandra", str(java_home() / "bin" / "java")
    wanted = jars.locked("cassandra")
    agent = next(jar.path for jar in wanted if jar.coordinate.startswith(AGENT))
    openings = [f"--add-exports={one}=ALL-UNNAMED" for one in EXPORTS.split()] + [f"--add-opens={one}=ALL-UNNAMED" for one in OPENS.split()]
    places = {
        "cassandra.config": (conf / "cassandra.yaml").as_uri(),
        "cassandra.storagedir": home / "data" / "cassandra",
        "cassandra.logdir": home / "logs",
        "logback.configurationFile": conf / "logback.xml",
        "java.io.tmpdir": home / "tmp",
    }
    class_path = ":".join(str(jar.path) for jar in wanted)
    named = [f"-D{name}={value}" for name, value in places.items()]
    return [java, f"-javaagent:{agent}", *openings, *JVM.split(), *named, "-cp", class_path, "org.apache.cassandra.service.CassandraDaemon"]


def ready(home: Home) -> None:
    """Cassandra is ready when it answers a query about itself."""
    cql.ask(home.port("cassandra"), PROBE_S)


def environment(_: Home) -> dict[str, str]:
    """Two pools of the C library's malloc: each of its hundred threads would have one of its own, mostly empty."""
    return {"MALLOC_ARENA_MAX": "2"}


def _ring(home: Home) -> dict[str, Any]:
    """A ring of one, on loopback. No address of it is given to anybody else."""
    loopback = "127.0.0.1"
    seeds = [{"seeds": f"{loopback}:{home.port('cassandra-storage')}"}]
    return {
        "cluster_name": "logverse",
        "num_tokens": 1,
        "auto_bootstrap": False,
        "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
        "endpoint_snitch": "SimpleSnitch",
        "listen_address": loopback,
        "rpc_address": loopback,
        "storage_port": home.port("cassandra-storage"),
        "ssl_storage_port": home.port("cassandra-storage"),  # never opened: no encryption between nodes is set
        "native_transport_port": home.port("cassandra"),
        "start_native_transport": True,
        "seed_provider": [{"class_name": "org.apache.cassandra.locator.SimpleSeedProvider", "parameters": seeds}],
    }


def _folders(home: Home) -> dict[str, Any]:
    data = home / "data" / "cassandra"
    return {
        "data_file_directories": [str(data / "data")],
        "commitlog_directory": str(data / "commitlog"),
        "saved_caches_directory": str(data / "saved_caches"),
        "hints_directory": str(data / "hints"),
        "cdc_raw_directory": str(data / "cdc_raw"),
    }


def _sizes() -> dict[str, Any]:
    """Small: it shares two cores and a few GiB with Kafka and Flink."""
    return {
        "memtable_allocation_type": "offheap_objects",
        "memtable_heap_space": "192MiB",
        "memtable_offheap_space": "256MiB",
        "memtable": {"configurations": {"default": {"class_name": "TrieMemtable"}}},
        "file_cache_size": "96MiB",
        "disk_access_mode": "mmap_index_only",  # mapped data would count as memory, as much as is read of it
        "networking_cache_size": "48MiB",
        "key_cache_size": "8MiB",
        "counter_cache_size": "0MiB",
        "commitlog_segment_size": "32MiB",  # half of it is the largest row: a body of 10 MB fits
        "commitlog_total_space": "512MiB",
        "concurrent_reads": 16,
        "concurrent_writes": 16,
        "concurrent_compactors": 1,
        "memtable_flush_writers": 1,
        "compaction_throughput": "64MiB/s",
        "native_transport_max_threads": 32,
        "native_transport_max_frame_size": "24MiB",
        "batch_size_warn_threshold": "50KiB",  # as it refuses them: its default writes a line for each batch of ours
        "sstable": {"selected_format": "bti"},
        "storage_compatibility_mode": "NONE",  # nobody goes back to Cassandra 4
    }


def _safety() -> dict[str, Any]:
    """What a crash may cost, and what a full disk does: the process ends, the supervisor tells why and starts it again."""
    return {
        "commitlog_sync": "periodic",
        "commitlog_sync_period": "1s",  # a kill costs nothing, a power cut perhaps the last second's rows: `logverse account` tells
        "periodic_commitlog_sync_lag_block": "20s",
        "disk_failure_policy": "die",
        "commit_failure_policy": "die",
        "auto_snapshot": False,
        "hinted_handoff_enabled": False,
        "user_defined_functions_enabled": False,
        "batch_size_fail_threshold": "50KiB",
    }


CASSANDRA = Server(
    name="cassandra",
    ports=("cassandra", "cassandra-storage"),
    address="cassandra",
    prepare=prepare,
    command=command,
    ready=ready,
    environment=environment,
    start_ms=300_000,  # after a crash it replays its commit log first
    stop_s=45,  # it drains: flushes what is in memory; killed before that, it replays its commit log at the next start
    gives_up=False,  # nobody waits for it but the history, which waits for ever
    alert_path=False,
    jars=("cassandra",),
)
