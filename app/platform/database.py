"""The connection pool, with every wait bounded."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:  # asyncpg's classes are generic in their stubs only
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]
else:
    Pool: TypeAlias = asyncpg.Pool
    Connection: TypeAlias = PoolConnectionProxy

COMMAND_TIMEOUT_S = 30.0
LOST_RACES = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
"""A transaction that ended so was undone whole, and may be tried again."""
WRITES = {"default_transaction_read_only": "off"}
"""Of an operator's session that also writes; the role's own default is to read."""


async def connect(url: str, *, size: int, application: str) -> Pool:
    """A pool of at most `size` connections as the role that the URL names. Close it with `pool.close()`."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        init=_prepare,
        reset=_reset,
        command_timeout=COMMAND_TIMEOUT_S,
        server_settings={"application_name": application, "timezone": "UTC"},
    )


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=json.loads)


def _encode(value: Any) -> str:
    """Structs, times and ids too, as they are."""
    return msgspec.json.encode(value).decode()


async def _reset(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Nothing to reset: no session state is ever set, and asyncpg ends an open transaction before it asks."""


@asynccontextmanager
async def as_operator(url: str, **session: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A session in the operator's role: to another, row-level security would show nothing, as if there were nothing to tell.

    It only reads, unless `session`, settings of the database, has WRITES. Raises PostgresError for who may not act as it.
    """
    connection = await asyncpg.connect(url, server_settings={"role": "sepakat_operator", **session})
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def transaction(pool: Pool, *, wait_s: float) -> AsyncIterator[Connection]:
    """One transaction on a connection of the pool. Raises TimeoutError when none comes free within `wait_s` seconds."""
    async with pool.acquire(timeout=wait_s) as connection, connection.transaction():
        yield connection


def new_id() -> uuid.UUID:
    """A fresh opaque id."""
    return uuid.uuid4()
