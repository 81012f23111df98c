"""`logverse backup run | schedule | list | show | verify | prune`: archives of what Kafka has."""

from __future__ import annotations

import click

from logverse.cli.backup_list import list_, show
from logverse.cli.backup_prune import prune
from logverse.cli.backup_run import run
from logverse.cli.backup_schedule import schedule
from logverse.cli.backup_verify import verify
from logverse.cli.drill import drill


@click.group()
def backup() -> None:
    """Archives of Kafka's topics as Parquet files, in a folder, HDFS or S3, and the proof that they are complete.

    \b
    logverse backup run                   what is new in Kafka goes into the archive
    logverse backup schedule              the same by a cron expression, as long as it runs
    logverse backup list                  the backups that were made
    logverse backup show                  what the archive holds
    logverse backup verify                read everything back; compare with Kafka and the store
    logverse backup drill                 restore a random hour for practice, and compare it
    logverse backup prune --older 400d    what would go, and whether it is the only copy
    """


for command in (run, schedule, list_, show, verify, prune, drill):
    backup.add_command(command)
