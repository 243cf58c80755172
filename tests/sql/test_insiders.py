"""What an insider with one product role tried, beyond single statements: each was possible once."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.local.servers import Postgres, Valkey
from app.merges.execute import settle
from app.platform import database as pools
from tests.conftest import Apps, Database, settings_for
from tests.people import NewCard, Person, Phone, add_person

Settle = Callable[[], Awaitable[None]]


@pytest.fixture
def settle_due(database: Database, servers: tuple[Postgres, Valkey]) -> Settle:
    async def run() -> None:
        settings = settings_for(database, servers[1], "sepakat_worker")
        pool = await pools.connect(settings.database_url, size=2, application="test worker")
        await settle(pool, settings)
        await pool.close()

    return run


async def with_merge(apps: Apps, *, confirmed: bool) -> tuple[Person, Phone, dict[str, Any]]:
    person = await add_person(
        apps.database,
        NewCard(balance=14_265_493, opened_on=date(2013, 3, 1)),
        NewCard(balance=9_910_352, status="active", opened_on=date(2019, 2, 1)),
    )
    phone = await Phone(apps.api).enrol(person)
    merge = (await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})).json()
    if confirmed:
        assert (await phone.confirm(merge)).status_code == 200
    return person, phone, merge


async def refused_as(database: Database, role: str, sql: str, participant_id: UUID, *arguments: object) -> str | None:
    connection = await database.connect(role, entering=participant_id)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await connection.execute(sql, participant_id, *arguments)
    await connection.close()
    return refused.value.constraint_name


CHANGE = """SELECT apply_changes(ARRAY[ROW($1, $2, {cause}, {kind}, {ledger}, NULL, NULL, NULL, NULL, NULL, NULL,
    {patch}, NULL)::card_change])"""


@pytest.mark.parametrize("cause", ["record_cause($1, 'core', 'x')", "NULL", "gen_random_uuid()"])
@pytest.mark.parametrize(
    ("ledger", "patch"),
    [("'contribution', 1000000, '2026-01-01'", "NULL"), ("NULL, NULL, NULL", '\'{"lifecycle": "arrears"}\'')],
)
async def test_no_change_without_kind_and_cause(apps: Apps, cause: str, ledger: str, patch: str) -> None:
    person = await add_person(apps.database, NewCard(balance=5))
    sql = CHANGE.format(cause=cause, kind="NULL", ledger=ledger, patch=patch)
    (card,) = person.cards.values()
    assert (
        await refused_as(apps.database, "sepakat_feed", sql, person.participant_id, card.card_id)
        == "cause_is_of_this_transaction"
    )


async def test_an_import_cannot_quiet_what_happens_to_somebody_known(apps: Apps) -> None:
    person = await add_person(apps.database)
    sql = "SELECT record_cause($1, 'import', 'x')"
    assert await refused_as(apps.database, "sepakat_feed", sql, person.participant_id) == "import_is_the_beginning"


async def test_the_feed_cannot_write_other_figures_into_an_entry(apps: Apps) -> None:
    person = await add_person(apps.database, NewCard(balance=5))
    (card,) = person.cards.values()
    feed = await apps.database.connect("sepakat_feed")
    await feed.execute(
        """SELECT apply_changes(ARRAY[ROW($1, $2, record_cause($1, 'core', 'x'), 'growth_credited', 'growth', 2, '2026-01-01',
        NULL, NULL, 2026, NULL, NULL, NULL, NULL,
        '{"balance_after": 6, "kpj": "00000000000", "status_after": "x"}')::card_change])""",
        person.participant_id,
        card.card_id,
    )
    told = await feed.fetchval(
        "SELECT data FROM history_data WHERE participant_id = $1 ORDER BY seq DESC LIMIT 1", person.participant_id
    )
    await feed.close()
    data = json.loads(told)
    assert (data["balance_before"], data["balance_after"], data["kpj"]) == (5, 7, card.kpj)
    assert data["status_after"] == "inactive"


async def test_the_signed_cooling_off_cannot_be_shortened(apps: Apps, settle_due: Settle) -> None:
    person, phone, merge = await with_merge(apps, confirmed=True)
    early = "UPDATE merges SET executes_at = now() - interval '1 day' WHERE participant_id = $1 AND merge_id = $2"
    shortened = await refused_as(apps.database, "sepakat_api", early, person.participant_id, merge["id"])
    assert shortened == "merge_is_never_hastened"
    # And where that guard is gone, the execution itself looks at what was signed.
    superuser = await apps.database.connect()
    async with superuser.transaction():
        await superuser.execute("ALTER TABLE merges DISABLE TRIGGER merge_is_never_hastened")
        await superuser.execute(early, person.participant_id, merge["id"])
        await superuser.execute("ALTER TABLE merges ENABLE ALWAYS TRIGGER merge_is_never_hastened")
    await superuser.close()
    sql = "SELECT execute_merge($1, $2, interval '30 days')"
    assert await refused_as(apps.database, "sepakat_worker", sql, person.participant_id, merge["id"]) == "merge_is_due"
    await settle_due()
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "proposed"


async def test_the_signed_undo_window_cannot_be_shortened(apps: Apps) -> None:
    person, _, merge = await with_merge(apps, confirmed=True)
    assert (await apps.api.post("/local/clock", json={"advance_s": 21})).status_code == 200
    sql = "SELECT execute_merge($1, $2, interval '1 day')"
    assert await refused_as(apps.database, "sepakat_worker", sql, person.participant_id, merge["id"]) == "merge_is_due"


async def test_a_confirmation_that_was_sent_back_cannot_be_taken_up_again(apps: Apps, settle_due: Settle) -> None:
    person, phone, merge = await with_merge(apps, confirmed=True)
    (old, _) = person.cards.values()
    feed = await apps.database.connect("sepakat_feed")
    for patch in ('{"claim_id": "K"}', '{"claim_id": null}'):
        await feed.execute(
            """SELECT apply_changes(ARRAY[ROW($1, $2, record_cause($1, 'core', 'x'), 'claim_opened', NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, $3::jsonb, NULL)::card_change])""",
            person.participant_id,
            old.card_id,
            patch,
        )
        assert (await apps.api.post("/local/clock", json={"advance_s": 21})).status_code == 200
        await settle_due()
    await feed.close()
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "proposed"
    sql = """UPDATE merges AS m SET state = 'confirmed', confirmation_id = c.confirmation_id, plan_digest = c.plan_digest,
        confirmed_at = current_instant(), executes_at = now(), cause_id = record_cause(m.participant_id, 'system', 'x')
        FROM confirmations AS c WHERE m.participant_id = $1 AND m.merge_id = $2 AND c.merge_id = m.merge_id"""
    name = await refused_as(apps.database, "sepakat_worker", sql, person.participant_id, merge["id"])
    assert name == "merge_keeps_its_confirmation"


async def test_one_broken_merge_does_not_hold_up_the_others(apps: Apps, settle_due: Settle) -> None:
    broken, broken_phone, broken_merge = await with_merge(apps, confirmed=False)
    canonical = b"garbage"
    confirmation_id = uuid4()
    insider = await apps.database.connect("sepakat_api", entering=broken.participant_id)
    async with insider.transaction():
        digest = await insider.fetchval("SELECT encode(sha256($1), 'hex')", canonical)
        await insider.execute(
            "INSERT INTO merge_plans VALUES ($1, $2, $3, 'merge', $4, now())",
            broken.participant_id,
            broken_merge["id"],
            digest,
            canonical,
        )
        await insider.execute(
            "INSERT INTO confirmations VALUES ($1, $2, $3, 'merge', $4, '{}', $5, $6, '', '{}', $6, current_instant())",
            broken.participant_id,
            confirmation_id,
            broken_merge["id"],
            digest,
            broken_phone.device_id,
            bytes(32),
        )
        await insider.execute(
            """UPDATE merges SET state = 'confirmed', plan_digest = $3, confirmation_id = $4, confirmed_at = current_instant(),
            executes_at = now() - interval '1 day', cause_id = record_cause(participant_id, 'participant', 'x')
            WHERE participant_id = $1 AND merge_id = $2""",
            broken.participant_id,
            broken_merge["id"],
            digest,
            confirmation_id,
        )
    await insider.close()
    _, phone, merge = await with_merge(apps, confirmed=True)
    assert (await apps.api.post("/local/clock", json={"advance_s": 21})).status_code == 200
    await settle_due()
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "executed"


async def test_a_phone_that_was_removed_meanwhile_has_not_agreed(apps: Apps, settle_due: Settle) -> None:
    person, phone, merge = await with_merge(apps, confirmed=True)
    nonce = await phone.challenge("remove_key", phone.device_id)
    statement = {
        "version": 1,
        "purpose": "remove_key",
        "device_id": phone.device_id,
        "subject_id": phone.device_id,
        "nonce": nonce,
    }
    removed = await phone.delete(f"/v1/devices/{phone.device_id}", {"nonce": nonce, "proof": phone.proof(statement)})
    assert removed.status_code == 204, removed.text
    assert (await apps.api.post("/local/clock", json={"advance_s": 21})).status_code == 200
    await settle_due()
    other = await Phone(apps.api).enrol(person)
    back = (await other.get(f"/v1/merges/{merge['id']}")).json()
    assert (back["state"], back["last_refusal"]["code"]) == ("proposed", "key_removed")


async def test_a_key_on_hold_silences_nobody(apps: Apps) -> None:
    person = await add_person(apps.database)
    owner = await Phone(apps.api).enrol(person)
    connection = await apps.database.connect()
    await connection.execute(
        "UPDATE participants SET phone_since = current_date WHERE participant_id = $1", person.participant_id
    )
    await connection.close()
    stranger = await Phone(apps.api, "Ponsel asing").enrol(person)
    newest = (await stranger.get("/v1/inbox")).json()["entries"][0]
    assert newest["kind"] == "key_added"
    for answer in (
        await stranger.post(f"/v1/inbox/{newest['seq']}/acknowledge"),
        await stranger.delete(f"/v1/sessions/{owner.session['session_id']}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "hold_in_force")
    assert (await owner.post(f"/v1/inbox/{newest['seq']}/acknowledge")).status_code == 200
    assert (await stranger.delete("/v1/sessions/current")).status_code == 204


async def test_odd_cursors_and_endless_paths_are_refused(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    for cursor in (
        "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMCAwMTkzN2Y1ZS03YTQwLTdjYzEtOGY2ZS0zYTJiMWMwZDllOGY=",
        "AA==",
        "💥",
    ):
        assert (await phone.get("/v1/merges", params={"cursor": cursor})).status_code == 400
    assert (await phone.post(f"/v1/inbox/{'9' * 3_500}/acknowledge")).status_code == 404


async def test_a_reported_chain_resolves_in_one_hop_and_never_in_a_circle(apps: Apps) -> None:
    person = await add_person(apps.database, NewCard(balance=1), NewCard(balance=2), NewCard(balance=3))
    first, second, third = person.cards.values()
    feed = await apps.database.connect("sepakat_feed")
    for absorbed, into in ((first, second), (second, third)):
        await feed.execute(
            "SELECT report_merge($1, gen_random_uuid(), $2, $3, record_cause($1, 'core', 'x'), now(), '{}')",
            person.participant_id,
            absorbed.card_id,
            into.card_id,
        )
    rows = await feed.fetch("SELECT kpj, merged_into FROM cards WHERE participant_id = $1", person.participant_id)
    await feed.close()
    living = {row["kpj"]: row["merged_into"] for row in rows}
    assert living == {first.kpj: third.card_id, second.kpj: third.card_id, third.kpj: None}
