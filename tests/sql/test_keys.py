"""What an insider with the API's role makes of keys, sessions, unlocks and acknowledgements: nothing that the API would not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.identity.statements import encode_nonce
from tests.conftest import Database
from tests.passkeys.authenticator import Authenticator, ask_to_add
from tests.people import NewCard, Person, Phone, add_person

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
ADD_PHONE = """INSERT INTO devices
    (participant_id, device_id, name, platform, public_key, added_at, vouched_by, hold_until, removed_at, cause_id)
    VALUES ($1, $2, 'x', 'android', '{{}}', {added_at}, $3, {hold_until}, {removed_at}, record_cause($1, 'participant', 'x'))"""


class Owner:
    """Somebody with a free phone and a held one, and an insider who has entered them."""

    def __init__(self, person: Person, free: Phone, held: Phone, insider: Connection) -> None:
        self.person, self.free, self.held, self.insider = person, free, held, insider
        self.id = person.participant_id

    async def refusal(self, sql: str, *arguments: object) -> str | None:
        """The constraint under which the insider's statement is refused; None when it is no constraint's but a privilege's."""
        with pytest.raises(asyncpg.PostgresError) as refused:
            async with self.insider.transaction():
                await self.insider.execute(sql, *arguments)
        if isinstance(refused.value, asyncpg.InsufficientPrivilegeError):
            return None
        name: str | None = getattr(refused.value, "constraint_name", None)
        assert name, refused.value
        return name

    async def add_phone(
        self,
        vouched_by: object = None,
        *,
        added_at: str = "current_instant()",
        hold_until: str = "NULL",
        removed_at: str = "NULL",
    ) -> str | None:
        sql = ADD_PHONE.format(added_at=added_at, hold_until=hold_until, removed_at=removed_at)
        return await self.refusal(sql, self.id, uuid4(), vouched_by)


@pytest_asyncio.fixture
async def owner(api: httpx.AsyncClient, database: Database) -> AsyncIterator[Owner]:
    person = await add_person(database, NewCard(balance=100_000), NewCard(balance=20_000, status="active"))
    free, held = await Phone(api, "Lama").enrol(person), await Phone(api, "Baru").enrol(person)
    insider = await database.connect("sepakat_api", entering=person.participant_id)
    yield Owner(person, free, held, insider)
    await insider.close()


async def test_no_phone_is_free_that_nobody_free_answered_for(
    owner: Owner, api: httpx.AsyncClient, database: Database
) -> None:
    stranger = await Phone(api).enrol(await add_person(database))
    myself = uuid4()
    for vouched_by in (None, UUID(owner.held.device_id), UUID(stranger.device_id), uuid4()):
        assert await owner.add_phone(vouched_by) == "free_phone_is_vouched_for"
    itself = ADD_PHONE.format(added_at="current_instant()", hold_until="NULL", removed_at="NULL")
    assert await owner.refusal(itself, owner.id, myself, myself) == "free_phone_is_vouched_for"
    assert await owner.add_phone(None, hold_until="current_instant()") == "free_phone_is_vouched_for"
    names = [one["name"] for one in (await owner.free.get("/v1/devices")).json()["devices"]]
    assert names == ["Baru", "Lama"]


async def test_no_key_is_older_than_it_is(owner: Owner) -> None:
    """An old key lifts the freeze of STOP, and a ported number leaves it free."""
    long_ago = "current_instant() - interval '1 year'"
    assert await owner.add_phone(UUID(owner.free.device_id), added_at=long_ago) == "phone_is_added_now"
    assert await owner.add_phone(UUID(owner.free.device_id), removed_at="current_instant()") == "phone_is_added_now"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE devices SET hold_until = 'infinity' WHERE participant_id = $1",
        "UPDATE devices SET added_at = '2020-01-01' WHERE participant_id = $1",
        "UPDATE sessions SET device_id = device_id WHERE participant_id = $1",
        "UPDATE enrolments SET public_key = '{}' WHERE participant_id = $1",
        "UPDATE enrolments SET refused_at = NULL WHERE participant_id = $1",
        "UPDATE enrolments SET code_from = now() WHERE participant_id = $1",
    ],
)
async def test_only_what_the_api_changes_can_be_changed(owner: Owner, sql: str) -> None:
    assert await owner.refusal(sql, owner.id) is None


