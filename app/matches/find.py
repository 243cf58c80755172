"""Looks for cards that may be somebody's, without going through the country: by keyed look-ups of the newly queued."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from app.matches.match import RULES_VERSION, Identity, judge, keys_to_look_for, own_keys
from app.platform.database import Pool, connect, new_id
from app.platform.jobs import Doorbell, Jobs
from app.platform.sealing import Sealer, read_sealer
from app.platform.sql import load
from app.settings import Settings

SQL = load("matches/find")
AT_ONCE = 200


class Queued(msgspec.Struct, frozen=True):
    """Somebody to look at. `looking`: alive, and without an objection to being suggested cards."""

    participant_id: UUID
    queued_at: datetime
    identity: Identity
    looking: bool


async def find_now(settings: Settings) -> int:
    """For a hand at the keyboard: looks at everybody who is queued, rings, and returns how many cards were suggested."""
    pool, jobs = (
        await connect(settings.database_url, size=2, application="matches find"),
        Jobs(settings.redis_url, settings.secret),
    )
    try:
        suggested, doorbell = await find_matches(pool, settings)
        await jobs.ring(doorbell)
        return suggested
    finally:
        await jobs.close()
        await pool.close()


async def find_matches(pool: Pool, settings: Settings) -> tuple[int, Doorbell]:
    """Looks at everybody who is queued. Returns how many cards were suggested, and whom to ring for."""
    doorbell = Doorbell()
    suggested = 0
    sealer = read_sealer(settings.data_keys)
    while queued := [
        Queued(row["participant_id"], row["queued_at"], _open(sealer, row), row["looking"])
        for row in await pool.fetch(SQL["queued"], AT_ONCE)
    ]:
        # Keys are committed before anybody looks: of two who are looked at at once, at least one sees the other.
        await _keep_keys(pool, settings.secret, queued)
        suggested += await _look(pool, settings, queued, doorbell)
        await pool.execute(
            SQL["done"], [person.participant_id for person in queued], [person.queued_at for person in queued]
        )
        if len(queued) < AT_ONCE:
            break
    return suggested, doorbell


def _open(sealer: Sealer, row: asyncpg.Record) -> Identity:
    nik = sealer.open(row["nik_sealed"], column="nik", row=row["participant_id"])
    return Identity(nik, row["name"], row["birth_date"])


async def _keep_keys(pool: Pool, secret: str, queued: Sequence[Queued]) -> None:
    pairs = [(key, person.participant_id) for person in queued for key in own_keys(person.identity, secret)]
    keys, owners = [key for key, _ in pairs], [owner for _, owner in pairs]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(SQL["forget_keys"], list(set(owners)), keys)
        await connection.execute(SQL["keep_keys"], keys, owners)


async def _look(pool: Pool, settings: Settings, queued: Sequence[Queued], doorbell: Doorbell) -> int:
    living = {person.participant_id: person.identity for person in queued if person.looking}
    sought = [(key, owner) for owner, identity in living.items() for key in keys_to_look_for(identity, settings.secret)]
    rows = await pool.fetch(SQL["candidates"], [key for key, _ in sought], [owner for _, owner in sought])
    suggested, sealer = 0, read_sealer(settings.data_keys)
    for row in rows:
        mine = row["looking"], living[row["looking"]]
        other = row["participant_id"], _open(sealer, row)
        for (owner, identity), (holder, held) in ((mine, other), (other, mine)):
            rule = judge(identity, held)
            if rule is not None:
                suggested += await _suggest(pool, owner, holder, rule, doorbell)
    return suggested


async def _suggest(pool: Pool, owner: UUID, holder: UUID, rule: str, doorbell: Doorbell) -> int:
    """Suggests every card of `holder` to `owner`, one transaction each."""
    suggested = 0
    for card in await pool.fetch(SQL["cards"], holder):
        async with pool.acquire() as connection, connection.transaction():
            years = card["from_year"], card["to_year"]
            suggestion = (owner, new_id(), holder, card["card_id"], card["employer_id"], *years, rule, RULES_VERSION)
            told = await connection.fetchrow(SQL["suggest"], *suggestion)
        if told is not None and told["is_new"]:
            doorbell.ring(owner, told["lane"])
            suggested += 1
    return suggested
