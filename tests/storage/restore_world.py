"""Restores for tests: into memory and files, from an archive of a world of their own."""

from __future__ import annotations

import json
from collections import Counter

from flink_jobs.judging import Judge
from logverse.topics import LOGS
from storage.backup.restore import Restore
from storage.backup.restore_choice import Choice, estimated
from storage.backup.restore_progress import Progress
from storage.backup.restore_store import IntoStore, Lives
from storage.store import Selection
from tests.storage.backup_world import HOUR, NOON

DAY = 86_400_000
KEPT = dict.fromkeys(("http", "error", "activity", "alerts", "anomalies"), 30 * DAY)
EVER = (0, 4_000_000_000_000)
STORED = (*LOGS.values(), "alerts", "anomalies")


def judge_of(topic_id):
    return Judge(dict.fromkeys(LOGS.values(), topic_id))


def into_store(store, now=NOON + 4 * HOUR, least=None, keeps=lambda *_: True):
    return IntoStore(store, judge_of, keeps, Lives(KEPT, now, least))


def restored(world, sink, choice=None, name="r", tell=lambda _: None, sleep=lambda _: None):
    choice = choice or Choice(*EVER, STORED)
    progress = Progress(world.root / "restores" / name, {"choice": repr(choice)})
    return Restore(world.target, estimated(world.archive(), choice), choice, sink, progress, tell, sleep).run()


def rows(store, service="web", log_type="http"):
    return {row.uid: row for row in store.events(Selection(log_type, service, *EVER))}


def lines(world):
    """The uids in the files."""
    found = [json.loads(line) for path in (world.root / "out").rglob("*.jsonl") if ".odd" not in path.name for line in path.open()]
    return Counter(one["log.record.uid"] for one in found)
