"""jobs/NAME.json of the home: how a job was submitted to the embedded cluster, for the supervisor and `job upgrade` to repeat it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from logverse import settings as settings_module
from logverse.errors import Refused
from logverse.settings import Settings, embedded_endpoints
from logverse.topics import named

# Stand in the arguments, where they are needed; everything else the supervisor has from logverse.yaml or not at all.
_PASSED_ON = ("home", "bootstrap_servers", "jobmanager", "topic_prefix")


def is_embedded(settings: Settings) -> bool:
    """Whether the cluster is the one that this home's supervisor keeps."""
    return embedded_endpoints(settings.home_path).get("jobmanager") == settings.jobmanager


@contextmanager
def alone(settings: Settings, full_name: str) -> Iterator[None]:
    """One submission of a job at a time on the embedded cluster; the second one is Refused."""
    if not is_embedded(settings):
        yield
        return
    path = _path(settings, full_name).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"{full_name} is being submitted by somebody else at this moment (the supervisor, or another terminal)\n"
                "  → wait for it: logverse job list"
            ) from None
        yield


# Job → the verb that watches over it, which the supervisor keeps running as long as the job is to run.
_WATCHES: dict[str, list[str]] = {"history": ["job", "watch", "history"]}


def remember(settings: Settings, name: str, job_id: str, options: Mapping[str, Any]) -> list[str]:
    """Write down how the job was submitted, for the supervisor to submit it again after the JobManager died; and what it was
    restored from, until it has a checkpoint of its own.

    Returns the settings that the supervisor will not have: they came from this shell's environment.
    """
    if not is_embedded(settings):
        return []
    full = named(name, settings.topic_prefix)
    options = lasting(options)
    content = {
        "name": full,
        "arguments": [*global_flags(settings), "job", "submit", name, *flags(options), *_elsewhere(settings), "--allow-lost-state"],
        "job_id": job_id,
        "options": {**options, "restore": None},
    }
    _write(_path(settings, full), content)
    if options["restore"]:
        note_origin(settings, job_id, options["restore"])
    if name in _WATCHES:
        _write(_watch(settings, full), {"name": f"{full}-watch", "arguments": [*global_flags(settings), *_WATCHES[name]]})
    there = _as_the_supervisor(settings)
    return [item.name for item in fields(Settings) if item.name not in _PASSED_ON and _differs(settings, there, item.name)]


def note_origin(settings: Settings, job_id: str, address: str) -> None:
    """This is what the job goes on from until it writes a checkpoint."""
    from deploy.local import checkpoints
    from deploy.local.home import Home

    if is_embedded(settings):
        checkpoints.remember_origin(Home(settings.home_path), job_id, checkpoints.local(address))


def remembered(settings: Settings, full_name: str) -> dict[str, Any]:
    """The options a job was submitted with; Refused when it was not submitted from here."""
    try:
        options: dict[str, Any] = orjson.loads(_path(settings, full_name).read_bytes())["options"]
    except (OSError, orjson.JSONDecodeError, KeyError):
        raise Refused(
            f"how {full_name} was submitted is not known here\n"
            "  → logverse job stop, then logverse job submit with your flags and --restore SAVEPOINT --allow-lost-state"
        ) from None
    return options


def forget(settings: Settings, full_name: str) -> None:
    """The job was stopped on purpose: nobody is to submit it again."""
    if is_embedded(settings):
        _path(settings, full_name).unlink(missing_ok=True)
        _watch(settings, full_name).unlink(missing_ok=True)


def lasting(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as they hold in any folder: whole paths. A Python inside an archive, or one on the PATH, has none."""
    python, archive = options["python"], options["python_archive"]
    if python and "/" in python and not archive:
        python = str(Path(python).absolute())
    return {**options, "python": python, "python_archive": str(Path(archive).absolute()) if archive else None}


def flags(options: Mapping[str, Any]) -> list[str]:
    """The options of `job submit` as one writes them."""
    return [
        *(["--watermark-delay", options["watermark_delay"]] if options["watermark_delay"] else []),
        "--parallelism", str(options["parallelism"]),
        "--checkpoint-interval", options["checkpoint_interval"],
        *(["--python", options["python"]] if options["python"] else []),
        *(["--python-archive", str(options["python_archive"])] if options["python_archive"] else []),
    ]  # fmt: skip


def global_flags(settings: Settings) -> list[str]:
    """What goes before the verb: the topics, and the brokers where they are not those that the home leads to."""
    brokers = settings.bootstrap_servers
    return [
        *(["--topic-prefix", settings.topic_prefix] if settings.topic_prefix else []),
        *(["--bootstrap-servers", brokers] if brokers != _as_the_supervisor(settings).bootstrap_servers else []),
    ]


def _elsewhere(settings: Settings) -> list[str]:
    """The embedded cluster has to be named where logverse.yaml names another one."""
    return ["--jobmanager", settings.jobmanager] if settings.jobmanager != _as_the_supervisor(settings).jobmanager else []


def _as_the_supervisor(settings: Settings) -> Settings:
    """The settings of this home without anybody's environment."""
    return settings_module.load({"home": settings.home}, {})


def _differs(ours: Settings, there: Settings, name: str) -> bool:
    return bool(getattr(ours, name) != getattr(there, name))


def _path(settings: Settings, full_name: str) -> Path:
    return settings.home_path / "jobs" / f"{full_name}.json"


def _watch(settings: Settings, full_name: str) -> Path:
    return settings.home_path / "services" / f"{full_name}-watch.json"


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    written.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    written.replace(path)
