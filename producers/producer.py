"""The producer itself: looks for lines, sends them, keeps the checkpoint, until it is told to stop or, not following, to the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from logverse.event import heartbeat
from logverse.instant import Millis
from producers import heartbeats
from producers.account import Account
from producers.checkpoint import Checkpoint
from producers.publisher import Publisher
from producers.sources.files import Files
from producers.sources.log_file import LogFile
from producers.translation import Translator

SAVE_MS = 1_000  # between two writings of the checkpoint: what a crash sends again beside what was in flight


@dataclass(frozen=True, slots=True)
class Pace:
    """How it waits: `clock` in milliseconds UTC, `sleep` in seconds, `poll_s` between two looks at quiet files."""

    clock: Callable[[], Millis]
    sleep: Callable[[float], None]
    poll_s: float = 0.2


class Producer:
    """One service's files on their way to Kafka.

    `stopping` is asked all the time; `tick` is called about each second of work or waiting, to show progress; `say` is told
    what a user should know.
    """

    def __init__(
        self, service: str, files: Files, translator: Translator, publisher: Publisher, checkpoint: Checkpoint,
        account: Account, pace: Pace, stopping: Callable[[], bool], tick: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._service, self._files, self._translator = service, files, translator
        self._publisher, self._checkpoint, self._account = publisher, checkpoint, account
        self._pace, self._stopping, self._tick = pace, stopping, tick
        self._say, self._unsaved = say, ""
        self._looked = self._ticked = self._beaten = 0

    def follow(self) -> None:
        """Send lines as they come, until told to stop."""
        while not self._stopping():
            if not self._step():
                self._publisher.poll(0)
                self._pace.sleep(self._pace.poll_s)
        self._save()

    def read_to_end(self) -> bool:
        """Send what there is, wait until all of it has arrived, and close its windows; False when told to stop before."""
        self._look()
        while not self._stopping() and self._step():
            pass
        self._files.end()
        while not self._stopping() and self._step():
            pass
        return self.flush() and self._last_heartbeat() and self.flush()

    def flush(self, patience_s: float = float("inf")) -> bool:
        """Wait until everything has arrived, and save that; False when it takes too long or when told to stop."""
        until = self._pace.clock() + patience_s * 1000
        while self._publisher.in_flight() and self._pace.clock() < until:
            self._publisher.poll(0.1)
            if patience_s == float("inf") and not self._idle():
                break
        self._save()
        return not self._publisher.in_flight()

    def _step(self) -> bool:
        """One chunk of the file whose events are oldest, so that several files come as nearly in order as may be."""
        self._housekeeping()
        lagging = self._files.lagging()
        if not lagging:
            return False
        self._send(min(lagging, key=self._translator.stands_at))
        return True

    def _send(self, file: LogFile) -> None:
        now = self._pace.clock()
        for item in self._files.read(file):
            records = self._translator.records(file, item, now)
            stretch = file.position.begin(item.end, file.last_time, item.tail)
            self._publisher.send(records, self._arrival(len(records), stretch.settle), self._blocked)

    def _arrival(self, count: int, settle: Callable[[], None]) -> Callable[[], None]:
        def arrived() -> None:
            self._account.acknowledged += count
            settle()

        return arrived

    def _housekeeping(self) -> None:
        now = self._pace.clock()
        if now - self._looked >= self._pace.poll_s * 1000:
            self._look()
        if now - self._beaten >= heartbeats.INTERVAL_MS:
            self._beaten = now
            self._heartbeat(heartbeats.stamp([self._translator.stands_at(file) for file in self._files.lagging()], now))
        self._idle()

    def _blocked(self) -> bool:
        """Kafka takes nothing now. Files that are born meanwhile are opened, before they are rotated away."""
        if self._pace.clock() - self._looked >= self._pace.poll_s * 1000:
            self._look(reading=True)
        return self._idle()

    def _look(self, reading: bool = False) -> None:
        self._looked = self._pace.clock()
        known = len(self._checkpoint.texts)
        self._files.look(reading)
        if len(self._checkpoint.texts) > known:
            self._save()  # when a text was first seen is part of its lines' time: it must outlive a crash

    def _idle(self) -> bool:
        now = self._pace.clock()
        if now - self._ticked >= SAVE_MS:
            self._ticked = now
            self._save()
            self._tick()
        return not self._stopping()

    def _save(self) -> None:
        try:
            self._checkpoint.save()
        except OSError as error:  # a full disk, too many open files: tried again in a second
            if self._unsaved != str(error):
                self._unsaved = str(error)
                self._say(
                    f"the checkpoint cannot be written: {error}; trying again, a crash meanwhile sends lines twice, with the same ids"
                )
            return
        if self._unsaved:
            self._unsaved = ""
            self._say("the checkpoint is written again")

    def _last_heartbeat(self) -> bool:
        self._heartbeat(self._pace.clock())
        return True

    def _heartbeat(self, at: Millis | None) -> None:
        if at is not None and self._publisher.beat(heartbeat(at, self._service)):
            self._account.heartbeats += 1