async def test_a_session_that_ended_stays_ended_and_no_old_token_counts_again(owner: Owner) -> None:
    of_this = "WHERE participant_id = $1 AND session_id = $2"
    living, ended = UUID(owner.free.session["session_id"]), UUID(owner.held.session["session_id"])
    assert (await owner.held.delete("/v1/sessions/current")).status_code == 204
    for sql, session_id in (
        (f"UPDATE sessions SET ended_at = NULL, ended_because = NULL {of_this}", ended),
        (f"UPDATE sessions SET refresh_expires_at = 'infinity' {of_this}", ended),
        (f"UPDATE sessions SET generation = generation + 2 {of_this}", living),
        (f"UPDATE sessions SET generation = generation - 1 {of_this}", living),
    ):
        assert await owner.refusal(sql, owner.id, session_id) == "sessions_end_once"
    assert (await owner.held.get("/v1/me")).status_code == 401


async def test_a_key_gets_no_other_name_in_silence_and_none_from_a_key_on_hold(owner: Owner) -> None:
    """Who could rename in silence would have the owner remove the wrong phone."""
    silent = "UPDATE devices SET name = 'Lama' WHERE participant_id = $1 AND device_id = $2"
    assert await owner.refusal(silent, owner.id, UUID(owner.held.device_id)) == "cause_is_of_this_transaction"
    refused = await owner.held.patch(f"/v1/devices/{owner.free.device_id}", {"name": "Bukan punya saya"})
    assert (refused.status_code, refused.json()["code"]) == (403, "hold_in_force")
    assert (await owner.held.patch(f"/v1/devices/{owner.held.device_id}", {"name": "Baru"})).status_code == 200
    for _ in range(2):
        renamed = await owner.free.patch(f"/v1/devices/{owner.held.device_id}", {"name": "Ponsel kerja"})
        assert renamed.json()["name"] == "Ponsel kerja"
    entries = (await owner.free.get("/v1/inbox", headers={"accept-language": "en"})).json()["entries"]
    assert [entry["kind"] for entry in entries].count("key_renamed") == 1, "the same name again is no change"
    assert entries[0]["body"].startswith("“Baru” is now called “Ponsel kerja”.")


@pytest.mark.parametrize("table", ["enrolments", "code_tries"])
async def test_tries_are_never_given_back(owner: Owner, table: str) -> None:
    assert await owner.refusal(f"UPDATE {table} SET tries = 0 WHERE participant_id = $1", owner.id) == "tries_only_grow"


@pytest.mark.parametrize("wrong", ["purpose", "subject_id", "device_id", "nonce", "extra", "removed key"])
async def test_nothing_is_unlocked_by_other_bytes_than_a_living_keys(
    owner: Owner, database: Database, wrong: str
) -> None:
    card_id = next(iter(owner.person.cards.values())).card_id
    assert (await owner.free.put(f"/v1/cards/{card_id}/lock", None)).status_code == 200
    nonce = uuid4().bytes * 2
    device_id = (owner.held if wrong == "removed key" else owner.free).device_id
    statement: dict[str, Any] = {
        "version": 1,
        "purpose": "unlock",
        "device_id": device_id,
        "subject_id": str(card_id),
        "nonce": encode_nonce(nonce),
    }
    if wrong != "removed key":
        statement[wrong] = str(uuid4())
    superuser = await database.connect()
    await superuser.execute(
        """UPDATE devices SET removed_at = now(), cause_id = record_cause($1, 'unexplained', 'tests')
        WHERE participant_id = $1 AND device_id = $2""",
        owner.id,
        UUID(owner.held.device_id),
    )
    await superuser.execute(
        "INSERT INTO challenges VALUES ($1, 'unlock', $2, NULL, $3, now() + interval '5 minutes', now())",
        nonce,
        owner.id,
        card_id,
    )
    signed = json.dumps(statement).encode()
    refusal = await owner.refusal(
        "SELECT unlock_card($1, $2, $3, $4, $5, '{}')", owner.id, card_id, UUID(device_id), nonce, signed
    )
    assert refusal == "unlock_is_by_a_living_key"
    assert await superuser.fetchval("SELECT locked_at IS NOT NULL FROM cards WHERE card_id = $1", card_id)
    await superuser.close()


