"""Connections that take nothing: cut off by the kernel, which alone sees what the other end has taken."""

from __future__ import annotations

import errno
import os
import socket
import stat
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
    for number in [int(entry.name) for entry in DESCRIPTORS.iterdir()]:
        with suppress(OSError), _socket_of(number) as listening:
            if listening.family in (socket.AF_INET, socket.AF_INET6) and listening.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            ):
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(after_s * 1000))
                found = True
    return found


def _socket_of(number: int) -> socket.socket:
    """Another handle of this descriptor. Raises OSError when it is no socket, or closed by now."""
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        raise OSError(errno.ENOTSOCK, "not a socket")
    return socket.socket(fileno=os.dup(number))
