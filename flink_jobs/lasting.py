"""How a job lives through faults: checkpoints that stay when it is gone, and restarts that give up on errors that recur."""

from __future__ import annotations

from logverse.instant import Millis

FOR_EVER = 2**31 - 1

# A job that ends leaves nothing behind and goes on from nothing: after a fault it is run again, whole. When it runs in a cluster of its
# own (a replay), that one talks to nobody else and takes little memory.
BOUNDED = {
    "execution.checkpointing.externalized-checkpoint-retention": "NO_EXTERNALIZED_CHECKPOINTS",
    "restart-strategy.type": "none",
    "rest.address": "127.0.0.1",
    "rest.bind-address": "127.0.0.1",
    "rest.bind-port": "0",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
}


def lasting(checkpoint_interval: Millis, tolerated_failures: int = 20) -> dict[str, str]:
    """Flink's settings, by their full names. `tolerated_failures`: checkpoints in a row that may fail before the job does."""
    return {
        "execution.checkpointing.interval": f"{checkpoint_interval} ms",
        "execution.checkpointing.min-pause": f"{checkpoint_interval // 2} ms",
        "execution.checkpointing.timeout": "2 min",
        "execution.checkpointing.tolerable-failed-checkpoints": str(tolerated_failures),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "30 s",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "5 min",
        # About twenty minutes of a Kafka that is away; an error that no restart mends is shown after it, not hidden for ever.
        "restart-strategy.exponential-delay.attempts-before-reset-backoff": "45",
    }
