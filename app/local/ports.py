"""Ports on this machine: which are free, and what to say when one is not."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


BELOW_EPHEMERAL = range(20_000, 32_000)
"""Where no outgoing connection takes a port between our finding it and its server's binding it."""


def find_free_port() -> int:
    """A port of the loopback that was free a moment ago, chosen at random: others choose at the same time."""
    while True:
        port = random.SystemRandom().choice(BELOW_EPHEMERAL)
        if is_free(port):
            return port


def find_free_ports() -> tuple[int, int, int, int]:
    """For the API, the feed, the staff and the simulator, which takes the port after its own too."""
    while True:
        api, feed, staff, simulator = (find_free_port() for _ in range(4))
        if len({api, feed, staff, simulator, simulator + 1}) == 5 and is_free(simulator + 1):
            return api, feed, staff, simulator


def is_free(port: int) -> bool:
    """Whether nothing listens on this port of the loopback, by IPv4 or IPv6 (`localhost` may mean either)."""
    for family, address in LOOPBACK.items():
        if family == socket.AF_INET6 and not _has_ipv6():
            continue
        with socket.socket(family) as probe:
            # Connections of a run that just ended may linger; only a listener counts.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def describe_taken(ports: Mapping[str, tuple[int, ...]]) -> str | None:
    """What to tell a person if one of `ports` (by setting) is taken, and a line to paste; else None."""
    taken = [f"port {port} ({setting})" for setting, needed in ports.items() for port in needed if not is_free(port)]
    if not taken:
        return None
    verb = "is" if len(taken) == 1 else "are"
    return (
        f"{' and '.join(taken)} {verb} taken by another program. Stop that one, or paste:"
        f"\n\n    {suggest(ports)} make run"
    )


def suggest(ports: Mapping[str, tuple[int, ...]]) -> str:
    """Free ports for the same settings, as an environment for a command line."""
    for offset in range(100, 50_000, 100):
        moved = {
            setting: [(port + offset - 1024) % 64_000 + 1024 for port in needed] for setting, needed in ports.items()
        }
        if all(is_free(port) for needed in moved.values() for port in needed):
            break
    return " ".join(f"{setting}={needed[0]}" for setting, needed in moved.items())


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((LOOPBACK[socket.AF_INET6], 0))
    except OSError:
        return False
    return True
