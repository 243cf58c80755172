"""A whole Sepakat on this machine: servers, schema, demo people, and the product's own processes, supervised.

`make run` keeps one open until it is told to stop; tests and `make story` open one for a while:

    async with instance(folder, api_port=…, feed_port=…, staff_port=…, simulator_port=…, environment={}) as running:
        … running.api …
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from app.local.bootstrap import (
    ROLES,
    complete_url,
    keep_data_keys,
    keep_environment,
    keep_receipt_keys,
    keep_secrets,
    prepare_database,
    role_url,
)
from app.local.children import Child
from app.local.leftovers import end_leftovers
from app.local.ports import describe_taken
from app.local.processes import (
    HEALTH,
    Ports,
    answers,
    data_keys,
    hms_credentials,
    plan_children,
    plan_import,
    receipt_keys,
    service_account,
    shared_environment,
)
from app.local.servers import Postgres, Valkey, start_postgres, start_valkey
from app.local.simulator_accounts import write_service_account
from app.local.simulator_hms import write_hms_credentials
from app.local.state import StartError, hold_state

READY_WITHIN_S = 60
RESTARTS = 5
RESTARTS_WITHIN_S = 60
RESTART_AFTER_S = 1.0
Say = Callable[[str], None]


class Running:
    """An instance that is up. `processes` are by name: simulator, api, feed, staff, worker."""

    def __init__(self, folder: Path, ports: Ports, say: Say) -> None:
        self.folder = folder
        self.ports = ports
        self.api = f"http://localhost:{ports.api}"
        self.feed = f"http://localhost:{ports.feed}"
        self.staff = f"http://localhost:{ports.staff}"
        self.simulator = f"http://localhost:{ports.simulator}"
        self.postgres: Postgres | None = None  # None: SEPAKAT_DATABASE_URL names a server
        self.valkey: Valkey | None = None  # None: SEPAKAT_REDIS_URL names a server
        self.admin_url = ""
        self.database_urls: dict[str, str] = {}  # by role
        self.environment: dict[str, str] = {}  # the API's
        self.processes: dict[str, Child] = {}
        self._say = say
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        """Returns never; raises StartError when a process keeps ending."""
        await self._broken

    async def start(self) -> None:
        """Starts all processes; returns when they are ready. Raises StartError with the log of one that is not."""
        for child in self.processes.values():
            await child.start()
        for child in self.processes.values():
            await self._become_ready(child)
            self._guard(child)

    async def restart(self, name: str) -> None:
        """Ends one process and returns when its successor is ready."""
        await self._let_go(name)
        child = self.processes[name]
        await child.stop()
        await child.start()
        await self._become_ready(child)
        self._guard(child)

    async def halt(self, name: str) -> None:
        """Ends one process, until it is restarted."""
        await self._let_go(name)
        await self.processes[name].stop()

    async def stop(self) -> None:
        """Ends all processes; the simulator last, since others may still be sending."""
        for name in list(self._keepers):
            await self._let_go(name)
        senders = [child for child in self.processes.values() if child.name != "simulator"]
        await asyncio.gather(*(child.stop() for child in senders))
        if "simulator" in self.processes:
            await self.processes["simulator"].stop()
        self._broken.cancel()

    async def _become_ready(self, child: Child) -> None:
        port = getattr(self.ports, child.name, None)
        deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
        while child.returncode is None and asyncio.get_running_loop().time() < deadline:
            if port is None or await answers(port, HEALTH[child.name]):
                return
            await asyncio.sleep(0.05)
        how = "is not ready" if child.returncode is None else f"ended with {child.returncode}"
        raise StartError(f"{child.name} {how}. The end of {child.log}:\n{child.tail()}")

    def _guard(self, child: Child) -> None:
        keeper = asyncio.create_task(self._keep(child))
        keeper.add_done_callback(self._note_end)
        self._keepers[child.name] = keeper

    def _note_end(self, keeper: asyncio.Task[None]) -> None:
        error = None if keeper.cancelled() else keeper.exception()
        if error is not None and not self._broken.done():
            self._broken.set_exception(error)

    async def _keep(self, child: Child) -> None:
        ended: deque[float] = deque(maxlen=RESTARTS + 1)
        while True:
            code = await child.wait()
            ended.append(asyncio.get_running_loop().time())
            if len(ended) > RESTARTS and ended[-1] - ended[0] < RESTARTS_WITHIN_S:
                message = f"{child.name} ended {len(ended)} times within a minute. The end of {child.log}:"
                raise StartError(f"{message}\n{child.tail()}")
            self._say(f"{child.name} ended with {code}; starting it again (log: {child.log})")
            await asyncio.sleep(RESTART_AFTER_S)
            await child.start()

    async def _let_go(self, name: str) -> None:
        keeper = self._keepers.pop(name, None)
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)


def _keep_quiet(_line: str) -> None:
    return


@asynccontextmanager
async def instance(
    folder: Path,
    *,
    api_port: int,
    feed_port: int,
    staff_port: int,
    simulator_port: int,
    environment: Mapping[str, str] | None = None,
    durable: bool = True,
    say: Say = _keep_quiet,
) -> AsyncIterator[Running]:
    """An instance with its state in `folder`, up on entry, and without a process left on exit.

    `environment` holds SEPAKAT_ settings (default: this process's environment); `durable=False` spares the disk
    in tests; `say` takes lines for a person. Raises StartError, ServerError.
    """
    chosen = os.environ if environment is None else environment
    ports = Ports(api=api_port, feed=feed_port, staff=staff_port, simulator=simulator_port)
    with hold_state(folder, ports) as folder:
        left = end_leftovers(folder)
        if left:
            say(f"ended {left} processes that an earlier run left behind")
        taken = describe_taken(ports.by_setting())
        if taken:
            raise StartError(taken)
        async with AsyncExitStack() as stack:
            running = Running(folder, ports, say)
            _start_servers(running, chosen, stack, durable=durable)
            await _prepare(running, chosen)
            stack.push_async_callback(running.stop)
            await running.start()
            terminal = running.folder / "environment"
            keep_environment(terminal, running.environment | {"SEPAKAT_DATABASE_URL": running.admin_url})
            stack.callback(terminal.unlink, missing_ok=True)
            yield running


def _start_servers(running: Running, chosen: Mapping[str, str], stack: AsyncExitStack, *, durable: bool) -> None:
    running.admin_url = complete_url(chosen.get("SEPAKAT_DATABASE_URL", ""))
    if not chosen.get("SEPAKAT_DATABASE_URL"):
        running.postgres = start_postgres(running.folder, durable=durable)
        stack.callback(running.postgres.stop)
        running.admin_url = running.postgres.url("sepakat", "postgres")
    if not chosen.get("SEPAKAT_REDIS_URL"):
        running.valkey = start_valkey(running.folder)
        stack.callback(running.valkey.stop)


async def _prepare(running: Running, chosen: Mapping[str, str]) -> None:
    """Brings the database to the newest schema, loads the demo people and plans the processes."""
    secrets = keep_secrets(running.folder)
    keep_receipt_keys(receipt_keys(running.folder))
    keep_data_keys(data_keys(running.folder))
    await prepare_database(running.admin_url, secrets.passwords)
    running.database_urls = {role: role_url(running.admin_url, role, secrets.passwords[role]) for role in ROLES}
    redis_url = running.valkey.url if running.valkey else chosen["SEPAKAT_REDIS_URL"]
    shared = shared_environment(running.folder, running.ports, secrets, redis_url, chosen)
    write_service_account(service_account(running.folder), running.simulator)
    write_hms_credentials(hms_credentials(running.folder))
    running.environment = shared | {"SEPAKAT_DATABASE_URL": running.database_urls["sepakat_api"]}
    logs = running.folder / "log"
    running.processes = plan_children(running.folder, shared, running.ports, running.database_urls)
    people = plan_import(shared, running.database_urls, logs)
    try:
        await people.start()
        if await people.wait() != 0:
            raise StartError(f"the demo people could not be loaded. The end of {people.log}:\n{people.tail()}")
    finally:
        await people.stop()
