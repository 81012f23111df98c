"""When a process that died is started again, and when it has failed."""

from __future__ import annotations

from deploy.local.life import DELAYS_MS, SLOW_MS, START_MS, STEADY_MS, Life


def dead(times: int, gives_up: bool) -> tuple[Life, int]:
    """A life that has died so often, each time right after its start; and when the last death was."""
    life, now = Life(gives_up), 0
    for _ in range(times):
        life.started(now)
        now += 10
        life.died(now, "exit code 1")
        now += SLOW_MS
    return life, now - SLOW_MS


def test_each_death_in_a_row_waits_longer() -> None:
    """The delays are those of the table, one after the other."""
    waits = []
    for deaths in range(1, len(DELAYS_MS) + 1):
        life, died = dead(deaths, gives_up=True)
        waits.append(next(wait for wait in sorted(DELAYS_MS) if life.due(died + wait)))

    assert waits == list(DELAYS_MS)


def test_after_the_last_delay_a_server_has_failed() -> None:
    """It stays failed, with the reason, until somebody asks for another attempt."""
    life, died = dead(len(DELAYS_MS) + 1, gives_up=True)

    assert (life.state, life.why) == ("failed", "exit code 1")
    assert not life.due(died + 10 * SLOW_MS)
    life.forgive(died + 1)
    assert life.due(died + 1)
    assert life.state == "restarting"


def test_a_service_is_tried_again_each_minute_for_ever() -> None:
    """Who delivers alerts never gives up, but says loudly that it fails."""
    life, died = dead(50, gives_up=False)

    assert life.state == "failed"
    assert not life.due(died + SLOW_MS - 1)
    assert life.due(died + SLOW_MS)


def test_a_steady_time_forgets_earlier_deaths() -> None:
    """Ready for a while: the next death starts again with the shortest delay."""
    life, died = dead(len(DELAYS_MS), gives_up=True)
    life.started(died)
    life.ready(died)

    life.died(died + STEADY_MS, "killed by signal 9")

    assert life.state == "restarting"
    assert life.due(died + STEADY_MS + DELAYS_MS[0])


def test_alive_and_never_ready_is_hanging() -> None:
    """Only the time in which what it needs was there counts."""
    life = Life(gives_up=True)
    life.started(0)
    life.excused(5_000)

    assert not life.hangs(5_000 + START_MS)
    assert life.hangs(5_001 + START_MS)


def test_ready_that_no_longer_answers_is_starting_again() -> None:
    """Not after one slow answer but after three in a row; the reason shows, and its patience starts anew."""
    life = Life(gives_up=True)
    life.started(0)
    life.ready(1_000)

    life.unready(400_000, "slow")
    life.unready(400_000, "slow")
    life.ready(400_000)
    life.unready(500_000, "does not list its topics")
    life.unready(500_000, "does not list its topics")
    assert life.state == "ready"
    life.unready(500_000, "does not list its topics")

    assert (life.state, life.why, life.hangs(500_000 + START_MS)) == ("starting", "does not list its topics", False)
