"""Identity numbers and contacts lie sealed wherever they lie, and a new key takes over without anybody noticing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from app.identity.rotate_keys import rotate_keys
from app.local.servers import Postgres, Valkey
from app.platform.sealing import Sealer, add_data_key
from tests.conftest import DATA_KEYS, Apps, Database, settings_for
from tests.feed.conftest import Core, Worker, serve_feed
from tests.identity.conftest import ServeApi
from tests.identity.contact_codes import NEW_EMAIL, NEW_PHONE, ask_change, code_for, type_code
from tests.people import NewCard, Phone, add_person

PLACES = """
SELECT table_name, column_name FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1, 2
"""


async def find_places(admin: asyncpg.Connection[Any], *words: str) -> list[str]:
    """Every column of the database in which one of the words stands, as text or as bytes."""
    found = []
    for table, column in await admin.fetch(PLACES):
        for word in words:
            spellings = [f"%{word}%", f"%{word.encode().hex()}%"]
            if await admin.fetchval(f"SELECT count(*) FROM {table} WHERE {column}::text LIKE ANY ($1)", spellings):
                found.append(f"{table}.{column}: {word}")
    return found


async def play(core: Core, worker: Worker) -> None:
    """Applied, held, rejected, repeated and quarantined events, each with the identity number in it."""
    first = worker.registered()
    await core.apply(first | {"data": first["data"] | {"phone": "+6281200009876", "email": "canary@example.id"}})
    early = worker.registered(streams={f"participant:{worker.nik}": 5})
    other = early | {"data": early["data"] | {"name": "Lain"}}
    for one in (early, other, worker.registered(), worker.registered(streams={"participant:3201010101900000": 1})):
        await core.send(one)
        await core.send(one)


async def test_no_column_of_the_database_holds_a_number_or_a_contact(fresh_apps: Apps) -> None:
    worker = Worker()
    await play(Core(fresh_apps.feed, fresh_apps.database), worker)
    admin = await fresh_apps.database.connect()
    assert await admin.fetchval("SELECT count(*) FROM feed_quarantine") == 1
    assert await find_places(admin, worker.nik, "81200009876", "canary@example.id", "3201010101900000") == []
    name = await find_places(admin, "Dwi Lestari")
    assert "participants.name: Dwi Lestari" in name, "what is looked for is found where it does stand"
    await admin.close()


async def test_after_a_rotation_only_the_newest_key_is_needed_and_nothing_is_lost(
    fresh_apps: Apps, fresh_database: Database, servers: tuple[Postgres, Valkey], tmp_path: Path
) -> None:
    keys = Path(shutil.copy(DATA_KEYS, tmp_path / "data-keys"))
    settings = structs.replace(settings_for(fresh_database, servers[1], "sepakat_feed"), data_keys=str(keys))
    worker = Worker()
    async with serve_feed(settings) as feed:
        await play(Core(feed, fresh_database), worker)
        person = await add_person(fresh_database, NewCard())
        add_data_key(keys)
        heard: list[int] = []
        resealed = await rotate_keys(fresh_database.url(), str(keys), heard.append)
        assert resealed == heard[-1] > 3
        assert await rotate_keys(fresh_database.url(), str(keys), heard.append) == 0
        keys.write_text("".join(_without_old_data_keys(keys)))

        again = worker.registered(id="evt-after-rotation")
        (result,) = await Core(feed, fresh_database).send(again)
        assert (result["outcome"], result["code"]) == ("rejected", "participant_known")
    admin = await fresh_database.connect()
    row = await admin.fetchrow("SELECT nik_sealed FROM participants WHERE participant_id = $1", person.participant_id)
    await admin.close()
    assert row is not None
    assert Sealer(keys).open(row["nik_sealed"], column="nik", row=person.participant_id) == person.nik


async def test_no_role_of_the_product_seals_anew(database: Database) -> None:
    person = await add_person(database)
    for role in ("sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_operator"):
        connection = await database.connect(role)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "SELECT reseal_participant($1, ARRAY[''::bytea], '', '', '')", person.participant_id
            )
        await connection.close()


def _without_old_data_keys(keys: Path) -> list[str]:
    lines = keys.read_text().splitlines(keepends=True)
    return [lines[0], *(line for line in lines if line.startswith("lookup"))]


async def test_contacts_on_their_way_and_corrections_are_sealed_anew_too(
    fresh_database: Database, serve_api: ServeApi, tmp_path: Path
) -> None:
    person = await add_person(fresh_database)
    keys = Path(shutil.copy(DATA_KEYS, tmp_path / "data-keys"))
    async with serve_api(fresh_database, data_keys=str(keys)) as api:
        phone = await Phone(api).enrol(person)
        await ask_change(phone, person, phone=NEW_PHONE, email=NEW_EMAIL)
        await phone.post("/v1/me/corrections", {"field": "name", "wanted": "Dwi L."})
        add_data_key(keys)
        assert await rotate_keys(fresh_database.url(), str(keys), lambda _: None) == 6
        assert await rotate_keys(fresh_database.url(), str(keys), lambda _: None) == 0
        keys.write_text("".join(_without_old_data_keys(keys)))
        for channel in ("phone", "email"):
            assert (await type_code(phone, await code_for(fresh_database, person, channel))).status_code == 200
        me = (await phone.get("/v1/me")).json()
        assert (me["phone"], me["email"]) == ("•••021", "r•••@example.id")
        assert (await phone.get("/v1/cases")).json()["cases"][0]["correction"]["wanted"] == "Dwi L."
