"""Alive: the process answers. Ready: it reaches its database."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, get

from app.platform.database import Pool
from app.platform.problems import Busy

READY_WAIT_S = 1.0


@get("/health/live", opt={"public": True, "transaction": False, "unlimited": True}, tags=["machines"])
async def live() -> dict[str, str]:
    """Alive."""
    return {"status": "live"}


@get("/health/ready", opt={"public": True, "transaction": False, "unlimited": True}, tags=["machines"])
async def ready(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Ready to serve; 503 `busy` while the database cannot be reached."""
    pool: Pool = request.app.state.pool
    try:
        async with asyncio.timeout(READY_WAIT_S):  # the wait for a connection included
            await pool.fetchval("SELECT 1")
    except Exception as error:
        raise Busy from error
    return {"status": "ready"}
