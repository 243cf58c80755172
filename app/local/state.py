"""The state folder of a local instance (`.local/`): one instance at a time works in it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from app.local.children import ROOT
from app.local.ports import suggest
from app.local.processes import Ports


class StartError(Exception):
    """The instance cannot start or go on; the message says why and what to do next."""


class AlreadyRunningError(StartError):
    """Another process works in the state folder; the message says which."""


class Holder(msgspec.Struct, frozen=True):
    """Who works in a state folder, as its lock file tells it."""

    pid: int
    api: str
    feed: str = ""
    staff: str = ""
    simulator: str = ""


def find_holder(folder: Path) -> Holder:
    """The instance that runs in a state folder. Raises StartError when none does."""
    try:
        take_lock(folder).close()
    except AlreadyRunningError:
        return msgspec.json.decode((folder / "lock").read_bytes(), type=Holder)
    except OSError:
        pass
    raise StartError("nothing runs in this checkout: start `make run` in another terminal first")


def state_folder(environment: Mapping[str, str]) -> Path:
    """SEPAKAT_STATE_DIR, or `.local` in this checkout."""
    return Path(environment.get("SEPAKAT_STATE_DIR") or ROOT / ".local").resolve()


@contextmanager
def hold_state(folder: Path, ports: Ports) -> Iterator[Path]:
    """`folder`, absolute, for this process alone until the end of the block; made if missing. Raises StartError."""
    folder = folder.resolve()
    try:
        (folder / "log").mkdir(parents=True, exist_ok=True)
        lock = take_lock(folder)
    except PermissionError as error:
        raise StartError(f"{error}: remove {folder} as its owner, or set SEPAKAT_STATE_DIR") from error
    except AlreadyRunningError as error:
        second = f"SEPAKAT_STATE_DIR={folder}-2 {suggest(ports.by_setting())} make run"
        raise StartError(f"{error} For a second one beside it, paste:\n\n    {second}") from error
    with lock:
        lock.truncate()
        addresses = (f"http://localhost:{port}" for port in (ports.api, ports.feed, ports.staff, ports.simulator))
        lock.write(msgspec.json.encode(Holder(os.getpid(), *addresses)))
        lock.flush()
        _put_logs_aside(folder / "log")
        yield folder


def take_lock(folder: Path) -> BinaryIO:
    """The lock of a state folder, held until it is closed or this process ends. Raises AlreadyRunningError."""
    lock = os.fdopen(os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644), "r+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        with lock:
            raise AlreadyRunningError(_describe_holder(folder, lock.read())) from error
    return lock


def _put_logs_aside(logs: Path) -> None:
    # The logs of the run before stay to be read; older ones go.
    for log in logs.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))


def _describe_holder(folder: Path, content: bytes) -> str:
    try:
        holder = msgspec.json.decode(content, type=Holder)
    except msgspec.DecodeError:
        return f"Sepakat is starting in {folder} already."
    return (
        f"Sepakat runs in {folder} already as process {holder.pid} at {holder.api}."
        f" Stop it with Ctrl-C there or `kill {holder.pid}`."
    )
