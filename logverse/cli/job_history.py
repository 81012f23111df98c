"""What a submission of the history job needs: a store with the schema, its way in, and the storage policy in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse import durations, instant
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from logverse.topics import named

if TYPE_CHECKING:
    from flink_jobs.history_settings import HistorySettings
    from logverse.rule import Rule

# Of each store the settings that lead to it, as they are, and those that name a file with a secret or certificate, whose content travels.
_STORE = {
    "cassandra": ("cassandra_hosts", "cassandra_keyspace", "cassandra_username"),
    "mongodb": ("mongodb_hosts", "mongodb_database", "mongodb_username"),
}
_FILES = ("password_file", "ca_file")


def prepare(
    settings: Settings, options: Mapping[str, Any], added: Sequence[Rule]
) -> tuple[Callable[[], HistorySettings], Callable[[], None]]:
    """As `job_submission.Kind` says. A job that comes back is not kept waiting by a store that is away; it will wait by itself."""
    from flink_jobs.history_settings import HistorySettings
    from flink_jobs.keeper import READ
    from flink_jobs.topic_ids import topic_ids
    from logverse.kafka import java_properties
    from storage.stores import chosen

    for flag, given in (("--watermark-delay", options["watermark_delay"]), ("--rules", added)):
        if given:
            raise WrongSettings("the history job has none", where=flag, remedy="leave it out")
    stores = chosen(settings)
    files = [f"{store}_{file}" for store in stores for file in _FILES]
    ways = ["store", "topic_prefix", *(name for store in stores for name in _STORE[store])]
    job = HistorySettings(
        kafka=java_properties(settings),
        store={name: getattr(settings, name) for name in ways},
        secrets={name: _content(name, path) for name in files if (path := getattr(settings, name))},
        topic_prefix=settings.topic_prefix,
        job_name=named("history", settings.topic_prefix),
        parallelism=options["parallelism"],
        checkpoint_interval_ms=durations.given(options["checkpoint_interval"], "--checkpoint-interval"),
        topic_ids=topic_ids(settings, [named(topic, settings.topic_prefix) for topic in READ]),
    )
    comes_back = bool(options["restore"] or options["allow_lost_state"]) and not options.get("upgrade")
    _store_is_ready(settings, comes_back)

    def last_moment() -> HistorySettings:
        _note_policies(settings, comes_back)
        return job

    return last_moment, lambda: None


def _store_is_ready(settings: Settings, comes_back: bool) -> None:
    """WrongSettings when a schema is missing or a policy is none; TryAgain when a store is away and the job is new."""
    from storage import policy
    from storage.stores import STORES, chosen

    policy.wanted(settings)
    for name in chosen(settings):
        try:
            STORES[name](settings).close()
        except TryAgain as error:
            if not comes_back:
                raise
            click.echo(f"the store is away: the job will wait for it ({error})", err=True)


def _note_policies(settings: Settings, comes_back: bool) -> None:
    """Write the storage policies down where they changed: they hold for what Kafka appends from now on. The old job must be stopped.

    The first store's decide; the others get the same, so that any of them can be the first one day.
    """
    from deploy.topics import newest_append
    from storage import policy
    from storage.stores import STORES, chosen

    try:
        with ExitStack() as stack:
            first, *others = [stack.enter_context(closing(STORES[name](settings))) for name in chosen(settings)]
            new = policy.changes(first.policies(), settings, newest_append(settings) + 1)
            first.add_policies(new)
            whole = [(log_type, *epoch) for log_type, epochs in first.policies().items() for epoch in epochs] if others else []
            for other in others:
                other.add_policies(whole)
    except TryAgain:
        if not comes_back:
            raise
        click.echo("the store is away: should a policy have changed, `logverse job upgrade history` once it is back", err=True)
        return
    for log_type, since, text in new:
        if since:
            click.echo(f"{log_type} events that arrive from now on are stored by policy {text}", err=True)


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:  # the text of the second would show bytes of the file
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise WrongSettings(f"cannot be read: {why}", where=f"{name} {path}", remedy="name a readable text file") from None


def facts(settings: Settings) -> dict[str, Any]:
    """How far the history is behind, and how near that is to Kafka's retention. Of a Kafka that is away: that."""
    from flink_jobs.history_lag_reading import lags

    now = instant.now()
    try:
        found = lags(settings)
    except (TryAgain, Refused) as error:
        return {"lag": str(error)}
    worst = max(found, key=lambda lag: lag.share(now))
    return {
        "lag_records": sum(lag.records for lag in found),
        "lag_age": durations.said(max(lag.age(now) for lag in found)),
        "nearest_to_retention": f"{worst.topic}: {worst.share(now):.1%}" if worst.records else None,
        "lost_records": sum(lag.lost for lag in found),
    }
