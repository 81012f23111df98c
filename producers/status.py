"""What a running producer leaves on disk about itself, and how `logverse produce status` finds it: no port, no query."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from logverse.instant import Millis, written
from producers.account import Account
from producers.assembly import Running
from producers.metrics import Measured
from producers.order import Order
from producers.sources.identity import shown

EACH_MS = 2_000
SUFFIX = ".status.json"
KEPT_MS = 30 * 86_400_000  # what a producer that has not run since said of itself


class Status:
    """Writes the file of one producer, at most every two seconds. A full disk keeps nobody from his work: the file is old then."""

    def __init__(self, order: Order, clock: Callable[[], Millis]) -> None:
        self._order, self._clock, self._started = order, clock, clock()
        self._written: Millis = 0
        self._last: dict[str, Any] = {}
        self._before: dict[str, tuple[Millis, int]] = {}
        _forget(order.status.parent, self._started - KEPT_MS)

    def show(self, running: Sequence[Running], measured: Sequence[Measured], shared: Mapping[str, float]) -> None:
        if self._clock() - self._written >= EACH_MS:
            self._look(running, measured, shared)
            self._write()

    def ended(self, running: Sequence[Running], measured: Sequence[Measured], shared: Mapping[str, float]) -> None:
        """The last word: how everything is now, and that it ended by itself or was told to."""
        self._look(running, measured, shared)
        self._last["ended"] = written(self._clock())
        self._write()

    def _look(self, running: Sequence[Running], measured: Sequence[Measured], shared: Mapping[str, float]) -> None:
        now = self._written = self._clock()
        inputs = [self._of(one, about, now) for one, about in zip(running, measured, strict=True)]
        self._last = {
            "name": self._order.name, "pid": os.getpid(), "config": str(self._order.config or ""), "started": written(self._started),
            "at": written(now), "kafka": "up" if shared["kafka_up"] else "away", "inputs": inputs,
        }  # fmt: skip

    def _of(self, one: Running, about: Measured, now: Millis) -> dict[str, Any]:
        account = about.account
        then, before = self._before.get(about.name, (now, account.lines))
        self._before[about.name] = (now, account.lines)
        return {
            "input": about.name, "service": about.service, "reads": [shown(address) for address in one.order.addresses],
            "checkpoint": shown(one.order.checkpoint),
            "lines_per_second": round(max(0, account.lines - before) * 1000 / max(1, now - then), 1), **about.gauges, **_said(account),
        }  # fmt: skip

    def _write(self) -> None:
        draft = self._order.status.with_suffix(".new")
        with suppress(OSError):
            draft.write_bytes(orjson.dumps(self._last, option=orjson.OPT_INDENT_2))
            draft.replace(self._order.status)


def _said(account: Account) -> dict[str, Any]:
    whole = account.to_dict()
    return whole | {"problems": whole["problems"][-10:]}


def all_of(folder: Path) -> Iterator[dict[str, Any]]:
    """What every producer of this home says of itself, `state` beside it: running, ended, or killed (it said no goodbye)."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            found = orjson.loads(path.read_bytes())
            running = any(_locked(Path(one["checkpoint"])) for one in found["inputs"])
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            continue  # half of it is there, or it is none of ours
        yield found | {"state": "running" if running else "ended" if "ended" in found else "killed"}


def _locked(checkpoint: Path) -> bool:
    try:
        with checkpoint.with_name(checkpoint.name + ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _forget(folder: Path, since: Millis) -> None:
    """Producers that are gone are not listed for ever. Their checkpoints stay: what has arrived is never forgotten."""
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(OSError):
            if path.stat().st_mtime * 1000 < since:
                path.unlink()


def place(home: Path, name: str) -> Path:
    """Where a producer of this home says how it is."""
    return home / "producers" / f"{name}{SUFFIX}"
