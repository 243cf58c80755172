"""Servers of a test that come back."""

from __future__ import annotations

import subprocess

from app.local.servers import Valkey


def start_again(valkey: Valkey) -> None:
    """A Valkey that was stopped comes back, empty, at the same address."""
    valkey.process = subprocess.Popen(valkey.process.args)
