from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from msgspec import structs

from app.local.servers import Postgres, Valkey
from app.main import create_api
from tests.answers import code
from tests.conftest import Apps, Database, serve, settings_for
from tests.people import Person, Phone, add_person, days_ago


async def remove(phone: Phone, device_id: str, /, **overrides: Any) -> httpx.Response:
    """Asks to remove a device; overrides replace members of the signed statement."""
    nonce = await phone.challenge("remove_key", device_id)
    statement = {
        "version": 1,
        "purpose": "remove_key",
        "device_id": phone.device_id,
        "subject_id": device_id,
        "nonce": nonce,
    }
    return await phone.delete(f"/v1/devices/{device_id}", {"nonce": nonce, "proof": phone.proof(statement | overrides)})


async def two_phones(apps_api: httpx.AsyncClient, database: Database) -> tuple[Person, Phone, Phone]:
    person = await add_person(database)
    return person, await Phone(apps_api, "Lama").enrol(person), await Phone(apps_api, "Baru").enrol(person)


async def target_of(database: Database, phone: Phone) -> Any:
    connection = await database.connect()
    row = await connection.fetchrow(
        "SELECT kind, value, platform, locale, cleared_because FROM push_targets WHERE device_id = $1::text::uuid",
        phone.device_id,
    )
    await connection.close()
    return row and tuple(row)


async def test_i_see_my_phones_newest_first_and_name_them(api: httpx.AsyncClient, database: Database) -> None:
    _, old, new = await two_phones(api, database)
    renamed = await old.patch(f"/v1/devices/{new.device_id}", {"name": "Ponsel kerja"})
    assert renamed.json()["name"] == "Ponsel kerja"
    devices = (await new.get("/v1/devices")).json()["devices"]
    assert [(one["device_id"], one["name"], one["current"]) for one in devices] == [
        (new.device_id, "Ponsel kerja", True),
        (old.device_id, "Lama", False),
    ]
    assert devices[0]["hold_until"] is not None
    assert devices[1]["hold_until"] is None
    page = (await new.get("/v1/devices?limit=1")).json()
    rest = (await new.get(f"/v1/devices?limit=1&cursor={page['next_cursor']}")).json()
    assert [one["name"] for one in page["devices"] + rest["devices"]] == ["Ponsel kerja", "Lama"]
    assert rest["next_cursor"] is None


async def test_a_removed_phone_is_signed_out_unreachable_and_cannot_come_back(
    api: httpx.AsyncClient, database: Database
) -> None:
    person, old, new = await two_phones(api, database)
    await new.put("/v1/push-target", {"kind": "fid", "value": "fid-1", "platform": "android", "locale": "id"})
    assert (await remove(old, new.device_id)).status_code == 204
    assert code(await new.get("/v1/me")) == (401, "not_signed_in")
    assert code(await new.ask_refresh()) == (401, "not_signed_in")
    assert code(await new.ask_sign_in(await new.challenge("sign_in"))) == (403, "proof_invalid")
    target = await target_of(database, new)
    assert target is not None
    assert target[-1] == "device_removed"
    assert [one["name"] for one in (await old.get("/v1/devices")).json()["devices"]] == ["Lama"]
    connection = await database.connect()
    last = await connection.fetchrow(
        """SELECT h.kind, c.actor FROM history h JOIN causes c USING (participant_id, cause_id)
        WHERE h.participant_id = $1 ORDER BY h.seq DESC LIMIT 1""",
        person.participant_id,
    )
    await connection.close()
    assert last is not None
    assert tuple(last) == ("key_removed", old.device_id)
    assert code(await old.delete(f"/v1/devices/{new.device_id}", {"nonce": "A" * 43, "proof": old.proof({})})) == (
        404,
        "device_unknown",
    )


async def test_a_key_on_hold_removes_itself_and_no_other(api: httpx.AsyncClient, database: Database) -> None:
    _, old, new = await two_phones(api, database)
    refused = await remove(new, old.device_id)
    assert code(refused) == (403, "hold_in_force")
    assert refused.json()["until"] == (await new.get("/v1/me")).json()["hold"]["until"]
    assert (await old.get("/v1/me")).status_code == 200
    assert (await remove(new, new.device_id)).status_code == 204
    assert code(await new.get("/v1/me")) == (401, "not_signed_in")


async def test_a_hold_ends(fresh_apps: Apps) -> None:
    _, old, new = await two_phones(fresh_apps.api, fresh_apps.database)
    await fresh_apps.api.post("/local/clock", json={"advance_s": 259_200})
    await new.refresh()
    assert (await new.get("/v1/me")).json()["hold"] is None
    assert (await remove(new, old.device_id)).status_code == 204


async def test_a_removal_signed_over_anything_else_is_refused(api: httpx.AsyncClient, database: Database) -> None:
    person, old, new = await two_phones(api, database)
    for overrides in ({"subject_id": old.device_id}, {"purpose": "unlock"}, {"device_id": new.device_id}):
        assert code(await remove(old, new.device_id, **overrides)) == (403, "proof_invalid")
    nonce = await old.challenge("remove_key", old.device_id)
    answer = await old.delete(f"/v1/devices/{new.device_id}", {"nonce": nonce, "proof": old.proof({})})
    assert code(answer) == (403, "proof_invalid")
    assert (await new.get("/v1/me")).status_code == 200
    assert person.participant_id


