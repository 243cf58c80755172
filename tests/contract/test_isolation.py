"""Whose is it? Every route with every id in it, asked by its owner, by somebody else, with an ended session, and by nobody.

All of it twice: with the API as it is, and with the condition on the participant taken out of every statement, so that
row-level security stands alone.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from app.announcements.publish import publish
from app.local.servers import Postgres, Valkey
from app.main import create_api, create_feed
from app.matches.find import find_matches
from app.merges.execute import settle
from app.platform import database as pools
from app.platform.jobs import Jobs
from app.platform.sql import SQL_FOLDER, load
from tests.announcements.conftest import announcement
from tests.cases.reports import merged
from tests.conftest import SECRET, Apps, Database, OpenDatabase, serve, settings_for
from tests.contract.isolation import (
    FOR_ANYBODY,
    HELD,
    IDS,
    Operation,
    World,
    ask,
    comparable,
    read_operations,
)
from tests.feed.conftest import Core
from tests.matches.conftest import exchange, photo, upload
from tests.passkeys.authenticator import add_passkey
from tests.people import NewCard, Phone, add_person, new_nik

if TYPE_CHECKING:  # asyncpg's classes are generic in their stubs only
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection

CONDITION = re.compile(r"\b(?:\w+\.)?participant_id = (\$\d+)")
STAFF_LIKE = "eyJhbGciOiJub25lIn0.eyJyb2xlIjoic3RhZmYiLCJzdWIiOiJhbmkifQ."
NOT_FOR_THE_OWNER = {"GET /v1/stream", "DELETE /v1/sessions/current", "DELETE /v1/sessions"}
"""One never ends, the others end the very session that asks."""
BORN = date(1985, 8, 12)


def without_condition(statement: str) -> str:
    return CONDITION.sub(r"\1::uuid IS NOT NULL", statement)


class Forgetful(_Connection):
    """Forgets whose rows are asked for: the condition on the participant is gone from what it sends."""

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        return await super().execute(without_condition(query), *args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        return await super().fetch(without_condition(query), *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        return await super().fetchrow(without_condition(query), *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        return await super().fetchval(without_condition(query), *args, **options)


class Matrix(msgspec.Struct, frozen=True):
    apps: Apps
    operations: list[Operation]
    owner: World
    other: World
    ended: str
    """An access token of the owner whose session has ended."""

    async def rows_of_owner(self) -> dict[str, list[str]]:
        """Everything that the database has of the owner."""
        connection = await self.apps.database.connect()
        tables = await connection.fetch(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'participant_id'"
        )
        rows = {
            name: sorted(
                row[0]
                for row in await connection.fetch(
                    f"SELECT t::text FROM {name} AS t WHERE participant_id = $1", self.owner.person.participant_id
                )
            )
            for (name,) in tables
        }
        await connection.close()
        return rows


@pytest_asyncio.fixture(scope="module", params=["as it is", "without its own filter"])
async def matrix(
    request: pytest.FixtureRequest, clone: OpenDatabase, servers: tuple[Postgres, Valkey]
) -> AsyncIterator[Matrix]:
    database = await clone()
    async with AsyncExitStack() as stack:
        at_once = msgspec.structs.replace(settings_for(database, servers[1], "sepakat_api"), merge_cooling_off_s=0)
        with pytest.MonkeyPatch.context() as patch:
            if request.param != "as it is":
                patch.setattr(asyncpg, "create_pool", partial(asyncpg.create_pool, connection_class=Forgetful))
            api = await serve(create_api(at_once), stack)
        feed = await serve(create_feed(settings_for(database, servers[1], "sepakat_feed")), stack)
        apps = Apps(database, api, feed)
        owner = await build_world(apps, servers[1], "Sari Wulandari")
        other = await build_world(apps, servers[1], "Bayu Pratama")
        ended = (await Phone(apps.api, "Ponsel lama").enrol(owner.person)).session
        assert (await owner.phone.delete(f"/v1/sessions/{ended['session_id']}")).status_code == 204
        yield Matrix(apps, await read_operations(apps), owner, other, ended["access_token"])


async def build_world(apps: Apps, valkey: Valkey, name: str) -> World:
    """Six cards in an executed, a proposed and a reported merge; a possible match; documents; a second phone."""
    cards = [NewCard(balance=1_000_000 + n, opened_on=date(2010 + n, 3, 1)) for n in range(6)]
    nik, name = new_nik(BORN), f"{name} {uuid4().hex[:8]}"
    person = await add_person(apps.database, *cards, name=name, birth_date=BORN, nik=nik)
    await add_person(apps.database, NewCard(), name=name.upper(), birth_date=BORN, nik=exchange(nik, 8), phone=None)
    kpjs = person.kpjs
    await Core(apps.feed, apps.database).apply(
        merged(kpjs[0], kpjs[1], {kpjs[0]: 1_000_000, kpjs[1]: 1_000_001}), announcement({"niks": [nik]})
    )
    phone = await Phone(apps.api).enrol(person)
    second = await (await Phone(apps.api, "Ponsel kedua").enrol(person)).sign_in()
    executed = (await phone.post("/v1/merges", {"absorb": [kpjs[2]], "into": kpjs[3]})).json()
    assert (await phone.confirm(executed)).status_code == 200
    await _work(apps.database, valkey)
    (await phone.post("/v1/merges", {"absorb": [kpjs[4]], "into": kpjs[5]})).raise_for_status()
    merges = (await phone.get("/v1/merges")).json()["merges"]
    assert [merge["state"] for merge in merges] == ["proposed", "executed", "reported"]
    (told,) = (await phone.get("/v1/announcements")).json()["announcements"]
    (match,) = (await phone.get("/v1/possible-matches")).json()["matches"]
    documents = [
        (await upload(phone, f"{path}/documents?kind=ktp", photo())).json()["id"]
        for path in (f"/v1/possible-matches/{match['id']}", f"/v1/merges/{merges[0]['id']}")
    ]
    await add_passkey(phone)
    (passkey,) = (await phone.get("/v1/passkeys")).json()["passkeys"]
    asked = [await Phone(apps.api, "Ponsel baru").ask_enrolment(person) for _ in range(2)]
    ids = {
        "enrolment_id": [answer.json()["enrolment_id"] for answer in asked],
        "session_id": [second.session["session_id"]],
        "device_id": [second.device_id],
        "card_id": [str(card.card_id) for card in person.cards.values()],
        "passkey_id": [passkey["passkey_id"]],
        "match_id": [match["id"]],
        "merge_id": [merge["id"] for merge in merges],
        "document_ids": documents,
        "subject_id": [merges[0]["id"]],
        "announcement_id": [told["id"]],
        "kpj": [kpjs[4], kpjs[2]],
        "absorb": [kpjs[4]],
        "into": [kpjs[5]],
        "nik": [nik],
        "deceased_nik": [nik],
        "nonce": [await phone.challenge("merge", merges[0]["id"])],
    }
    assert set(ids) == set(IDS)
    digests = {merge["id"]: merge["plan_digest"] for merge in merges if merge["plan_digest"]}
    return World(person, phone, ids, digests)


async def _work(database: Database, valkey: Valkey) -> None:
    """What the workers do: carry out what is due, announce, and look for cards that may be somebody's."""
    settings = settings_for(database, valkey, "sepakat_worker")
    pool = await pools.connect(settings.database_url, size=2, application="test worker")
    await settle(pool, settings)
    await find_matches(pool, settings)
    jobs = Jobs(settings.redis_url, SECRET)
    await publish(pool, jobs)
    await jobs.close()
    await pool.close()


