"""Ports of a stack: free ones, chosen once and kept in the home, so that addresses outlive a crash or a reboot."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterable

from deploy.local.home import Home, read_json, write_json
from logverse.errors import TryAgain

# Below the range that systems hand to outgoing connections (32768 on Linux): nobody is given our port while we are down.
LOWEST, HIGHEST = 20_000, 32_000
ATTEMPTS = 200


def choose(
    wanted: Iterable[str],
    kept: dict[str, int],
    free: Callable[[int], bool],
    draw: Callable[[], int] = lambda: random.randint(LOWEST, HIGHEST),  # noqa: S311 (no secret)
) -> tuple[dict[str, int], list[str]]:
    """A port for every use: the kept one while it is free, else a new one; and the uses whose kept port a stranger has taken."""
    chosen = {use: kept[use] for use in wanted if use in kept and free(kept[use])}
    for use in wanted:
        if use not in chosen:
            chosen[use] = _fresh({*chosen.values(), *kept.values()}, free, draw)
    return chosen, [use for use in wanted if use in kept and chosen[use] != kept[use]]


def settle(home: Home, wanted: Iterable[str]) -> list[str]:
    """Choose and keep the ports of this home; call only while none of its servers runs. Says in words what had to move."""
    path = home / "ports.json"
    kept = {use: port for use, port in read_json(path).items() if isinstance(port, int)}
    chosen, moved = choose(list(wanted), kept, is_free)
    write_json(path, kept | chosen)
    return [f"port {kept[use]} ({use}) is taken by another program now; {use} moves to {chosen[use]}" for use in moved]


def is_free(port: int) -> bool:
    """Could a server bind this port on loopback now? (What a dead server left in TIME_WAIT does not count.)"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Does anybody accept connections there?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def _fresh(taken: set[int], free: Callable[[int], bool], draw: Callable[[], int]) -> int:
    for _ in range(ATTEMPTS):
        port = draw()
        if port not in taken and free(port):
            return port
    raise TryAgain(f"no free port between {LOWEST} and {HIGHEST} after {ATTEMPTS} attempts")
