"""What a socket that listens hands down to the connections that it accepts."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from app.platform.stalls import cut_off_stalled

DESCRIPTORS = Path("/proc/self/fd")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason=f"{sys.platform} has no such option")
def test_what_is_accepted_from_now_on_is_cut_off_and_no_descriptor_is_left_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        before = len(list(DESCRIPTORS.iterdir()))
        assert cut_off_stalled(7)
        assert len(list(DESCRIPTORS.iterdir())) == before
        with socket.create_connection(listening.getsockname()) as calling:
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
            assert calling.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