def of_cursor(operation: Operation) -> str:
    """What a list goes on behind: /v1/sessions behind a session_id."""
    return operation.path.rpartition("/")[2].removesuffix("s") + "_id"


async def test_somebody_elses_is_answered_as_what_does_not_exist(matrix: Matrix) -> None:
    before, tried = await matrix.rows_of_owner(), 0
    for operation in matrix.operations:
        for slot in operation.slots():
            nobodys = str(IDS.get(slot[-1], uuid4)())
            expected = comparable(await ask(operation, matrix.other, slot, nobodys), nobodys)
            for value in matrix.owner.ids[of_cursor(operation) if slot[-1] == "cursor" else slot[-1]]:
                answer = await ask(operation, matrix.other, slot, value, digests=matrix.owner.digests)
                what = f"{operation.name} with somebody else's {'.'.join(slot)}: {answer.status_code} {answer.text}"
                tried += 1
                assert answer.status_code < 500, what
                assert answer.status_code >= 300 or operation.name in FOR_ANYBODY, what
                assert slot[0] != "path" or answer.status_code == 404, what
                assert comparable(answer, value) == expected, what
                assert not {mark for mark in matrix.owner.marks - {value} if mark in answer.text}, what
    assert tried > 60
    assert await matrix.rows_of_owner() == before, "nobody else's requests leave a trace at the owner"


