"""A passkey is added by a key that is there, and signs in and proves as that key does."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.local.phone import base64url
from tests.answers import outcome
from tests.conftest import Database
from tests.passkeys.authenticator import Authenticator, Page, add_passkey, ask_options, ask_to_add
from tests.people import Phone, add_person, days_ago


@pytest.fixture
async def phone(api: httpx.AsyncClient, database: Database) -> Phone:
    return await Phone(api).enrol(await add_person(database))


async def test_a_passkey_is_added_and_signs_in_on_its_own(phone: Phone) -> None:
    asked = await ask_options(phone)
    options = asked["options"]
    assert asked["passkey"] is None, "there is none yet to prove it with"
    assert (options["rp"], options["challenge"]) == ({"id": "localhost", "name": "Sepakat"}, asked["nonce"])
    assert (options["attestation"], options["pubKeyCredParams"]) == ("none", [{"type": "public-key", "alg": -7}])
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    passkey = Authenticator()
    added = await ask_to_add(phone, passkey, asked=asked, name="iCloud Dwi")
    assert added.status_code == 201, added.text
    assert added.json()["passkey_id"] == passkey.id
    assert (added.json()["name"], added.json()["hold_until"], added.json()["current"]) == ("iCloud Dwi", None, False)
    told = (await phone.get("/v1/inbox")).json()["entries"][0]
    assert (told["kind"], told["title"]) == ("key_added", "Passkey “iCloud Dwi” ditambahkan")
    assert "“Ponsel Dwi”" in told["body"]

    page = await Page(phone.api, passkey).sign_in()
    me = (await page.get("/v1/me")).json()
    assert (me["device_id"], me["passkey_id"], me["hold"]) == (None, passkey.id, None)
    (mine,) = (await page.get("/v1/passkeys")).json()["passkeys"]
    assert mine["current"]
    assert mine["last_used_at"] is not None
    sessions = (await page.get("/v1/sessions")).json()["sessions"]
    assert [(one["passkey_id"], one["platform"], one["current"]) for one in sessions] == [
        (passkey.id, "passkey", True),
        (None, "android", False),
    ]
    assert (await page.refresh()).session["access_token"]


async def test_the_challenge_offers_what_the_person_has(phone: Phone) -> None:
    first, second = await add_passkey(phone), await add_passkey(phone)
    answer = (await phone.post("/v1/challenges", {"purpose": "merge", "subject_id": str(uuid4())})).json()
    offered = answer["passkey"]
    assert (offered["rpId"], offered["userVerification"], offered["timeout"]) == ("localhost", "required", 300_000)
    assert "challenge" not in offered, "only the client can compute it"
    ids = [one["id"] for one in offered["allowCredentials"]]
    assert ids == [page.passkey.sign(b"")["id"] for page in (second, first)]
    assert [one["id"] for one in (await ask_options(phone))["options"]["excludeCredentials"]] == ids
    unknown = (await phone.api.post("/v1/challenges", json={"purpose": "sign_in"})).json()["passkey"]
    assert unknown["allowCredentials"] == [], "nobody is told who has which"
    device = (await phone.api.post("/v1/challenges", json={"purpose": "sign_in", "device_id": phone.device_id})).json()
    assert device["passkey"] is None


@pytest.mark.parametrize(
    ("wrong", "client"),
    [
        ({"verifies": False}, {}),
        ({"origin": "https://sepakat.example"}, {}),
        ({"origin": "http://localhost:8001"}, {}),
        ({"rp_id": "sepakat.example"}, {}),
        ({}, {"type": "webauthn.get"}),
        ({}, {"challenge": "A" * 43}),
        ({}, {"crossOrigin": True}),
        ({}, {"topOrigin": "https://evil.example"}),
    ],
    ids=str,
)
async def test_a_passkey_that_was_made_otherwise_is_not_added(
    phone: Phone, wrong: dict[str, Any], client: dict[str, Any]
) -> None:
    passkey = Authenticator(**wrong)
    passkey.client = client
    asked = await ask_options(phone)
    assert outcome(await ask_to_add(phone, passkey, asked=asked)) == (422, "passkey_invalid")
    assert outcome(await ask_to_add(phone, Authenticator(), asked=asked)) == (409, "challenge_spent")
    assert (await phone.get("/v1/passkeys")).json()["passkeys"] == []


@pytest.mark.parametrize("field", ["clientDataJSON", "attestationObject"])
@pytest.mark.parametrize("spoilt", ["AAAA", "!", "A", "o2NmbXRkbm9uZQ", "-" * 8000])
async def test_what_no_authenticator_makes_is_refused(phone: Phone, field: str, spoilt: str) -> None:
    asked, passkey = await ask_options(phone), Authenticator()
    made = passkey.register(asked["options"])
    made["response"][field] = spoilt
    assert outcome(await ask_to_add(phone, passkey, asked=asked, credential=made)) == (422, "passkey_invalid")


@pytest.mark.parametrize(
    "cose", ["8101", "01", "a5010203262001210522f6", "a5010203262001216161226162", "81" * 9000, "a0"]
)
async def test_a_key_in_a_form_that_is_none_is_refused(phone: Phone, cose: str) -> None:
    """An array, a number, coordinates that are numbers or texts, endless nesting, nothing: CBOR, and no COSE key."""
    asked, passkey = await ask_options(phone), Authenticator()
    passkey.cose = bytes.fromhex(cose)
    assert outcome(await ask_to_add(phone, passkey, asked=asked)) == (422, "passkey_invalid")


async def test_the_proof_is_of_exactly_the_new_key(phone: Phone) -> None:
    """Whoever puts another key under a signature that was given for this one adds nothing."""
    asked, meant, other = await ask_options(phone), Authenticator(), Authenticator()
    swapped = await ask_to_add(phone, meant, asked=asked, credential=other.register(asked["options"]))
    assert outcome(swapped) == (403, "proof_invalid")
    for overrides in ({"purpose": "remove_key"}, {"nonce": "A" * 43}, {"device_id": None}):
        assert outcome(await ask_to_add(phone, Authenticator(), **overrides)) == (403, "proof_invalid")


async def test_a_challenge_adds_one_passkey_and_is_of_one_person(phone: Phone, database: Database) -> None:
    asked = await ask_options(phone)
    assert (await ask_to_add(phone, Authenticator(), asked=asked)).status_code == 201
    assert outcome(await ask_to_add(phone, Authenticator(), asked=asked)) == (409, "challenge_spent")
    stranger = await Phone(phone.api).enrol(await add_person(database))
    asked = await ask_options(stranger)
    assert outcome(await ask_to_add(phone, Authenticator(), asked=asked)) == (403, "proof_invalid")


async def test_a_passkey_is_added_once_and_is_nobody_elses(phone: Phone, database: Database) -> None:
    page = await add_passkey(phone)
    assert outcome(await ask_to_add(phone, page.passkey)) == (409, "passkey_already_added")
    stranger = await Phone(phone.api).enrol(await add_person(database))
    assert outcome(await ask_to_add(stranger, page.passkey)) == (409, "passkey_already_added")


async def test_a_passkey_vouches_for_the_next(phone: Phone) -> None:
    page = await (await add_passkey(phone)).sign_in()
    asked = await ask_options(page)
    assert len(asked["passkey"]["allowCredentials"]) == 1
    assert (await ask_to_add(page, Authenticator(), asked=asked)).status_code == 201


async def test_nobody_has_more_than_twenty(phone: Phone) -> None:
    for _ in range(20):
        await add_passkey(phone)
    assert outcome(await ask_to_add(phone, Authenticator())) == (409, "too_many_passkeys")


async def test_a_key_on_hold_passes_its_hold_on(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database, phone_since=days_ago(1)))
    held = datetime.fromisoformat((await phone.get("/v1/me")).json()["hold"]["until"])
    page = await (await add_passkey(phone)).sign_in()
    hold = datetime.fromisoformat((await page.get("/v1/me")).json()["hold"]["until"])
    assert hold >= held
    assert "“Kunci di cloud” baru dapat menyetujui" in (await page.get("/v1/inbox")).json()["entries"][0]["body"]
    merge = await page.delete(f"/v1/devices/{phone.device_id}", await page.prove("remove_key", phone.device_id))
    assert outcome(merge) == (403, "hold_in_force")


class Insider:
    """Somebody with the API's database role, who makes everything right but what a test changes."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], participant_id: UUID, phone: Phone) -> None:
        self.connection, self.participant_id, self.phone = connection, participant_id, phone

    async def add(self, *, spent: bool = True, purpose: str = "add_key", **change: Any) -> None:
        nonce, mine = os.urandom(32), str(self.participant_id)
        passkey = Authenticator()
        statement = {
            "version": 1,
            "purpose": "add_key",
            "device_id": self.phone.device_id,
            "subject_id": passkey.id,
            "nonce": base64url(nonce),
        } | change.pop("signed", {})
        numbers = passkey.key.public_key().public_numbers()
        x, y = (base64url(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        row = {
            "passkey_id": passkey.id,
            "public_key": {"kty": "EC", "crv": "P-256", "x": x, "y": y},
            "vouched_by": self.phone.device_id,
            "hold_until": None,
        } | change
        await self.connection.execute(
            "INSERT INTO challenges VALUES ($1, $2, $3, NULL, NULL, now(), $4)",
            *(nonce, purpose, self.participant_id, datetime.now(UTC) if spent else None),
        )
        await self.connection.execute(
            """INSERT INTO passkeys (participant_id, passkey_id, name, credential_id, public_key, transports, synced, sign_count,
                added_at, vouched_by, nonce, statement, proof, hold_until, cause_id)
            VALUES ($1::text::uuid, $2, 'x', 'x', $3, '{}', false, 0, now(), $4, $5, $6, '{}', $7,
                record_cause($1::text::uuid, 'participant', 'insider'))""",
            *(mine, row["passkey_id"], json.dumps(row["public_key"]), row["vouched_by"], nonce),
            *(json.dumps(statement).encode(), row["hold_until"]),
        )

    async def refused(self, **change: Any) -> str | None:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            async with self.connection.transaction():
                await self.add(**change)
        return refused.value.constraint_name


async def test_sql_adds_no_passkey_that_nobody_vouched_for(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database)
    phone, held = await Phone(api).enrol(person), await Phone(api).enrol(person)
    stranger = await Phone(api).enrol(await add_person(database))
    connection = await database.connect("sepakat_api", entering=person.participant_id)
    insider = Insider(connection, person.participant_id, phone)
    assert await insider.refused(passkey_id=str(uuid4())) == "passkey_id_is_of_its_key"
    changes: list[dict[str, Any]] = [
        {"spent": False},
        {"purpose": "unlock"},
        {"vouched_by": stranger.device_id},
        {"vouched_by": str(uuid4())},
        {"vouched_by": held.device_id},
        *({"signed": {name: other}} for name, other in {"purpose": "unlock", "version": 2, "more": 1}.items()),
        *({"signed": {name: str(uuid4())}} for name in ("device_id", "subject_id", "nonce")),
    ]
    for change in changes:
        assert await insider.refused(**change) == "passkey_is_vouched_for", change
    assert await Insider(connection, person.participant_id, held).refused() == "passkey_is_vouched_for", (
        "its hold is not kept"
    )
    async with connection.transaction():
        await insider.add()
    await held.delete(f"/v1/devices/{phone.device_id}", await held.prove("remove_key", phone.device_id))
    await phone.delete(f"/v1/devices/{phone.device_id}", await phone.prove("remove_key", phone.device_id))
    assert await insider.refused() == "passkey_is_vouched_for", "the key that vouches is gone"
    await connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "public_key = jsonb_set(public_key, '{x}', '\"A\"')",
        "credential_id = 'x'",
        "vouched_by = gen_random_uuid()",
        "hold_until = now(), removed_at = now()",
        "sign_count = -1",
    ],
)
async def test_a_key_is_never_swapped(phone: Phone, database: Database, change: str) -> None:
    page = await add_passkey(phone)
    superuser = await database.connect()
    await superuser.execute(
        "UPDATE passkeys SET hold_until = now() + interval '1 day' WHERE passkey_id = $1", UUID(page.passkey.id)
    )
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await superuser.execute(f"UPDATE passkeys SET {change} WHERE passkey_id = $1", UUID(page.passkey.id))
    assert refused.value.constraint_name == "passkeys_are_not_swapped"
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser.execute("DELETE FROM passkeys WHERE passkey_id = $1", UUID(page.passkey.id))
    await superuser.close()


