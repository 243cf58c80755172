"""A signed root over the heads of all histories, at intervals: nobody can be shown another history than the next one.

Heads are leaves of a Merkle tree of 4,096 subtrees (`bucket_of`). A head is taken up as it stands when it has moved on,
never otherwise: a history that was rewritten keeps its old leaf, and its proof of inclusion fails.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import rfc8785
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from app.history.merkle import EMPTY, Step, find_path, find_root
from app.history.written import write_instant
from app.platform import database
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.signing import Signed, SigningKeys, read_signing_keys
from app.platform.sql import load
from app.settings import Settings

SQL = load("history/roots")
BUCKETS = 4096
EVERY_S = 3600
PREFETCH = 10_000
WITHIN_S = 600.0
TYPE = "sepakat-root"


class Root(msgspec.Struct, frozen=True):
    """One root; hashes are hex. `previous` is SHA-256 of what was signed for the root before. `signed` says it all."""

    number: int
    made_at: datetime
    heads: int
    root: str
    previous: str | None
    signed: Signed


class Roots(msgspec.Struct, frozen=True):
    roots: list[Root]
    next_cursor: str | None


class Inclusion(msgspec.Struct, frozen=True):
    """That a head, as it was at `seq`, is among those of a root: the way up through the tree, and the root."""

    seq: int
    path: list[Step]
    signed: Signed


@get("/v1/roots", opt={"public": True}, tags=["machines"])
async def list_roots(
    connection: NamedDependency[Connection],
    cursor: Annotated[str | None, QueryParameter(max_length=20)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Roots:
    """All signed roots, newest first. Keep one: no history can be rewritten behind it unseen."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise RequestInvalid(errors=[{"field": "cursor", "reason": "not a cursor that was handed out"}])
    rows = await connection.fetch(SQL["page"], int(cursor) if cursor else None, limit + 1)
    return Roots(
        roots=[_present(row) for row in rows[:limit]],
        next_cursor=str(rows[limit - 1]["number"]) if len(rows) > limit else None,
    )


async def make_root(connection: Connection, keys: SigningKeys, *, not_before_s: int = EVERY_S) -> int | None:
    """Makes and signs the next root in the transaction of `connection`. Its number, or None when none is made.

    None: the newest is younger than `not_before_s` seconds, somebody else is at it, or there is no history yet.
    """
    newest = await connection.fetchrow(SQL["newest"], not_before_s)
    if (newest is not None and not newest["due"]) or not await connection.fetchval(SQL["lock"]):
        return None
    newest = await connection.fetchrow(SQL["newest"], not_before_s)
    if newest is not None and not newest["due"]:
        return None  # made by another worker between the look and the lock
    await connection.fetchrow(SQL["allow_time"])
    await _refresh_buckets(connection)
    rows = await connection.fetch(SQL["buckets"])
    if not rows:
        return None
    root = find_root(_all_buckets((row["bucket"], row["root"]) for row in rows))
    heads = sum(row["heads"] for row in rows)
    number = newest["number"] + 1 if newest else 1
    previous = _digest_of(newest["signed"]) if newest else None
    made_at = await connection.fetchval(SQL["now"])
    payload = {
        "version": 1,
        "number": number,
        "made_at": write_instant(made_at),
        "heads": heads,
        "root": root.hex(),
        "previous": previous.hex() if previous else None,
    }
    signed = msgspec.to_builtins(keys.sign(rfc8785.dumps(payload), type_=TYPE))
    await connection.execute(SQL["keep"], number, made_at, heads, root, previous, signed)
    return number


async def make_root_now(settings: Settings) -> int | None:
    """Makes the next root, due or not, on a connection of its own."""
    pool = await database.connect(settings.database_url, size=1, application="roots")
    try:
        async with database.transaction(pool, wait_s=settings.pool_wait_s) as connection:
            return await make_root(connection, read_signing_keys(settings.receipt_keys), not_before_s=0)
    finally:
        await pool.close()


async def find_inclusion(connection: Connection, participant_id: UUID) -> Inclusion | None:
    """The proof that this participant's history is in the newest root; None before the first root that holds it."""
    row = await connection.fetchrow(SQL["inclusion"], participant_id)
    if row is None:
        return None
    buckets = _all_buckets(zip(row["buckets"], row["bucket_roots"], strict=True))
    path = find_path(row["leaves"], row["place"]) + find_path(buckets, row["bucket"])
    return Inclusion(seq=row["seq"], path=path, signed=msgspec.convert(row["signed"], Signed))


async def _refresh_buckets(connection: Connection) -> None:
    """Takes up every head that has moved on, and makes the roots of their buckets anew; memory for one bucket at a time."""
    changed = [row["bucket"] for row in await connection.fetch(SQL["refresh"], timeout=WITHIN_S)]
    made: list[tuple[int, int, bytes]] = []
    bucket, leaves = -1, list[bytes]()
    async for row in connection.cursor(SQL["leaves"], changed, prefetch=PREFETCH, timeout=WITHIN_S):
        if row["bucket"] != bucket and leaves:
            made.append((bucket, len(leaves), find_root(leaves)))
            leaves = []
        bucket = row["bucket"]
        leaves.append(row["leaf"])
    if leaves:
        made.append((bucket, len(leaves), find_root(leaves)))
    await connection.execute(SQL["keep_buckets"], *([row[column] for row in made] for column in range(3)))


def _all_buckets(known: Iterable[tuple[int, bytes]]) -> list[bytes]:
    roots = [EMPTY] * BUCKETS
    for bucket, root in known:
        roots[bucket] = root
    return roots


def _digest_of(signed: dict[str, Any]) -> bytes:
    payload = signed["payload"]
    return hashlib.sha256(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).digest()


def _present(row: Any) -> Root:
    return Root(
        number=row["number"],
        made_at=row["made_at"],
        heads=row["heads"],
        root=row["root"].hex(),
        previous=row["previous"].hex() if row["previous"] else None,
        signed=msgspec.convert(row["signed"], Signed),
    )