async def test_the_proof_must_come_from_the_phone_of_this_session(api: httpx.AsyncClient, database: Database) -> None:
    _, old, new = await two_phones(api, database)
    nonce = await new.challenge("remove_key", new.device_id)
    statement = {
        "version": 1,
        "purpose": "remove_key",
        "device_id": old.device_id,
        "subject_id": new.device_id,
        "nonce": nonce,
    }
    answer = await new.delete(f"/v1/devices/{new.device_id}", {"nonce": nonce, "proof": old.proof(statement)})
    assert code(answer) == (403, "proof_invalid")


async def test_a_challenge_of_somebody_else_proves_nothing(api: httpx.AsyncClient, database: Database) -> None:
    _, old, new = await two_phones(api, database)
    stranger = await Phone(api).enrol(await add_person(database))
    nonce = await stranger.challenge("remove_key", new.device_id)
    body = {"version": 1, "purpose": "remove_key", "device_id": old.device_id, "subject_id": new.device_id}
    proof = old.proof(body | {"nonce": nonce})
    answer = await old.delete(f"/v1/devices/{new.device_id}", {"nonce": nonce, "proof": proof})
    assert code(answer) == (403, "proof_invalid")


async def test_a_strangers_device_and_none_at_all_read_the_same(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    stranger = await Phone(api).enrol(await add_person(database))
    for answers in (
        [await phone.patch(f"/v1/devices/{one}", {"name": "x"}) for one in (stranger.device_id, uuid4())],
        [await remove(phone, one) for one in (stranger.device_id, str(uuid4()))],
    ):
        assert [code(answer) for answer in answers] == [(404, "device_unknown")] * 2
        assert answers[0].json() | {"instance": ""} == answers[1].json() | {"instance": ""}
    assert (await stranger.get("/v1/me")).status_code == 200


async def test_a_phone_says_where_its_pushes_go(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    assert (await phone.delete("/v1/push-target")).status_code == 204
    assert await target_of(database, phone) is None
    for kind, value in (("fid", f"fid-{uuid4()}"), ("token", f"token:{uuid4()}")):
        body = {"kind": kind, "value": value, "platform": "ios", "locale": "en"}
        answer = await phone.put("/v1/push-target", body)
        assert (answer.status_code, answer.content) == (204, b"")
        assert await target_of(database, phone) == (kind, value, "ios", "en", None)
    assert (await phone.delete("/v1/push-target")).status_code == 204
    cleared = await target_of(database, phone)
    assert cleared is not None
    assert cleared[-1] == "by_its_phone"
    await phone.put("/v1/push-target", body)
    assert await target_of(database, phone) == (kind, value, "ios", "en", None)


async def test_a_phone_without_googles_services_is_pushed_to_through_huawei_where_that_is_set_up(
    api: httpx.AsyncClient, database: Database, servers: tuple[Postgres, Valkey]
) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    body = {"kind": "hms", "value": f"IQ-{uuid4().hex}", "platform": "android", "locale": "id"}
    assert code(await phone.put("/v1/push-target", body)) == (409, "push_kind_unavailable")
    assert await target_of(database, phone) is None
    settings = structs.replace(settings_for(database, servers[1], "sepakat_api"), hms_credentials="hms.json")
    async with AsyncExitStack() as stack:
        phone.api = await serve(create_api(settings), stack)
        assert (await phone.put("/v1/push-target", body)).status_code == 204
        assert await target_of(database, phone) == ("hms", body["value"], "android", "id", None)
        for platform in ("ios", "web"):
            refused = await phone.put("/v1/push-target", body | {"platform": platform})
            assert code(refused) == (400, "request_invalid")
            assert refused.json()["errors"][0]["field"] == "platform"
    connection = await database.connect()
    with pytest.raises(asyncpg.CheckViolationError, match="hms_is_on_android"):
        await connection.execute("UPDATE push_targets SET platform = 'ios' WHERE kind = 'hms'")
    await connection.close()


async def test_a_phone_that_enrolled_anew_gets_each_push_once(api: httpx.AsyncClient, database: Database) -> None:
    _, old, new = await two_phones(api, database)
    body = {"kind": "fid", "value": f"fid-{uuid4()}", "platform": "android", "locale": "id"}
    await old.put("/v1/push-target", body)
    await new.put("/v1/push-target", body)
    taken, kept = await target_of(database, old), await target_of(database, new)
    assert (taken[-1], kept[-1]) == ("taken_over", None)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "apns"},
        {"value": ""},
        {"value": "a b"},
        {"value": "x" * 4097},
        {"value": None},
        {"platform": "symbian"},
        {"locale": "de"},
        {"participant_id": "x"},
    ],
    ids=lambda change: str(change)[:30],
)
async def test_a_malformed_push_target_is_refused(
    api: httpx.AsyncClient, database: Database, change: dict[str, Any]
) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    body = {"kind": "fid", "value": "x", "platform": "android", "locale": "id"} | change
    assert code(await phone.put("/v1/push-target", body)) == (400, "request_invalid")


@pytest.mark.parametrize("name", ["", "x" * 61, None, 1, "a\u202eb", "a\nb"])
async def test_a_name_is_one_to_sixty_plain_characters(api: httpx.AsyncClient, database: Database, name: Any) -> None:
    phone = await Phone(api).enrol(await add_person(database, phone_since=days_ago(100)))
    assert (await phone.patch(f"/v1/devices/{phone.device_id}", {"name": name})).status_code == 400
