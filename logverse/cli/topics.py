"""`logverse topics create | verify | list`: the Kafka topics that the parts meet on."""

from __future__ import annotations

from dataclasses import asdict

import click

from logverse import settings
from logverse.cli.output import echo_json, echo_rows, output_option, printable


@click.group()
def topics() -> None:
    """The Kafka topics, on the embedded Kafka or on yours (--bootstrap-servers, --topic-prefix).

    \b
    Example:  logverse topics create
              logverse --bootstrap-servers kafka-1:9092 --topic-prefix replay-7 topics create
              logverse topics verify
    """


@topics.command()
@click.pass_obj
def create(flags: dict[str, str | None]) -> None:
    """Create the topics that are missing; those that exist stay as they are."""
    from deploy import topics as kafka_topics

    found = settings.load(flags)
    made = kafka_topics.create(found)
    for name in made:
        click.echo(f"created {printable(name)}")
    there = len(kafka_topics.wanted(found.topic_prefix)) - len(made)
    click.echo(f"{len(made)} created, {there} were there" if made else f"all {there} topics are there")


@topics.command()
@output_option
@click.pass_obj
def verify(flags: dict[str, str | None], output: str) -> int:
    """Compare partitions and settings with what LogVerse needs; each difference with its remedy. Exit code 1 when there is one."""
    from deploy import topics as kafka_topics

    found = kafka_topics.verify(settings.load(flags))
    if output == "json":
        echo_json([asdict(one) for one in found])
    for one in found if output != "json" else ():
        click.echo(f"{printable(one.topic)}: {printable(one.problem)}\n  → {printable(one.remedy)}")
    if not found and output != "json":
        click.echo("all topics are as they must be")
    return 1 if found else 0


@topics.command("list")
@output_option
@click.pass_obj
def list_(flags: dict[str, str | None], output: str) -> None:
    """Every topic with its purpose, partitions, how long it keeps, and how many records it holds now."""
    from deploy import topics as kafka_topics

    echo_rows(kafka_topics.listing(settings.load(flags)), output, empty="no topics")
