"""Application logs of the simulated services, as Spring Boot writes them: messages, and errors with stack traces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import accumulate
from operator import itemgetter
from random import Random

from logverse import instant
from logverse.instant import Millis
from producers.simulator.episodes import Episode
from producers.simulator.simulation import APPLICATION, Line, Simulation, daily, moments

SHARE = 0.5  # lines for each request


@dataclass(frozen=True, slots=True)
class Message:
    """One pattern: how often it comes relative to the others, its level, who says it, what; `{id}`, `{ms}`, `{word}` are drawn anew.

    `error`: class and message of the exception whose stack trace follows, `cause` what caused it.
    """

    weight: float
    level: str
    logger: str
    text: str
    error: str = ""
    cause: str = ""


RARE = Message(0.2, "WARN", "cache.Inventory", "Cache miss for item {id}, read from the database in {ms} ms")
MESSAGES: Sequence[Message] = (
    Message(40, "INFO", "web.RequestLog", "Handled request {id} in {ms} ms"),
    Message(20, "INFO", "orders.OrderService", "Order {id} accepted for customer {id}"),
    Message(12, "DEBUG", "cache.Inventory", "Refreshed {id} entries in {ms} ms"),
    Message(8, "INFO", "mail.Sender", "Confirmation of order {id} queued"),
    Message(3, "WARN", "db.Pool", "Connection pool is busy: waited {ms} ms"),
    RARE,
    Message(0.5, "ERROR", "pay.PaymentClient", "Payment of order {id} failed", "java.net.SocketTimeoutException: Read timed out"),
    Message(
        0.3, "ERROR", "orders.OrderService", "Order {id} cannot be stored",
        "org.springframework.dao.DataAccessResourceFailureException: could not prepare statement",
        "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after {ms} ms",
    ),
)  # fmt: skip
NEW = Message(
    1, "ERROR", "price.CurrencyTable", "Price of item {id} cannot be shown in {word}",
    "java.lang.IllegalStateException: no rate for currency {word}", "java.lang.NullPointerException: Cannot read field \"rate\"",
)  # fmt: skip
WORDS = ("EUR", "USD", "GBP", "JPY", "SEK", "CHF")


def application_lines(simulation: Simulation, service: str) -> Iterator[Line]:
    """The service's application log; `new-error-pattern` adds a message that was never there, `pattern-rate` one that was rare."""
    streams = [_stream(simulation, service, MESSAGES, SHARE, None)]
    for episode in simulation.of(service, "new-error-pattern"):
        streams.append(_stream(simulation, service, [NEW], SHARE * episode.magnitude, episode))
    usual = SHARE * RARE.weight / sum(message.weight for message in MESSAGES)
    for episode in simulation.of(service, "pattern-rate"):
        streams.append(_stream(simulation, service, [RARE], usual * (episode.magnitude - 1), episode))
    return merge(*streams, key=itemgetter(0))


def _stream(simulation: Simulation, service: str, messages: Sequence[Message], share: float, episode: Episode | None) -> Iterator[Line]:
    random = simulation.random(service, APPLICATION, episode)
    cumulative = list(accumulate(message.weight for message in messages))
    for at in moments(random, lambda second: share * daily(simulation.rate, second), simulation.seconds(episode)):
        (message,) = random.choices(messages, cum_weights=cumulative)
        yield Line(at, service, _written(at, service, message, random), APPLICATION, 1 + int(random.random() * simulation.hosts))


def _written(at: Millis, service: str, message: Message, random: Random) -> str:
    text = _filled(message.text, random)
    head = f"{instant.written(at)} {message.level:>5} 1 --- [{service}] [nio-8080-exec-{1 + int(random.random() * 9)}] "
    record = f"{head}com.example.{service}.{message.logger:<28} : {text}\n"
    if message.error:
        record += f"\n{_filled(message.error, random)}\n" + _frames(service, message.logger)
    if message.cause:
        record += f"Caused by: {_filled(message.cause, random)}\n" + _frames(service, "db.Pool") + "\t... 41 common frames omitted\n"
    return record


def _frames(service: str, logger: str) -> str:
    name = logger.rpartition(".")[2]
    own = "".join(f"\tat com.example.{service}.{logger}.{method}({name}.java:{line})\n" for method, line in (("call", 84), ("run", 41)))
    return own + "\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)\n"


def _filled(text: str, random: Random) -> str:
    """The text with a value for each placeholder."""
    if "{" not in text:
        return text
    word = WORDS[int(random.random() * len(WORDS))]
    while "{id}" in text:
        text = text.replace("{id}", str(int(random.random() * 90_000) + 10_000), 1)
    return text.replace("{ms}", str(int(random.lognormvariate(3.5, 0.8)) + 1)).replace("{word}", word)
