"""Connections that take nothing: cut off by the kernel, which alone sees what the other end has taken."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

DESCRIPTORS = Path("/proc/self/fd")


def cut_off_stalled(after_s: float) -> bool:
    """From here on, a connection that this process accepts is closed when what was sent to it has been waiting for so
    long: its reader stopped reading, or is gone without a word. True once that is so.

    The server listens after the application has started, and says nowhere on which socket; what is accepted inherits from
    the socket that listens. Elsewhere than on Linux the kernel's own limits stand, and this is True.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT") or not DESCRIPTORS.exists():
        return True
    found = False
    for entry in list(DESCRIPTORS.iterdir()):
        with suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as listening:
            if listening.family in (socket.AF_INET, socket.AF_INET6) and listening.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            ):
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(after_s * 1000))
                found = True
    return found
