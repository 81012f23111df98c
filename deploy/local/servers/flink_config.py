"""The configuration that the embedded Flink cluster and its clients (`flink run`) share: conf/flink in the home."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from deploy.local import jars
from deploy.local.home import Home
from logverse.errors import WrongSettings

# Memory in MiB, given piece by piece so that the JVM's flags follow without a second Java to work them out.
# TaskManager: 2.4 GiB. Managed memory is not touched by the JVM (state is on the heap): it is the room of the Python workers.
JOB_HEAP_MIB, JOB_METASPACE_MIB, JOB_OVERHEAD_MIB, JOB_OFF_HEAP_MIB = 512, 256, 192, 128
TASK_HEAP_MIB, TASK_FRAMEWORK_MIB, TASK_NETWORK_MIB = 768, 128, 192
TASK_MANAGED_MIB, TASK_METASPACE_MIB, TASK_OVERHEAD_MIB = 512, 512, 256  # 256 MiB of metaspace died after several submissions
TASK_JVM_HEAP_MIB = TASK_HEAP_MIB + TASK_FRAMEWORK_MIB
TASK_DIRECT_MIB = TASK_NETWORK_MIB + TASK_FRAMEWORK_MIB
SLOTS = 4

LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c{1} %x - %m%n
logger.pekko.name = org.apache.pekko
logger.pekko.level = WARN
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
"""


def folder(home: Home) -> Path:
    """What FLINK_CONF_DIR must name; `lib` in it is what FLINK_LIB_DIR must name."""
    return home / "conf" / "flink"


def pyflink() -> Path:
    """The folder of the apache-flink wheel, which holds the whole cluster. WrongSettings when it is not installed."""
    found = importlib.util.find_spec("pyflink")
    if not found or not found.submodule_search_locations:
        raise WrongSettings("Flink is not installed in this Python", remedy="pip install 'logverse[flink]'")
    return Path(found.submodule_search_locations[0])


def java_options() -> list[str]:
    """The openings into the JDK that this version of Flink wants, as its own configuration lists them."""
    shipped: dict[str, Any] = yaml.safe_load((pyflink() / "conf" / "config.yaml").read_text())
    options: str = shipped["env"]["java"]["opts"]["all"]
    return options.split()


def prepare(home: Home) -> None:
    """Write config.yaml and the logging, and link the jars of the wheel and Kafka's connector into one lib folder."""
    conf = folder(home)
    lib = conf / "lib"
    shutil.rmtree(lib, ignore_errors=True)
    lib.mkdir(parents=True)
    for jar in [*(pyflink() / "lib").glob("*.jar"), *jars.jar_paths("flink")]:
        (lib / jar.name).symlink_to(jar)
    (conf / "config.yaml").write_text(yaml.safe_dump(settings(home), sort_keys=False))
    for name in ("log4j-console.properties", "log4j-cli.properties"):
        (conf / name).write_text(LOGGING)


def settings(home: Home) -> dict[str, Any]:
    """Flink's settings, by their full names."""
    return _addresses(home) | _memory() | _patience() | _state(home) | _python() | {"env.java.opts.all": " ".join(java_options())}


def _addresses(home: Home) -> dict[str, Any]:
    """Everything binds to loopback. Hence no Prometheus reporter: Flink's binds to every interface and cannot be told otherwise."""
    loopback = "127.0.0.1"
    return {
        "jobmanager.rpc.address": loopback,
        "jobmanager.rpc.port": home.port("jobmanager-rpc"),
        "jobmanager.bind-host": loopback,
        "blob.server.port": "0",
        "rest.address": loopback,
        "rest.bind-address": loopback,
        "rest.port": home.port("jobmanager"),
        "rest.bind-port": str(home.port("jobmanager")),
        "taskmanager.host": loopback,
        "taskmanager.bind-host": loopback,
        "taskmanager.numberOfTaskSlots": SLOTS,
        "web.submit.enable": False,  # nobody needs to upload jars in a browser
        "io.tmp.dirs": str(home / "tmp"),
    }


def _memory() -> dict[str, Any]:
    mib = {
        "jobmanager.memory.heap.size": JOB_HEAP_MIB,
        "jobmanager.memory.off-heap.size": JOB_OFF_HEAP_MIB,
        "jobmanager.memory.jvm-metaspace.size": JOB_METASPACE_MIB,
        "jobmanager.memory.jvm-overhead.min": JOB_OVERHEAD_MIB,
        "jobmanager.memory.jvm-overhead.max": JOB_OVERHEAD_MIB,
        "taskmanager.memory.task.heap.size": TASK_HEAP_MIB,
        "taskmanager.memory.task.off-heap.size": 0,
        "taskmanager.memory.framework.heap.size": TASK_FRAMEWORK_MIB,
        "taskmanager.memory.framework.off-heap.size": TASK_FRAMEWORK_MIB,
        "taskmanager.memory.network.min": TASK_NETWORK_MIB,
        "taskmanager.memory.network.max": TASK_NETWORK_MIB,
        "taskmanager.memory.managed.size": TASK_MANAGED_MIB,
        "taskmanager.memory.jvm-metaspace.size": TASK_METASPACE_MIB,
        "taskmanager.memory.jvm-overhead.min": TASK_OVERHEAD_MIB,
        "taskmanager.memory.jvm-overhead.max": TASK_OVERHEAD_MIB,
    }
    return {name: f"{size}m" for name, size in mib.items()} | {"taskmanager.cpu.cores": float(SLOTS)}


def _patience() -> dict[str, Any]:
    """A dead process is missed after 10 s at most; a failing job is tried again, more and more slowly, but not for ever in silence."""
    return {
        "heartbeat.interval": "2 s",
        "heartbeat.timeout": "10 s",
        "cluster.registration.error-delay": "1 s",  # both start at once: a TaskManager that came first asks again soon
        "cluster.registration.max-timeout": "2 s",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "30 s",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "5 min",
        "restart-strategy.exponential-delay.attempts-before-reset-backoff": 20,
        "jobstore.expiration-time": 86_400,  # seconds that the cause of a failure can be asked for
    }


def _state(home: Home) -> dict[str, Any]:
    return {
        "state.backend.type": "hashmap",
        "execution.checkpointing.dir": (home / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (home / "savepoints").as_uri(),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": 2,
    }


def _python() -> dict[str, Any]:
    return {
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "python.fn-execution.bundle.time": 100,  # ms; event-time timers lag by as much
    }
