"""The process `logverse alerts deliver`: Kafka's consumer group and threads around the plain sink.

The group makes two of these share the partitions of `alerts`; what one leaves behind the other goes on with, from the
committed offsets and the notification log. A channel that has 10,000 transitions waiting lets more go past and reads them again
from the topic when it has room; the others do not wait for it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from alerting import metrics
from alerting.configuration import Receiver
from alerting.kafka_log import KafkaNotificationLog
from alerting.lives import Lives
from alerting.notification_log import Memory
from alerting.positions import Position
from alerting.rereading import Rereading
from alerting.sink import Sink
from alerting.stages.lane import Lane
from alerting.watchdog import Watchdog
from logverse import instant, topics
from logverse.alert import Alert
from logverse.errors import Malformed, Refused, TryAgain
from logverse.flink import JobManager
from logverse.kafka import client, client_config, locked_out
from logverse.settings import Settings
from logverse.topic_reader import quiet, read_to_end

_log = logging.getLogger(__name__)
GROUP = "logverse-alerting"
_IN_FLIGHT_S = 30.0  # longest wait for the sends in flight when partitions move or the process stops
# After a kill -9 the next one gets the partitions within 6 s; after an absence of Kafka we are back within a second or two.
_SESSION = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 1500, "reconnect_backoff_max_ms": 1000}
_READ = {"auto_offset_reset": "earliest", "enable_auto_offset_store": False, "auto_commit_interval_ms": 500, "enable_partition_eof": True}


class Service:
    """Reads `alerts` until `stop`; `once`: until its end, each notification tried once."""

    def __init__(self, settings: Settings, receiver: Receiver, once: bool = False) -> None:
        self._stopping, self._once, self._settings = threading.Event(), once, settings
        self._log = KafkaNotificationLog(settings, self._stopping.is_set, instant.now)
        self._memory, self._lives = Memory(), Lives()
        self._sink = Sink(receiver, self._log, self._memory, self._lives, clock=instant.now, monotonic=time.monotonic, random=random.random)
        self._topic = topics.named("alerts", settings.topic_prefix)
        group = topics.named(GROUP, settings.topic_prefix)
        config = client_config(settings, group_id=group, client_id=GROUP, **_SESSION, **_READ)
        self._consumer = client(Consumer, config | {"error_cb": self._troubled}, logger=quiet())
        self._locked_out = ""
        self._defect: Exception | None = None
        self._at_end, self._assigned, self._away = set[int](), set[int](), False
        self._rereading = Rereading(settings, self._topic)
        self._watchdog = Watchdog(receiver.watchdog, self._unfit) if receiver.watchdog and not once else None

    def stop(self) -> None:
        """Take nothing more; `run` returns when the sends in flight are settled."""
        self._stopping.set()

    def run(self) -> int:
        """Deliver until stopped. The answer: how many alerts are left for the next run."""
        if self._once:
            self._reach()
        self._consumer.subscribe([self._topic], on_assign=self._taken_over, on_revoke=self._given_up, on_lost=self._given_up)
        threads = [threading.Thread(target=self._serve, args=[lane], name=lane.name, daemon=True) for lane in self._sink.lanes]
        if self._watchdog is not None:
            threads.append(threading.Thread(target=self._bark, args=[self._watchdog], name="watchdog", daemon=True))
        for thread in threads:
            thread.start()
        try:
            while not self._stopping.is_set() and not (self._once and self._all_tried()):
                self._turn()
        finally:
            left = self._close(threads)
        if self._defect:
            raise self._defect
        return left

    def _reach(self) -> None:
        try:
            self._consumer.list_topics(timeout=10.0)
        except KafkaException as error:
            self._consumer.poll(0)  # hears why
            raise TryAgain(self._locked_out or f"Kafka is away: {error.args[0].str()}") from error

    def _turn(self) -> None:
        message = self._consumer.poll(0.1)
        if message is not None:
            self._take(message)
        self._fill_gaps()
        self._commit()

    def _take(self, message: Message) -> None:
        error, partition = message.error(), message.partition() or 0
        if error is not None:
            return self._told(error, partition)
        self._heard()
        position = Position(partition, message.offset() or 0)
        try:
            alert = Alert.from_json(message.value() or b"")
        except Malformed as malformed:
            metrics.malformed()
            _log.error("%s[%d]@%d goes to logs.dlq: %.200r", self._topic, position.partition, position.offset, str(malformed))
            with suppress(TryAgain):  # stopping: it was not taken, the next run buries it
                self._log.bury(message, str(malformed)[:500])
                self._sink.skip(position)
            return
        self._sink.take(position, alert)

    def _told(self, error: KafkaError, partition: int) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            self._heard()
            self._at_end.add(partition)
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            _log.warning("no topic %s yet, waiting: logverse topics create", self._topic)
        else:
            _log.warning("%s: %s, still trying", self._topic, error.str())

    def _fill_gaps(self) -> None:
        """Give lanes that were full what went past them, a batch at a time."""
        for gap in list(self._sink.gaps()):
            messages, reached = self._rereading.read(gap.partition, gap.start, gap.end)
            for message in messages:
                alert = None
                with suppress(Malformed):  # it went to logs.dlq when it came by first
                    alert = Alert.from_json(message.value() or b"")
                self._sink.retake(gap.lane, Position(gap.partition, message.offset() or 0), alert)
            gap.lane.positions.go_to(gap.partition, reached)

    def _commit(self) -> None:
        """librdkafka commits what is stored, twice a second and when partitions move, and repeats it while Kafka is away."""
        safe = self._sink.positions.to_commit()
        if safe:
            self._consumer.store_offsets(offsets=[TopicPartition(self._topic, number, offset) for number, offset in safe.items()])

    def _taken_over(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Learn what was told before, by us or by another, then begin."""
        self._until_read(self._remember)
        self._at_end.clear()
        self._assigned = {partition.partition for partition in partitions}
        _log.info("serves %s, partitions %s", self._topic, sorted(self._assigned))

    def _remember(self) -> None:
        for record in self._log.records():
            self._memory.learn(record)
        for message in read_to_end(self._settings, topics.named("alerts.state", self._settings.topic_prefix)):
            with suppress(Malformed):  # its twin in `alerts` is the one that goes to logs.dlq
                self._lives.observe(Alert.from_json(message.value() or b""))

    def _until_read(self, read: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                return read()
            except (TryAgain, Refused) as error:
                _log.warning("waiting for the memory of earlier notifications: %s", error)
                self._stopping.wait(2.0)

    def _given_up(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._sink.drop_waiting(_IN_FLIGHT_S)
        with suppress(KafkaException):  # lost to another already: it goes on from the last commit
            self._commit()
        self._sink.positions.forget()
        self._assigned.clear()

    def _serve(self, lane: Lane) -> None:
        """A channel's own thread: what hangs or fails here delays no other channel."""
        while not self._stopping.is_set():
            try:
                lane.work()
            except TryAgain:  # stopping: not recorded, so the next run repeats it
                return
            except Exception as error:  # the top of this thread: a defect ends the process, whose supervisor starts it anew
                self._defect = error
                return self.stop()
            lane.rest(self._stopping.is_set)

    def _bark(self, watchdog: Watchdog) -> None:
        """The watchdog's own thread: whoever counts its calls must not miss one because of a slow mail server."""
        while not self._stopping.is_set():
            self._stopping.wait(watchdog.bark(instant.now()) / 1000)

    def _unfit(self) -> str:
        """Why an alert of this moment might not be told, as far as we can see; "" when it would be."""
        if self._away or not self._assigned:
            return "Kafka is away" if self._away else "no partition of alerts is ours"
        if not self._settings.jobmanager:
            return ""  # a cluster that nobody named: not ours to watch
        try:
            jobs = JobManager.of(self._settings).jobs()
        except (TryAgain, Refused) as error:
            return f"the JobManager does not say whether the detect job runs: {error}"
        name = topics.named("detect", self._settings.topic_prefix)
        return "" if any(job.get("name") == name and job.get("state") == "RUNNING" for job in jobs) else f"no job {name} runs"

    def _all_tried(self) -> bool:
        ended = bool(self._assigned) and self._assigned <= self._at_end
        return ended and all(lane.delay() != 0 for lane in self._sink.lanes) and not any(self._sink.gaps())

    def _close(self, threads: list[threading.Thread]) -> int:
        self._stopping.set()
        for lane in self._sink.lanes:
            lane.wake()
        deadline = time.monotonic() + _IN_FLIGHT_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with suppress(KafkaException):
            self._commit()
        left = self._sink.positions.open()
        if left:
            _log.warning("%d alerts are not delivered everywhere yet; the next run goes on with them", left)
        self._rereading.close()
        self._consumer.close()
        return left

    def _troubled(self, error: Any) -> None:
        if (why := locked_out(error)) is not None:
            if not self._locked_out:
                _log.error("%s", why)
            self._locked_out = why
            return
        if not self._away and error.code() in (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE):
            self._away = True
            _log.warning("Kafka is away, waiting for it: %s", error.str())

    def _heard(self) -> None:
        self._locked_out = ""
        if self._away:
            self._away = False
            _log.warning("Kafka is back")
