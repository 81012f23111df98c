"""Restores of this home: made, gone on with, listed, taken away. Behind `logverse restore`."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from logverse import durations, instant
from logverse.cli.output import echo_rows
from logverse.errors import WrongSettings
from logverse.settings import Settings
from logverse.topics import LOGS, TOPICS, named

if TYPE_CHECKING:
    from storage.backup.restore import Sink, Told
    from storage.backup.restore_choice import Choice, Estimate
    from storage.backup.restore_progress import Progress
    from storage.backup.restore_reading import Archived
    from storage.backup.restore_store import IntoStore, Judge
    from storage.backup.targets.target import Target

VIEW_LIVES = 7 * 86_400_000  # a view is for looking at what the store has no more: its rows have a week at least


def folder(settings: Settings) -> Path:
    return settings.home_path / "restores"


def named_or_next(settings: Settings, name: str | None, asked: dict[str, Any], again: bool) -> tuple[str, list[int] | None]:
    """The restore's name, and the range of time of the one that goes on: `--since 7d` is another moment each time it is asked.

    Without a name of the user's: that of the one that was asked for in the same words and cut short, else a new one.
    """
    from storage.backup.restore_views import checked

    if name:
        known = None if again else recorded(settings, checked(name))
        return name, _range(known)
    base = f"r-{hashlib.blake2b(orjson.dumps(asked), digest_size=4).hexdigest()}"
    for number in count(1):
        one = base if number == 1 else f"{base}-{number}"
        known = recorded(settings, one)
        if known is None or not known["finished"]:
            return one, _range(known)
        if asked["live"]:
            remedy = "--name NAME writes them once more, into topics that were made anew for instance"
            raise WrongSettings(f"{one} has done that: its records would be in the topics twice", where="--live", remedy=remedy)
    raise AssertionError("there is always another number")


def _range(known: dict[str, Any] | None) -> list[int] | None:
    return None if known is None else list(known["about"]["range"])


def recorded(settings: Settings, name: str) -> dict[str, Any] | None:
    """What is known of the restore of this name."""
    try:
        found: dict[str, Any] = orjson.loads((folder(settings) / name / "progress.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return None
    return found


class Run:
    """One restore, from its estimate to its end."""

    def __init__(
        self, settings: Settings, target: Target, estimate: Estimate, choice: Choice, name: str, about: dict[str, Any],
        given: dict[str, Any], say: Callable[[str], None],
    ) -> None:  # fmt: skip
        from storage.backup.restore_views import checked

        self._settings, self._target, self._estimate, self._choice = settings, target, estimate, choice
        self._name, self._about, self._given, self._say = checked(name), about, given, say

    def run(self, tell: Callable[[Told], None], again: bool) -> dict[str, Any]:
        from storage.backup.restore import Restore
        from storage.backup.restore_progress import Progress

        home = folder(self._settings) / self._name
        if again:
            self._forget(home)
        progress = Progress(home, self._about)
        with progress.alone():
            before = progress.finished and all(progress.done(file.name) == len(file.groups) for file in self._estimate.files)
            if progress.begun and not before:
                self._say(f"{self._name} goes on where it was")
            sink = SINKS[self._given["into"]](self, progress)
            try:
                if not before:
                    Restore(self._target, self._estimate, self._choice, sink, progress, tell).run()
            finally:
                sink.close()
        return {
            "name": self._name, "into": self._given["into"], "where": self._where(), "before": before, "rows": self._estimate.rows,
            "counts": dict(progress.counts), "damage": progress.damage, "refusals": getattr(sink, "refusals", []),
        }  # fmt: skip

    def _forget(self, home: Path) -> None:
        """What is written into topics a second time is there twice."""
        from deploy.topic_removal import remove

        if self._given["into"] == "topic":
            if self._given["live"]:
                raise WrongSettings("its records would be in the topics twice", where="--again", remedy="leave it out, or --live")
            remove(self._settings, self._topic_settings().topic_prefix)
        shutil.rmtree(home, ignore_errors=True)

    def into_view(self, progress: Progress) -> IntoStore:
        from logverse.cli.schema import run_name
        from storage.backup import restore_views

        restore_views.make(self._settings, self._name, run_name(), lambda _: None)
        return into_store(restore_views.settings_of(self._settings, self._name), lambda *_: True, VIEW_LIVES)

    def into_store(self, progress: Progress) -> Sink:
        from storage import stores
        from storage.policy import Policies

        sinks: list[IntoStore] = []
        for one in stores.chosen(self._settings):
            store = stores.STORES[one](self._settings)
            sinks.append(_into(store, self._settings, Policies(store.policies()).keeps, None))
        return sinks[0] if len(sinks) == 1 else Several(sinks)

    def into_topic(self, progress: Progress) -> Sink:
        from deploy.topics import create
        from storage.backup.restore_topic import IntoTopic

        settings = self._topic_settings()
        wanted = {named(topic, settings.topic_prefix): TOPICS[topic] for topic in self._choice.topics}
        create(settings, only=wanted)
        return IntoTopic(settings, Whole(), progress)

    def into_files(self, progress: Progress) -> Sink:
        from storage.backup.restore_files import IntoFiles

        out: Path = self._given["out"]
        if not (progress.known or self._given["again"]) and out.is_dir() and any(out.iterdir()):
            remedy = "name another folder: what is there would be written over"
            raise WrongSettings("is not empty, and not of this restore", where=f"--out {out}", remedy=remedy)
        progress.mark({})
        return IntoFiles(out)

    def _topic_settings(self) -> Settings:
        if self._given["live"]:
            return self._settings
        return replace(self._settings, topic_prefix=named(f"restored-{self._name}", self._settings.topic_prefix))

    def _where(self) -> str:
        if self._given["into"] == "files":
            return str(self._given["out"])
        return named("…", self._topic_settings().topic_prefix) if self._given["into"] == "topic" else ""


SINKS: dict[str, Callable[[Run, Any], Any]] = {
    "view": Run.into_view,
    "store": Run.into_store,
    "topic": Run.into_topic,
    "files": Run.into_files,
}


class Several:
    """The same into each of several stores; the counts are the first one's, but what any of them refused is refused."""

    def __init__(self, sinks: list[IntoStore]) -> None:
        self._sinks = sinks

    @property
    def refusals(self) -> list[str]:
        return [why for sink in self._sinks for why in sink.refusals]

    def put(self, part: Any) -> Any:
        first, *others = (sink.put(part) for sink in self._sinks)
        first["refused"] += sum(counts["refused"] for counts in others)
        return +first

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


