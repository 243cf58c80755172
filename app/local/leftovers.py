"""The processes that belong to a state folder, found without a list that a killed run could leave wrong.

A database server is known by its working directory, which it keeps for life; a child of the supervisor by a
variable in its environment, which its own children inherit. Process ids on disk can be reused; these cannot.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import psutil

CHILD_OF = "SEPAKAT_CHILD_OF"
# How each server is asked to end in good order. A second SIGINT would make Valkey give up at once and exit with 1,
# and two sweeps may well ask one after the other; a second SIGTERM to it changes nothing.
SERVERS = {"postgres": signal.SIGINT, "valkey-server": signal.SIGTERM}


def find_servers(folder: Path) -> list[psutil.Process]:
    """The database server processes that work in `folder` or below it, parents before children."""
    return [process for process in _living() if _serves_under(process, folder)]


def find_children(folder: Path) -> list[psutil.Process]:
    """The supervisor's children and theirs (API, feed, worker, simulator) for `folder` or below it."""
    return [process for process in _living() if _is_under(_environment(process).get(CHILD_OF), folder)]


def end_leftovers(folder: Path) -> int:
    """Ends everything that a killed run left behind for `folder`; how many processes that were."""
    children = find_children(folder)
    _end(children, signal.SIGKILL)
    return len(children) + end_servers(folder)


def end_servers(folder: Path) -> int:
    """Ends the database servers that work in `folder`, each in good order; how many processes."""
    servers = find_servers(folder)
    pids = {server.pid for server in servers}
    # A postmaster ends its backends itself; signalled one by one they would look like crashes to it.
    _end(server for server in servers if _parent(server) not in pids)
    _end(find_servers(folder), signal.SIGKILL)
    return len(servers)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for servers of one test run: PostgreSQL's own user may enter it, its path suits a socket.

    Removed at the end with every process that belongs to it; so are those of runs that were killed.
    """
    temporary = Path("/tmp")  # noqa: S108 (mkdtemp below picks the name; tempfile.gettempdir() may be too long for a socket)
    for other in temporary.glob("sepakat-*-*"):
        if _is_abandoned(other):
            _sweep(other)
    folder = Path(mkdtemp(prefix=f"sepakat-{os.getpid()}-", dir=temporary))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        end_leftovers(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    """Whether it is ours, of a run that is no more. Another run may be sweeping it at this moment."""
    owner = folder.name.split("-")[1]
    try:
        return owner.isdigit() and folder.stat().st_uid == os.geteuid() and not psutil.pid_exists(int(owner))
    except FileNotFoundError:
        return False


def _sweep(folder: Path) -> None:
    """Removes a folder and what belongs to it; of two runs that sweep at once, the second waits for the first."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # swept by another run meanwhile
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        end_leftovers(folder)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _end(processes: Iterable[psutil.Process], first: signal.Signals | None = None, grace_s: float = 20) -> None:
    """Sends `first`, by default what the server itself takes as a request to end, then SIGKILL."""
    ending = list(processes)
    for step in (first, signal.SIGKILL):
        for process in ending:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(step or SERVERS[process.name()])
        deadline = time.monotonic() + grace_s
        while (ending := [process for process in ending if _lives(process)]) and time.monotonic() < deadline:
            time.sleep(0.01)


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:  # it ended meanwhile
        return None


def _lives(process: psutil.Process) -> bool:
    # In a container whose first process reaps nobody, an orphan that ended stays as a zombie for ever.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _living() -> Iterator[psutil.Process]:
    return (process for process in psutil.process_iter() if _lives(process))


def _serves_under(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.name() in SERVERS and _is_under(process.cwd().removesuffix(" (deleted)"), folder)
    except psutil.Error:
        return False


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def _is_under(path: str | None, folder: Path) -> bool:
    return bool(path) and Path(str(path)).is_relative_to(folder.resolve())
