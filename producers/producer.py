"""The producer itself: takes what its inputs have, sends it, keeps the checkpoints, until it is told to stop or all inputs are over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from logverse.event import heartbeat
from logverse.instant import Millis
from producers import heartbeats
from producers.inputs import Input
from producers.publisher import Publisher

_ANSWER_S = 0.005
SAVE_MS = 1_000  # between two writings of the checkpoint: what a crash sends again beside what was in flight


@dataclass(frozen=True, slots=True)
class Pace:
    """How it waits: `clock` in milliseconds UTC, `sleep` in seconds, `poll_s` between two looks at quiet inputs."""

    clock: Callable[[], Millis]
    sleep: Callable[[float], None]
    poll_s: float = 0.2
    patience_s: float = 8.0  # for acknowledgements once told to stop; what has not arrived then is sent again at the next start


class Producer:
    """Inputs on their way to Kafka. `inputs` may change in `between`, which is called between any two pieces of work.

    `name` is that of its heartbeats; `stopping` is asked all the time; `tick` is called about each second of work or waiting,
    to show progress.
    """

    def __init__(
        self, name: str, inputs: list[Input], publisher: Publisher, pace: Pace,
        stopping: Callable[[], bool], tick: Callable[[], None] = lambda: None, between: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._name, self.inputs = name, inputs
        self._publisher, self._pace, self._stopping = publisher, pace, stopping
        self._tick, self._between = tick, between
        self._looked = self._ticked = self._beaten = 0
        self._until: Millis | None = None  # when it was told to stop and has so long to send what it holds

    def follow(self) -> bool:
        """Send what comes, until told to stop, or True: until nothing more can come."""
        while not self._stopping() and not self._over():
            if not self._step():
                self._rest()
        self._save()
        return self._over()

    def _rest(self) -> None:
        """Nothing can be taken at the moment. Somebody may wait for an answer until what he sent is acknowledged."""
        if any(one.in_flight and one.source.live for one in self.inputs):
            return self._publisher.poll(_ANSWER_S)
        self._publisher.poll(0)
        self._pace.sleep(self._pace.poll_s)

    def read_to_end(self) -> bool:
        """Send what there is, wait until all of it has arrived, and close its windows; False when told to stop before."""
        self._look()
        while not self._stopping() and self._step():
            pass
        for one in self.inputs:
            one.source.end()
        while not self._stopping() and (self._step() or self._another_look()):
            pass
        return self.finish()

    def _another_look(self) -> bool:
        """Whether there is something to take now: files that had to wait until others were closed."""
        self._look()
        return any(one.stands() for one in self.inputs)

    def finish(self) -> bool:
        """Everything was sent: wait until it has arrived, and let its windows close; False when told to stop before."""
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

    def drain(self) -> bool:
        """Take in no more, send what was taken in, and wait until it has arrived; False when it takes longer than our patience."""
        self._hurry()
        for one in self.inputs:
            one.leave()
        while self._patient() and not all(one.gone for one in self.inputs):
            if not self._step():
                self._publisher.poll(0.1)
        self._save()
        return all(one.gone for one in self.inputs)

    def _hurry(self) -> None:
        if self._until is None:
            self._until = self._pace.clock() + int(self._pace.patience_s * 1000)

    def _patient(self) -> bool:
        return self._until is not None and self._pace.clock() < self._until

    def _over(self) -> bool:
        """Whether nothing more can come. An input that leaves while others are looked for is about to begin anew, or to make room."""
        return bool(self.inputs) and all(one.source.over() and not one.leaving for one in self.inputs)

    def _step(self) -> bool:
        """A piece of what cannot be had again, and one of the rest: of the input whose events are oldest."""
        self._housekeeping()
        ready = [(min(stands), one) for one in self.inputs if (stands := one.stands())]
        live = [one for _, one in ready if one.source.live]
        rest = [(at, one) for at, one in ready if not one.source.live]
        chosen = [*live, *([min(rest, key=lambda entry: entry[0])[1]] if rest else [])]
        for one in chosen:
            for batch in one.source.take(self._pace.clock()):
                self._publisher.send(batch.records, one.sent(batch), self._blocked_live if one.source.live else self._blocked)
        return bool(chosen)

    def _housekeeping(self) -> None:
        now = self._pace.clock()
        if now - self._looked >= self._pace.poll_s * 1000:
            self._look()
        if now - self._beaten >= heartbeats.INTERVAL_MS:
            self._beaten = now
            self._heartbeat(heartbeats.stamp([at for one in self.inputs for at in one.stands()], now))
        if self._until is None:
            self._between()
        self._idle()

    def _blocked(self) -> bool:
        """Kafka takes nothing now. Files that are born meanwhile are opened, before they are rotated away."""
        if self._pace.clock() - self._looked >= self._pace.poll_s * 1000:
            self._look(reading=True)
        return self._patient() if self._until is not None else self._idle()

    def _blocked_live(self) -> bool:
        """The same for what cannot be read again: told to stop, it still has the patience of the end."""
        if self._blocked():
            return True
        self._hurry()
        return self._patient()

    def _look(self, reading: bool = False) -> None:
        self._looked = self._pace.clock()
        for one in self.inputs:
            one.look(reading)

    def _idle(self) -> bool:
        now = self._pace.clock()
        if now - self._ticked >= SAVE_MS:
            self._ticked = now
            self._save()
            self._tick()
        return not self._stopping()

    def _save(self) -> None:
        for one in self.inputs:
            one.save()

    def _last_heartbeat(self) -> bool:
        self._heartbeat(self._pace.clock())
        return True

    def _heartbeat(self, at: Millis | None) -> None:
        if at is not None and self._publisher.beat(heartbeat(at, self._name)):
            for one in self.inputs:
                one.account.heartbeats += 1