@pytest.mark.parametrize("removed", [False, True])
async def test_names_change_and_a_removed_passkey_is_gone(phone: Phone, *, removed: bool) -> None:
    page = await (await add_passkey(phone)).sign_in()
    path = f"/v1/passkeys/{page.passkey.id}"
    if removed:
        assert (await phone.delete(path, await phone.prove("remove_key", page.passkey.id))).status_code == 204
        assert outcome(await phone.patch(path, {"name": "Lain"})) == (404, "passkey_unknown")
        assert outcome(await phone.delete(path, {"nonce": "A" * 43, "proof": phone.proof({})})) == (
            404,
            "passkey_unknown",
        )
        assert outcome(await page.get("/v1/me")) == (401, "not_signed_in")
        assert outcome(await page.ask_refresh()) == (401, "not_signed_in")
        assert outcome(await page.ask_sign_in(await page.challenge("sign_in"))) == (403, "proof_invalid")
        told = (await phone.get("/v1/inbox")).json()["entries"][0]
        assert (told["kind"], told["title"]) == ("key_removed", "Passkey “Kunci di cloud” dihapus")
        assert "terakhir" not in told["body"]
    else:
        assert (await phone.patch(path, {"name": "Lain"})).json()["name"] == "Lain"


async def test_whose_passkey_it_is_is_no_strangers_business(phone: Phone, database: Database) -> None:
    page = await add_passkey(phone)
    stranger = await Phone(phone.api).enrol(await add_person(database))
    for passkey_id in (page.passkey.id, str(uuid4())):
        assert outcome(await stranger.patch(f"/v1/passkeys/{passkey_id}", {"name": "x"})) == (404, "passkey_unknown")
        answer = await stranger.delete(f"/v1/passkeys/{passkey_id}", await stranger.prove("remove_key", passkey_id))
        assert outcome(answer) == (404, "passkey_unknown")


async def test_removing_the_last_key_says_how_to_come_back(phone: Phone, database: Database) -> None:
    page = await (await add_passkey(phone)).sign_in()
    removal = await page.prove("remove_key", phone.device_id)
    assert (await page.delete(f"/v1/devices/{phone.device_id}", removal)).status_code == 204
    last = await page.prove("remove_key", page.passkey.id)
    assert (await page.delete(f"/v1/passkeys/{page.passkey.id}", last)).status_code == 204
    reader = await database.connect()
    told = await reader.fetch(
        """SELECT d.data::jsonb ->> 'keys_left' FROM history AS h JOIN history_data AS d USING (participant_id, seq)
        WHERE h.kind = 'key_removed' AND participant_id = (SELECT participant_id FROM passkeys WHERE passkey_id = $1)
        ORDER BY h.seq""",
        UUID(page.passkey.id),
    )
    await reader.close()
    assert [row[0] for row in told] == [None, "none"]