def into_store(settings: Settings, keeps: Callable[..., bool], least: int | None) -> IntoStore:
    """A sink into the store of these settings, which is there already."""
    from storage import stores

    return _into(stores.opened(settings), settings, keeps, least)


def _into(store: Any, settings: Settings, keeps: Callable[..., bool], least: int | None) -> IntoStore:
    from storage.backup.restore_store import IntoStore, Lives

    kept = {kind: durations.read(getattr(settings, f"keep_{kind}")) for kind in (*LOGS, "alerts", "anomalies")}
    return IntoStore(store, judge_of, keeps, Lives(kept, instant.now(), least))


def judge_of(topic_id: str) -> Judge:
    """What the history job made of the records of the topic that had this id: its records' places are part of their identity."""
    from flink_jobs.judging import Judge

    return Judge(dict.fromkeys(LOGS.values(), topic_id))


class Whole:
    """An event's record with the uid and the time in it that only its place had said; None for what is no event."""

    def __init__(self) -> None:
        self._judges: dict[str, Judge] = {}

    def __call__(self, record: Archived) -> bytes | None:
        from logverse.cli.replay_sources import whole
        from logverse.errors import Malformed
        from storage.rows import StoredEvent

        judge = self._judges.get(record.topic_id) or self._judges.setdefault(record.topic_id, judge_of(record.topic_id))
        try:
            row = judge.event(record.topic, record.partition, record.offset, record.appended, record.value)
        except Malformed:
            return None
        if row is None:
            return None
        if record.uid == row[3] and record.appended != record.timestamp == row[2]:
            return record.value  # it says both itself: neither its place nor its time in Kafka gave them
        return whole(StoredEvent._make(row))


def show(settings: Settings, output: str) -> int:
    rows = []
    for path in sorted(folder(settings).glob("*/progress.json")):
        found = recorded(settings, path.parent.name)
        if found is None:
            rows.append({"name": path.parent.name, "into": "", "state": "cannot be read", "types": "", **_few({}), "damaged": 0})
            continue
        about, counts = found["about"], found["counts"]
        state = "done" if found["finished"] else "cut short"
        of = ", ".join(topic.removeprefix("logs.") for topic in about["topics"])
        rows.append(
            {"name": path.parent.name, "into": about["into"], "state": state, "types": of, **_few(counts), "damaged": len(found["damage"])}
        )
    echo_rows(rows, output, empty="nothing was restored in this home")
    return 0


def _few(counts: dict[str, int]) -> dict[str, int]:
    kept = ("events", "alerts", "anomalies", "records", "lines", "odd")
    return {"restored": sum(counts.get(name, 0) for name in kept), "left out": sum(n for name, n in counts.items() if name not in kept)}


def drop(settings: Settings, name: str, yes: bool) -> int:
    """A restore into the store or live topics is only forgotten: what is there belongs to them."""
    from deploy.topic_removal import remove
    from storage.backup import restore_views

    home = folder(settings) / restore_views.checked(name)
    if not (home / "progress.json").exists():
        raise WrongSettings(f"no restore {name!r} in {settings.home_path}", where="--drop", remedy="logverse restore --list")
    found = recorded(settings, name)
    about = found["about"] if found else {"into": "", "live": False}
    if not found:
        click.echo(f"{home}/progress.json cannot be read: a view or topics of this restore, if it made any, stay", err=True)
    gone = "what is known of it"
    if about["into"] == "view":
        yes or click.confirm(f"Delete the view {name}?", abort=True, err=True)
        restore_views.drop(settings, name)
        gone = "the view"
    elif about["into"] == "topic" and not about["live"]:
        yes or click.confirm(f"Delete the topics restored-{name}.…?", abort=True, err=True)
        remove(settings, named(f"restored-{name}", settings.topic_prefix))
        gone = "its topics"
    shutil.rmtree(home)
    click.echo(f"{name}: {gone} is gone" if gone == "the view" else f"{name}: {gone} gone")
    return 0