async def test_nobody_is_silenced_by_a_key_that_is_not_theirs_or_on_hold(owner: Owner) -> None:
    newest = (await owner.free.get("/v1/inbox")).json()["entries"][0]
    assert newest["kind"] == "key_added"
    acknowledge = "INSERT INTO acknowledgements VALUES ($1, $2, $3, now())"
    for key_id in (uuid4(), UUID(owner.held.device_id)):
        assert await owner.refusal(acknowledge, owner.id, newest["seq"], key_id) == "acknowledgement_is_by_a_key"
    await owner.insider.execute(acknowledge, owner.id, newest["seq"], UUID(owner.free.device_id))


async def test_a_key_that_was_put_in_by_sql_proves_nothing(owner: Owner, api: httpx.AsyncClient) -> None:
    """SQL in the API's role and a client of one's own: the row is told, and says that a free key answered for it."""
    thief = Phone(api, "Lama")
    thief.device_id = str(uuid4())
    async with owner.insider.transaction():
        await owner.insider.execute("INSERT INTO device_owners VALUES ($1, $2)", UUID(thief.device_id), owner.id)
        await owner.insider.execute(
            """INSERT INTO devices (participant_id, device_id, name, platform, public_key, added_at, vouched_by, cause_id)
            VALUES ($1, $2, 'Lama', 'android', $3::text::jsonb, current_instant(), $4, record_cause($1, 'participant', 'x'))""",
            owner.id,
            UUID(thief.device_id),
            json.dumps(thief.public_key),
            UUID(owner.free.device_id),
        )
    (kind, *_) = [entry["kind"] for entry in (await owner.free.get("/v1/inbox")).json()["entries"]]
    assert kind == "key_added"
    await thief.sign_in()
    body = await thief.prove("remove_key", owner.free.device_id)
    removal = await thief.delete(f"/v1/devices/{owner.free.device_id}", body)
    added = await ask_to_add(thief, Authenticator())
    old, new = owner.person.kpjs
    merge = (await thief.post("/v1/merges", {"absorb": [old], "into": new})).json()
    for answer in (removal, added, await thief.confirm(merge)):
        assert (answer.status_code, answer.json()["code"]) == (403, "proof_invalid")


@pytest.mark.parametrize("swapped", ["of another row", "of another key", "none"])
async def test_the_seal_of_a_key_is_of_that_key_and_row(owner: Owner, database: Database, swapped: str) -> None:
    superuser = await database.connect()
    other = await superuser.fetchrow(
        "SELECT seal, public_key FROM devices WHERE device_id = $1", UUID(owner.held.device_id)
    )
    assert other is not None
    card_id = next(iter(owner.person.cards.values())).card_id
    assert (await owner.free.put(f"/v1/cards/{card_id}/lock", None)).status_code == 200
    async with superuser.transaction():
        await superuser.execute("ALTER TABLE devices DISABLE TRIGGER keys_are_not_swapped")
        change, value = {
            "of another row": ("seal = $2", other["seal"]),
            "of another key": ("public_key = $2::text::jsonb", json.dumps(Phone(owner.free.api).public_key)),
            "none": ("seal = $2", None),
        }[swapped]
        await superuser.execute(f"UPDATE devices SET {change} WHERE device_id = $1", UUID(owner.free.device_id), value)
        await superuser.execute("ALTER TABLE devices ENABLE ALWAYS TRIGGER keys_are_not_swapped")
    await superuser.close()
    answer = await owner.free.delete(f"/v1/cards/{card_id}/lock", await owner.free.prove("unlock", card_id))
    assert (answer.status_code, answer.json()["code"]) == (403, "proof_invalid")
