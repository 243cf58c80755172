"""The worker believes nothing that it has not verified: forged confirmations, moved cards, and time running out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.conftest import Database
from tests.merges.conftest import Settle
from tests.people import NewCard, Person, Phone, add_person

Wait = Callable[[int], Awaitable[None]]


async def dwi_with_a_proposal(api: httpx.AsyncClient, database: Database) -> tuple[Person, Phone, dict[str, Any]]:
    person = await add_person(
        database,
        NewCard(balance=14_265_493, opened_on=date(2013, 3, 1)),
        NewCard(balance=9_910_352, status="active", opened_on=date(2019, 2, 1)),
    )
    phone = await Phone(api).enrol(person)
    merge = (await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})).json()
    return person, phone, merge


FORGE = """INSERT INTO confirmations SELECT participant_id, $2, merge_id, 'merge', plan_digest, $3, $4, $5, $6, $7, $8,
    current_instant() FROM merges WHERE participant_id = $1 AND merge_id = $9"""
STEP = """UPDATE merges SET state = 'confirmed', confirmation_id = $3, confirmed_at = current_instant(),
    executes_at = now() - interval '1 day', cause_id = record_cause(participant_id, 'participant', 'insider')
    WHERE participant_id = $1 AND merge_id = $2"""


@pytest.mark.parametrize("with_a_real_signature", [False, True])
async def test_a_confirmation_forged_by_sql_is_not_executed(
    api: httpx.AsyncClient, database: Database, settle_due: Settle, *, with_a_real_signature: bool
) -> None:
    """An insider with the API's database role and even a genuine signature has no seal."""
    person, phone, merge = await dwi_with_a_proposal(api, database)
    codes = merge["plan"]["to_acknowledge"]
    statement = {
        "version": 1,
        "purpose": "merge",
        "device_id": phone.device_id,
        "merge_id": merge["id"],
        "plan_digest": merge["plan_digest"],
        "acknowledged": codes,
        "nonce": "A" * 43,
    }
    signature = phone.sign(statement) if with_a_real_signature else "A" * 86

    text = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    proof = json.dumps({"type": "device_key", "device_id": phone.device_id, "signature": signature})
    confirmation_id = uuid4()
    insider = await database.connect("sepakat_api", entering=person.participant_id)
    async with insider.transaction():
        await insider.execute(
            FORGE,
            person.participant_id,
            confirmation_id,
            codes,
            phone.device_id,
            bytes(32),
            text,
            proof,
            bytes(32),
            merge["id"],
        )
        await insider.execute(STEP, person.participant_id, merge["id"], confirmation_id)
    await insider.close()
    await settle_due()
    back = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert (back["state"], back["last_refusal"]["code"]) == ("proposed", "confirmation_not_genuine")
    assert [card["status"] for card in (await phone.get("/v1/cards")).json()["cards"]] == ["active", "inactive"]


async def test_the_database_refuses_a_plan_that_differs_even_when_the_worker_asks(
    api: httpx.AsyncClient, database: Database, wait: Wait
) -> None:
    person, phone, merge = await dwi_with_a_proposal(api, database)
    assert (await phone.confirm(merge)).status_code == 200
    superuser = await database.connect()
    await superuser.execute(
        "UPDATE cards SET lifecycle = 'arrears' WHERE participant_id = $1 AND kpj = $2",
        person.participant_id,
        person.kpjs[1],
    )
    await superuser.close()
    await wait(21)
    worker = await database.connect("sepakat_worker")
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await worker.execute("SELECT execute_merge($1, $2, interval '30 days')", person.participant_id, merge["id"])
    assert refused.value.constraint_name == "plan_equals_the_cards"
    await worker.close()


async def test_money_that_moves_after_the_execution_in_its_transaction_undoes_it(
    api: httpx.AsyncClient, database: Database, wait: Wait
) -> None:
    person, phone, merge = await dwi_with_a_proposal(api, database)
    assert (await phone.confirm(merge)).status_code == 200
    await wait(21)
    superuser = await database.connect()
    transaction = superuser.transaction()
    await transaction.start()
    await superuser.execute("SELECT execute_merge($1, $2, interval '30 days')", person.participant_id, merge["id"])
    await superuser.execute(
        """SELECT apply_changes(ARRAY[ROW($1, $2, record_cause($1, 'core', 'insider'), 'growth_credited', 'growth', 5,
        current_date, NULL, NULL, 2026, NULL, NULL, NULL, NULL, NULL)::card_change])""",
        person.participant_id,
        person.cards[person.kpjs[1]].card_id,
    )
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await transaction.commit()
    assert refused.value.constraint_name == "execution_equals_the_confirmed_plan"
    await superuser.close()


async def test_a_merge_is_executed_once(api: httpx.AsyncClient, database: Database, cool_off: Settle) -> None:
    person, phone, merge = await dwi_with_a_proposal(api, database)
    assert (await phone.confirm(merge)).status_code == 200
    await cool_off()
    await cool_off()
    reader = await database.connect()
    legs = await reader.fetch(
        "SELECT kind, amount, balance_after, received_for_kpj FROM ledger_entries WHERE participant_id = $1 AND transfer_id = $2"
        " ORDER BY amount",
        person.participant_id,
        merge["id"],
    )
    assert [tuple(leg) for leg in legs] == [
        ("merge_out", -14_265_493, 0, None),
        ("merge_in", 14_265_493, 24_175_845, person.kpjs[0]),
    ]
    told = await reader.fetch(
        """SELECT h.kind, h.card_id IS NULL AS step, o.seq IS NOT NULL AS queued FROM history AS h
        LEFT JOIN outbox AS o USING (participant_id, seq)
        WHERE h.participant_id = $1 AND h.cause_id = (SELECT cause_id FROM history WHERE participant_id = $1
            AND kind = 'merge_executed') ORDER BY h.seq""",
        person.participant_id,
    )
    assert [tuple(row) for row in told] == [
        ("card_merged", False, True),
        ("card_received_merge", False, True),
        ("merge_executed", True, True),
    ]
    await reader.close()


async def test_a_claim_that_opens_during_the_cooling_off_sends_the_merge_back(
    api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person, phone, merge = await dwi_with_a_proposal(api, database)
    assert (await phone.confirm(merge)).status_code == 200
    feed = await database.connect("sepakat_feed")
    async with feed.transaction():
        await feed.execute(
            """SELECT apply_changes(ARRAY[ROW($1, $2, record_cause($1, 'core', 'x'), 'claim_opened', NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, '{"claim_id": "K-1"}', NULL)::card_change])""",
            person.participant_id,
            person.cards[person.kpjs[0]].card_id,
        )
    await feed.close()
    await cool_off()
    back = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert (back["state"], back["last_refusal"]["code"]) == ("proposed", "claim_pending")
    refused = await phone.confirm(back)
    assert (refused.status_code, refused.json()["code"], refused.json()["claim_id"]) == (422, "claim_pending", "K-1")


async def test_an_unanswered_proposal_expires(
    api: httpx.AsyncClient, database: Database, wait: Wait, settle_due: Settle
) -> None:
    _, phone, merge = await dwi_with_a_proposal(api, database)
    connection = await database.connect()
    await connection.execute(
        "UPDATE merges SET expires_at = current_instant() - interval '1 s' WHERE merge_id = $1", merge["id"]
    )
    await connection.close()
    refused = await phone.confirm(merge)
    assert (refused.status_code, refused.json()["code"]) == (410, "merge_expired")
    await settle_due()
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "expired"
