"""Flink's JobManager and TaskManager, from the cluster that the apache-flink wheel holds, with a configuration of our own."""

from __future__ import annotations

import secrets

from deploy.local import ports
from deploy.local.home import Home
from deploy.local.java import java_home
from deploy.local.server import Server
from deploy.local.servers import flink_config as config
from logverse.errors import TryAgain
from logverse.flink import JobManager

PROBE_S = 2.0


def jobmanager_command(home: Home) -> list[str]:
    sizes = [f"-Xms{config.JOB_HEAP_MIB}m", f"-Xmx{config.JOB_HEAP_MIB}m", f"-XX:MaxMetaspaceSize={config.JOB_METASPACE_MIB}m"]
    main = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
    return [*_java(home, "jobmanager"), "-XX:+UseSerialGC", *sizes, main, "--configDir", str(config.folder(home))]


def taskmanager_command(home: Home) -> list[str]:
    """A TaskManager with a name never used before: the JobManager may still believe in the one that died."""
    name = f"taskmanager-{secrets.token_hex(4)}"
    (home / "run" / "taskmanager.id").write_text(name)
    sizes = [
        f"-Xms{config.TASK_JVM_HEAP_MIB}m",
        f"-Xmx{config.TASK_JVM_HEAP_MIB}m",
        f"-XX:MaxDirectMemorySize={config.TASK_DIRECT_MIB}m",
        f"-XX:MaxMetaspaceSize={config.TASK_METASPACE_MIB}m",
    ]
    main = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
    identity = ["-D", f"taskmanager.resource-id={name}"]
    return [*_java(home, "taskmanager"), "-XX:+UseG1GC", *sizes, main, "--configDir", str(config.folder(home)), *identity]


def jobmanager_ready(home: Home) -> None:
    """The JobManager is ready when its REST API gives its overview."""
    _rest(home).overview()


def taskmanager_ready(home: Home) -> None:
    """The TaskManager is ready when the JobManager lists this one, not a dead one of before, with its slots."""
    name = (home / "run" / "taskmanager.id").read_text()
    if not any(one["id"] == name and one["slotsNumber"] > 0 for one in _rest(home).taskmanagers()):
        raise TryAgain("has not registered its slots at the JobManager yet")


def environment(home: Home) -> dict[str, str]:
    """What Flink, and the Python workers that it starts, look for in the environment."""
    pyflink = config.pyflink()
    return {
        "FLINK_HOME": str(pyflink),
        "FLINK_CONF_DIR": str(config.folder(home)),
        "FLINK_LIB_DIR": str(config.folder(home) / "lib"),
        "FLINK_OPT_DIR": str(pyflink / "opt"),
        "FLINK_PLUGINS_DIR": str(pyflink / "plugins"),
        "FLINK_LOG_DIR": str(home / "logs"),
    }


def _rest(home: Home) -> JobManager:
    if not ports.answers(home.port("jobmanager")):
        raise TryAgain(f"no JobManager answers at {home.address('jobmanager')} yet")
    return JobManager(home.address("jobmanager"), timeout_s=PROBE_S)


def _java(home: Home, name: str) -> list[str]:
    options = ["-XX:-UsePerfData", "-Djava.net.preferIPv4Stack=true", f"-Djava.io.tmpdir={home / 'tmp'}", f"-Dlog.file={home.log(name)}"]
    logging = f"-Dlog4j.configurationFile=file:{config.folder(home) / 'log4j-console.properties'}"
    return [str(java_home() / "bin" / "java"), *options, logging, *config.java_options(), "-cp", _class_path(home)]


def _class_path(home: Home) -> str:
    """As Flink's own scripts have it: by name, the distribution last."""
    found = sorted((config.folder(home) / "lib").glob("*.jar"), key=lambda path: (path.name.startswith("flink-dist"), path.name))
    return ":".join(str(path) for path in found)


JOBMANAGER = Server(
    name="jobmanager",
    ports=("jobmanager", "jobmanager-rpc"),
    address="jobmanager",
    prepare=config.prepare,
    command=jobmanager_command,
    ready=jobmanager_ready,
    environment=environment,
    needs=("kafka",),  # only in that it is stopped first: its jobs would fail one by one otherwise
    jars=("flink",),
)

TASKMANAGER = Server(
    name="taskmanager",
    command=taskmanager_command,
    ready=taskmanager_ready,
    environment=environment,
    needs=("jobmanager", "kafka"),
    jars=("flink",),
)
