"""`logverse job watch history`: the process that tells people before Kafka deletes what the history has not stored."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from logverse import durations, instant
from logverse import settings as settings_module
from logverse.cli.output import printable
from logverse.errors import Refused, TryAgain
from logverse.settings import Settings
from logverse.topics import named

if TYPE_CHECKING:
    from logverse.alert import Alert


@click.command()
@click.argument("name", type=click.Choice(["history"]), expose_value=False)
@click.option("--every", default="60s", show_default=True, help="Time between two looks.")
@click.option("--once", is_flag=True, help="Look once and end.")
@click.pass_obj
def watch(flags: dict[str, str | None], every: str, once: bool) -> None:
    """Watch how far the history is behind; raise alert `history-lag` before Kafka deletes what is not stored.

    It fires when the oldest record that is not stored has lived half of its topic's retention, and resolves at a quarter.
    The embedded stack runs it as long as the job is to run; beside a cluster of yours, run it as you run `logverse alerts deliver`.
    """
    from flink_jobs.history_lag import LagWatch
    from flink_jobs.history_lag_reading import lags

    settings, pause = settings_module.load(flags), durations.given(every, "--every", least=1000) / 1000
    watched: LagWatch | None = None
    while True:
        try:
            watched = watched or LagWatch(_firing(settings))
            for alert in watched.observe(lags(settings), instant.now()):
                _publish(settings, alert)
                click.echo(printable(f"{alert.status}: {alert.explanation.sentence}"))
        except (TryAgain, Refused) as error:
            if once:
                raise
            click.echo(f"cannot tell how far the history is: {printable(error)}", err=True)
        if once:
            return
        time.sleep(pause)


def _firing(settings: Settings) -> list[Alert]:
    """The last word on each alert of ours: a restart must not fire again what fires."""
    from flink_jobs.history_lag import RULE
    from logverse.alert import Alert
    from logverse.errors import Malformed
    from logverse.topic_reader import read_to_end

    found = {}
    for message in read_to_end(settings, named("alerts.state", settings.topic_prefix)):
        try:
            alert = Alert.from_json(message.value() or b"")
        except Malformed:
            continue
        if alert.rule == RULE:
            found[alert.fingerprint] = alert
    return list(found.values())


def _publish(settings: Settings, alert: Alert) -> None:
    """To both topics, as the detect job does. TryAgain when Kafka did not take it."""
    from confluent_kafka import Producer

    from logverse.kafka import client, client_config
    from logverse.topic_reader import quiet

    producer = client(Producer, client_config(settings, enable_idempotence=True, message_timeout_ms=10_000), logger=quiet())
    for topic in ("alerts", "alerts.state"):
        producer.produce(named(topic, settings.topic_prefix), alert.to_json(), key=alert.fingerprint)
    if producer.flush(15):
        raise TryAgain("Kafka did not take the alert")