async def test_nothing_of_others_stands_in_what_names_nobody(matrix: Matrix) -> None:
    for operation in matrix.operations:
        if operation.method == "GET" and not operation.slots() and operation.path != "/v1/stream":
            answer = await ask(operation, matrix.other)
            assert answer.status_code in (200, 404), operation.name  # 404: a link to stop that nobody holds
            assert not {mark for mark in matrix.owner.marks if mark in answer.text}, operation.name


async def test_an_ended_session_no_token_and_a_token_of_other_people_open_nothing(matrix: Matrix) -> None:
    for operation in matrix.operations:
        for token in (matrix.ended, "", STAFF_LIKE):
            answer = await ask(operation, matrix.owner, token=token)
            what = f"{operation.name}: {answer.status_code} {answer.text}"
            assert operation.public or answer.status_code == 401, what
            assert answer.status_code < 300 or answer.status_code >= 400, what


async def test_the_owner_is_let_in(matrix: Matrix) -> None:
    """Last, for it changes everything: what is the owner's is never `not found`, and what is not in the way succeeds."""
    order = {"GET": 0, "PATCH": 1, "PUT": 1, "POST": 2, "DELETE": 3}
    done, answered_once = 0, iter(matrix.owner.ids["enrolment_id"])
    for operation in sorted(matrix.operations, key=lambda operation: order[operation.method]):
        if operation.public or operation.name in NOT_FOR_THE_OWNER:
            continue
        slots: list[tuple[str, ...] | None] = [slot for slot in operation.slots() if slot[0] == "path"]
        for slot in slots or [None]:
            values = matrix.owner.ids[slot[-1]] if slot else [""]
            for value in [next(answered_once)] if slot and slot[-1] == "enrolment_id" else values:
                answer = await ask(operation, matrix.owner, slot, value)
                what = f"{operation.name} by its owner: {answer.status_code} {answer.text}"
                held_by_nobody = any(f"{{{name}}}" in operation.path for name in HELD) or "{seq}" in operation.path
                assert answer.status_code not in (401, 404) or held_by_nobody, what
                assert answer.status_code < 500, what
                done += answer.status_code < 300
    assert done > 40


@pytest.mark.parametrize("matrix", ["without its own filter"], indirect=True)
async def test_with_neither_wall_it_would_show(matrix: Matrix) -> None:
    """What the tests above are worth: with the policies off too, a stranger reads what is not theirs at these routes."""
    superuser = await matrix.apps.database.connect()
    tables = await superuser.fetch("SELECT relname FROM pg_class WHERE relrowsecurity")
    for (table,) in tables:
        await superuser.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    shown = set()
    for operation in matrix.operations:
        for slot in operation.slots():
            if operation.method == "GET" and slot[0] == "path":
                answer = await ask(operation, matrix.other, slot, matrix.owner.ids[slot[-1]][0])
                shown |= {operation.name} if answer.status_code == 200 else set()
    for (table,) in tables:
        await superuser.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    await superuser.close()
    assert shown > {
        "GET /v1/cards/{card_id}",
        "GET /v1/cards/{card_id}/statement",
        "GET /v1/cards/{card_id}/history",
        "GET /v1/merges/{merge_id}",
        "GET /v1/merges/{merge_id}/documents",
        "GET /v1/announcements/{announcement_id}",
    }


def test_the_filter_that_is_taken_out_stands_in_many_statements() -> None:
    files = [str(file.relative_to(SQL_FOLDER / "queries"))[:-4] for file in (SQL_FOLDER / "queries").rglob("*.sql")]
    statements = [text for path in files for text in load(path).values()]
    assert sum(text != without_condition(text) for text in statements) > 60
    assert not [text for text in statements if "participant_id = $" in without_condition(text)]
