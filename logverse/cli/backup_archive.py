"""What the verbs of `logverse backup` share: the target with its manifests, and one backup at a time on this machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from logverse import instant
from logverse.errors import Refused
from logverse.printable import printable

if TYPE_CHECKING:
    from logverse.settings import Settings
    from storage.backup.archive import Archive
    from storage.backup.reading import KafkaSource
    from storage.backup.targets.target import Target

target_option = click.option(
    "--target", "target_url", metavar="URL", default="", help="Where archives lie.  [LOGVERSE_BACKUP_TARGET: a folder, hdfs://…, s3://…]"
)

# What is measured at four is under 500 MiB; more at a time gain nothing, since Python makes columns of the records one at a time.
MOST_AT_ONCE = 4
parallel_option = click.option(
    "--parallel",
    type=click.IntRange(1, MOST_AT_ONCE),
    help="Partitions read at a time, about 70 MB of memory each: four stay below 500 MiB.  [default: cores, at most 4]",
)


@contextmanager
def opened(settings: Settings, url: str) -> Iterator[tuple[Target, Archive]]:
    """The target, and what its manifests say. What cannot be read is said on standard error: other commands go on without it."""
    from storage.backup import archive, targets

    target = targets.opened(settings, url)
    try:
        found = archive.read(target)
        for name, why in found.broken.items():
            click.echo(click.style(f"{name} cannot be read: {printable(why)}: what it promised is not known", fg="red"), err=True)
        yield target, found
    finally:
        target.close()


def must_be_of(settings: Settings, archive: Archive) -> None:
    """Refused when the archive is of another set of topics."""
    other = next((one.topic_prefix for one in archive.manifests if one.topic_prefix != settings.topic_prefix), None)
    if other is not None:
        said = [f"of the topics with prefix {one!r}" if one else "of the topics without a prefix" for one in (other, settings.topic_prefix)]
        raise Refused(f"the archive there is {said[0]}, and not {said[1]}\n  → one target for each: --target, or backup_target")


@contextmanager
def alone(settings: Settings, what: str) -> Iterator[None]:
    """Nobody else does it on this machine in this home; Refused when somebody does. Ends with the process, however that ends."""
    folder = settings.home_path / "backup"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / f"{what}.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused(f"there is one already: {what}, process {file.read().strip()} on this machine") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def kafka_source(settings: Settings) -> tuple[KafkaSource, list[str]]:
    """The topics that are backed up, and the names of those that do not exist. Refused when none does."""
    from deploy.topics import shapes
    from flink_jobs.topic_ids import topic_ids
    from logverse.topics import TOPICS, named
    from storage.backup.plan import backed_up
    from storage.backup.reading import KafkaSource

    names = {named(topic, settings.topic_prefix): topic for topic in backed_up(TOPICS)}
    there = shapes(settings, list(names))
    if not there:
        raise Refused("none of the topics exists\n  → logverse topics create")
    ids = topic_ids(settings, list(there))
    missing = [name for name in names if name not in there]
    return KafkaSource(settings, {names[name]: ids[name] for name in ids}), missing


def hour(at: int) -> str:
    """2026-11-21 14:00"""
    return instant.written(at)[:16].replace("T", " ")
