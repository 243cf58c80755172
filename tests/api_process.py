"""The API in operating-system processes of its own, as `make run` starts it: for what must hold between processes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from app.local.ports import find_free_port
from app.local.processes import answers

START_WITHIN_S = 30


@asynccontextmanager
async def api_process(
    settings: msgspec.Struct, log: Path, *, port: int | None = None, options: Sequence[str] = ()
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one process; its output goes to `log`. `options` are further ones of the server."""
    port = port or find_free_port()
    environment = {f"SEPAKAT_{name.upper()}": str(value) for name, value in msgspec.structs.asdict(settings).items()}
    command = ["-m", "granian", "--interface", "asgi", "--factory", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            *("--workers", "1", "--workers-kill-timeout", "5", "--no-access-log", *options, "app.main:create_api"),
            env=os.environ | environment,
            stdout=output,
            stderr=output,
        )
        try:
            async with asyncio.timeout(START_WITHIN_S):
                while not await answers(port, "/health/ready"):
                    assert process.returncode is None, log.read_text()
                    await asyncio.sleep(0.1)
            limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=60) as client:
                yield client
        finally:
            process.terminate()
            await process.wait()
