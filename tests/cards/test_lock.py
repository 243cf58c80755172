"""A locked card is in no merge, whoever proposes it; only a proof unlocks it."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from tests.answers import code, kinds
from tests.conftest import Database
from tests.feed.conftest import Core, event
from tests.merges.merged import NEW, OLD
from tests.people import Person, Phone, add_person, days_ago


@pytest_asyncio.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, OLD, NEW)


@pytest_asyncio.fixture
async def phone(api: httpx.AsyncClient, dwi: Person) -> Phone:
    return await Phone(api).enrol(dwi)


def lock_path(person: Person, number: int = 0) -> str:
    return f"/v1/cards/{person.cards[person.kpjs[number]].card_id}/lock"


async def unlock(phone: Phone, person: Person, number: int = 0) -> httpx.Response:
    card_id = person.cards[person.kpjs[number]].card_id
    return await phone.delete(lock_path(person, number), await phone.prove("unlock", card_id))


async def test_locking_cancels_open_merges_and_keeps_others_out(phone: Phone, dwi: Person) -> None:
    old, new = dwi.kpjs
    merge = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    assert (await phone.confirm(merge)).status_code == 200

    locked = await phone.put(lock_path(dwi), None)
    assert (locked.status_code, locked.json()["locked"], locked.json()["status"]) == (200, True, "inactive")
    cancelled = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert (cancelled["state"], cancelled["closed_because"]) == ("cancelled", "card_locked")
    told = (await phone.get("/v1/inbox")).json()["entries"][:2]
    assert [entry["kind"] for entry in told] == ["merge_cancelled", "card_locked"]
    assert "salah satu kartunya dikunci" in told[0]["body"]
    assert told[0]["cause_id"] == told[1]["cause_id"]

    assert code(await phone.post("/v1/merges", {"absorb": [old], "into": new})) == (422, "card_locked")
    assert code(await phone.post("/v1/merges", {"absorb": [new], "into": old})) == (422, "card_locked")
    options = (await phone.get("/v1/merges/options")).json()["options"]
    assert not any(option["allowed"] or option["recommended"] for option in options)


async def test_locking_again_changes_nothing(phone: Phone, dwi: Person) -> None:
    first = await phone.put(lock_path(dwi), None)
    before = await kinds(phone)
    again = await phone.put(lock_path(dwi), None)
    assert again.content == first.content
    assert await kinds(phone) == before


async def test_the_agency_cannot_propose_a_locked_card(
    phone: Phone, dwi: Person, feed: httpx.AsyncClient, database: Database
) -> None:
    await phone.put(lock_path(dwi), None)
    proposal = {"absorb": [dwi.kpjs[1]], "into": dwi.kpjs[0], "reason": "Dua kartu"}
    (result,) = await Core(feed, database).send(event("merge.proposed", proposal))
    assert (result["outcome"], result["code"]) == ("rejected", "card_locked")


async def test_a_strangers_card_is_unknown(phone: Phone, database: Database) -> None:
    other = await add_person(database)
    assert code(await phone.put(lock_path(other), None)) == (404, "card_unknown")
    assert code(await unlock(phone, other)) == (404, "card_unknown")


async def test_unlocking_takes_a_proof_over_this_very_card(phone: Phone, dwi: Person, database: Database) -> None:
    await phone.put(lock_path(dwi), None)
    card, other = (dwi.cards[kpj].card_id for kpj in dwi.kpjs)

    assert (await phone.delete(lock_path(dwi))).status_code == 400
    elsewhere = await phone.prove("unlock", other, nonce=await phone.challenge("unlock", card))
    assert code(await phone.delete(lock_path(dwi, 1), elsewhere)) == (403, "proof_invalid"), (
        "the challenge is of another"
    )
    for wrong in ({"subject_id": str(other)}, {"purpose": "remove_key"}, {"nonce": "A" * 43}, {"version": 2}):
        nonce = await phone.challenge("unlock", card)
        refused = await phone.delete(lock_path(dwi), await phone.prove("unlock", card, nonce=nonce, signed=wrong))
        assert code(refused) == (403, "proof_invalid"), wrong
        again = await phone.delete(lock_path(dwi), await phone.prove("unlock", card, nonce=nonce))
        assert code(again) == (409, "challenge_spent"), "a nonce is tried once"
    merge_nonce = await phone.challenge("merge", card)
    assert code(await phone.delete(lock_path(dwi), await phone.prove("unlock", card, nonce=merge_nonce))) == (
        403,
        "proof_invalid",
    )
    assert (await phone.get(f"/v1/cards/{card}")).json()["locked"]

    unlocked = await unlock(phone, dwi)
    assert (unlocked.status_code, unlocked.json()["locked"]) == (200, False)
    assert (await kinds(phone))[0] == "card_unlocked"
    assert (await phone.post("/v1/merges", {"absorb": [dwi.kpjs[0]], "into": dwi.kpjs[1]})).status_code == 201

    connection = await database.connect()
    kept = await connection.fetchrow("SELECT * FROM unlock_proofs WHERE participant_id = $1", dwi.participant_id)
    await connection.close()
    assert kept is not None
    assert (kept["subject_id"], str(kept["device_id"])) == (card, phone.device_id)
    assert b'"purpose":"unlock"' in kept["statement"]


async def test_a_key_on_hold_unlocks_nothing(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, OLD, NEW, phone_since=days_ago(3))
    phone = await Phone(api).enrol(person)
    await phone.put(lock_path(person), None)
    assert code(await unlock(phone, person)) == (403, "hold_in_force")


async def test_the_api_role_unlocks_nothing_without_a_spent_challenge(
    phone: Phone, dwi: Person, database: Database
) -> None:
    await phone.put(lock_path(dwi), None)
    card = dwi.cards[dwi.kpjs[0]].card_id
    connection = await database.connect("sepakat_api", entering=dwi.participant_id)
    unspent = uuid4().bytes * 2
    await connection.execute(
        "INSERT INTO challenges (nonce, purpose, participant_id, subject_id, expires_at, spent_at)"
        " VALUES ($1, 'unlock', $2, $3, now(), NULL)",
        unspent,
        dwi.participant_id,
        card,
    )
    for nonce in (unspent, uuid4().bytes * 2):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await connection.execute(
                "SELECT unlock_card($1, $2, $3, $4, 'x', '{}')",
                dwi.participant_id,
                card,
                UUID(phone.device_id),
                nonce,
            )
        assert refused.value.constraint_name == "unlock_takes_its_challenge"
    await connection.close()


async def test_a_merge_of_a_locked_card_goes_nowhere_by_sql_either(
    phone: Phone, dwi: Person, database: Database
) -> None:
    old, new = (dwi.cards[kpj].card_id for kpj in dwi.kpjs)
    await phone.put(lock_path(dwi), None)
    connection = await database.connect("sepakat_api", entering=dwi.participant_id)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await connection.execute(
            """INSERT INTO merges (participant_id, merge_id, state, proposed_by, absorb, into_card, proposed_at, cause_id)
            SELECT $1, $2, 'proposed', 'participant', ARRAY[$3::uuid], $4, now(), record_cause($1, 'participant', 'x')""",
            dwi.participant_id,
            uuid4(),
            old,
            new,
        )
    assert refused.value.constraint_name == "locked_card_is_in_no_merge"
    await connection.close()
