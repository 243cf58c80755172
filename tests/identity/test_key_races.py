"""A key that was removed or put on hold while its request waited does nothing any more.

The request is made to wait by holding the participant's head, and meanwhile its key goes: what was proved before that counts
for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest

from tests.conftest import Database
from tests.people import Person, Phone, add_person

WAITING = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = 'sepakat_api' AND wait_event_type = 'Lock'"""
REMOVE = """UPDATE devices SET removed_at = current_instant(), cause_id = record_cause($1, 'unexplained', 'tests')
    WHERE participant_id = $1 AND device_id = $2::text::uuid"""
HOLD = """UPDATE devices SET hold_until = current_instant() + interval '1 day'
    WHERE participant_id = $1 AND device_id = $2::text::uuid"""


async def answer_after(
    database: Database, person: Person, phone: Phone, sql: str, ask: Coroutine[Any, Any, httpx.Response]
) -> httpx.Response:
    """The answer to a request of this phone that waits for the head until `sql` has happened to the phone."""
    superuser, watcher = await database.connect(), await database.connect()
    async with superuser.transaction():
        await superuser.execute("SELECT lock_participant($1)", person.participant_id)
        asking = asyncio.create_task(ask)
        async with asyncio.timeout(4):
            while not await watcher.fetchval(WAITING):  # noqa: ASYNC110 - what it waits for is in PostgreSQL
                await asyncio.sleep(0.02)
        await superuser.execute(sql, person.participant_id, phone.device_id)
    await superuser.close()
    await watcher.close()
    return await asking


async def signed(phone: Phone, purpose: str, subject_id: str) -> dict[str, Any]:
    nonce = await phone.challenge(purpose, subject_id)
    statement = {
        "version": 1,
        "purpose": purpose,
        "device_id": phone.device_id,
        "subject_id": subject_id,
        "nonce": nonce,
    }
    return {"nonce": nonce, "proof": phone.proof(statement)}


@pytest.mark.parametrize(("sql", "code"), [(REMOVE, "proof_invalid"), (HOLD, "hold_in_force")])
async def test_two_phones_that_remove_each_other_leave_one(
    api: httpx.AsyncClient, database: Database, sql: str, code: str
) -> None:
    person = await add_person(database)
    thief, other = await Phone(api, "Dicuri").enrol(person), await Phone(api, "Lain").enrol(person)
    body = await signed(thief, "remove_key", other.device_id)
    removal = thief.delete(f"/v1/devices/{other.device_id}", body)
    answer = await answer_after(database, person, thief, sql, removal)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert (await other.get("/v1/me")).status_code == 200


@pytest.mark.parametrize(("sql", "code"), [(REMOVE, "proof_invalid"), (HOLD, "hold_in_force")])
async def test_no_card_is_unlocked_by_a_phone_that_is_gone(
    api: httpx.AsyncClient, database: Database, sql: str, code: str
) -> None:
    person = await add_person(database)
    thief, other = await Phone(api, "Dicuri").enrol(person), await Phone(api, "Lain").enrol(person)
    card_id = str(next(iter(person.cards.values())).card_id)
    assert (await other.put(f"/v1/cards/{card_id}/lock", None)).status_code == 200
    unlocking = thief.delete(f"/v1/cards/{card_id}/lock", await signed(thief, "unlock", card_id))
    answer = await answer_after(database, person, thief, sql, unlocking)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    kinds = [entry["kind"] for entry in (await other.get("/v1/inbox")).json()["entries"]]
    assert "card_unlocked" not in kinds
