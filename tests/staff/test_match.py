"""A claimed card: staff see both people, read the papers, and link it by two; everybody in it is told of the look."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from io import BytesIO
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from PIL import Image

from app.documents.document import storage_name
from app.local.servers import Postgres, Valkey
from app.matches.find import find_matches
from app.platform import database as pools
from app.platform.storage import Storage
from tests.conftest import Database, settings_for
from tests.feed.conftest import Core
from tests.matches.conftest import Agus, register_agus
from tests.staff.conftest import Staff, looks


@pytest_asyncio.fixture
async def agus(
    database: Database, servers: tuple[Postgres, Valkey], api: httpx.AsyncClient, core: Core
) -> AsyncIterator[Agus]:
    """With a claim, and a document that was handed in for it."""
    found = await register_agus(database, api, core)
    settings = settings_for(database, servers[1], "sepakat_worker")
    pool = await pools.connect(settings.database_url, size=1, application="t")
    await find_matches(pool, settings)
    await pool.close()
    await found.claim()
    yield found


async def case_of(agus: Agus) -> str:
    case_id: str = (await agus.phone.get("/v1/cases")).json()["cases"][0]["id"]
    return case_id


async def read_document(staff: Staff, case_id: str, document_id: str, purpose: str = "match") -> httpx.Response:
    asked = {"case_id": case_id, "document_id": document_id, "purpose": purpose}
    return await staff.ask("documents/read", {"document_read": asked})


async def test_staff_see_both_people_with_whole_numbers_to_hold_against_the_papers(agus: Agus, staff: Staff) -> None:
    file = await staff.read(await case_of(agus), "match")
    assert (file["person"]["nik"], file["match"]["registered"]["nik"]) == (agus.person.nik, agus.mistyped.nik)
    assert file["match"]["card"]["kpj"] == agus.lost
    assert [document["kind"] for document in file["documents"]] == ["paklaring"]


async def test_the_one_under_whom_the_card_stands_is_told_too(agus: Agus, staff: Staff, database: Database) -> None:
    case_id = await case_of(agus)
    await staff.read(case_id, "match")
    assert [look["what"] for look in await looks(agus.phone)] == ["case"]
    connection = await database.connect()
    there = await connection.fetch(
        "SELECT what, purpose, case_id FROM access_log WHERE participant_id = $1", agus.mistyped.participant_id
    )
    kinds = await connection.fetch("SELECT kind FROM history WHERE participant_id = $1", agus.mistyped.participant_id)
    await connection.close()
    assert [(row["what"], row["purpose"], str(row["case_id"])) for row in there] == [("card", "match", case_id)]
    assert "looked_at" in {row["kind"] for row in kinds}


async def test_two_people_link_the_card(agus: Agus, staff: Staff) -> None:
    case_id = await case_of(agus)
    assert (await staff.decide(case_id, "linked", reason="Paklaring cocok")).json()["state"] == "proposed"
    assert agus.lost not in await agus.cards()
    answer = await staff.decide(case_id, "linked", by="budi", reason="Setuju")
    assert answer.json()["state"] == "decided", answer.text
    assert (await agus.cards())[agus.lost] == ("inactive", 4_218_777)


async def test_a_card_that_is_not_free_stays_and_nothing_of_the_confirmation_does(
    agus: Agus, staff: Staff, database: Database
) -> None:
    case_id = await case_of(agus)
    await staff.decide(case_id, "linked")
    superuser = await database.connect()
    (held,) = agus.mistyped.cards.values()
    await superuser.execute(
        "SELECT apply_changes(ARRAY[ROW($1, $2, record_cause($1, 'core', 'x'), 'claim_opened', NULL, NULL, NULL, NULL, NULL,"
        ' NULL, NULL, NULL, NULL, \'{"claim_id": "K"}\', NULL)::card_change])',
        agus.mistyped.participant_id,
        held.card_id,
    )
    await superuser.close()
    before = await looks(agus.phone)
    answer = await staff.decide(case_id, "linked", by="budi")
    assert (answer.status_code, answer.json()["code"]) == (409, "card_not_free")
    assert await looks(agus.phone) == before
    assert (await staff.decide(case_id, "linked")).json()["state"] == "proposed"


async def test_a_supervisor_alone_may_refuse(agus: Agus, staff: Staff) -> None:
    answer = await staff.decide(await case_of(agus), "refused", by="ratna", reason="Paklaring orang lain")
    assert answer.json()["state"] == "decided"
    assert (await agus.match())["state"] == "refused"


async def test_the_bytes_of_a_paper_come_as_they_are_kept_and_no_browser_opens_them(agus: Agus, staff: Staff) -> None:
    case_id = await case_of(agus)
    (document,) = (await staff.read(case_id, "match"))["documents"]
    answer = await read_document(staff, case_id, document["id"])
    assert answer.status_code == 200, answer.text
    assert hashlib.sha256(answer.content).hexdigest() == document["sha256"]
    assert Image.open(BytesIO(answer.content)).format == "JPEG"
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == f'attachment; filename="paklaring-{document["id"][:8]}.jpg"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    newest = (await looks(agus.phone))[0]
    assert (newest["what"], newest["document_id"], newest["purpose"]) == ("document", document["id"], "match")


async def test_a_document_of_another_case_is_as_unknown_as_one_that_never_was(
    agus: Agus, staff: Staff, database: Database, api: httpx.AsyncClient, core: Core
) -> None:
    case_id = await case_of(agus)
    (document,) = (await staff.read(case_id, "match"))["documents"]
    before = await looks(agus.phone)
    bodies = []
    for case, paper, purpose in (
        (case_id, str(uuid4()), "match"),
        (str(uuid4()), document["id"], "match"),
        (str(uuid4()), str(uuid4()), "match"),
    ):
        answer = await read_document(staff, case, paper, purpose)
        assert answer.status_code == 404
        bodies.append({**answer.json(), "instance": ""})
    assert bodies[0] == bodies[1] == bodies[2]
    unfit = await read_document(staff, case_id, document["id"], "dispute")
    assert (unfit.status_code, unfit.json()["code"]) == (422, "purpose_unfit")
    assert await looks(agus.phone) == before


@pytest.mark.parametrize("damage", ["gone", "changed"])
async def test_a_paper_that_the_store_does_not_give_whole_is_no_look(
    agus: Agus, staff: Staff, database: Database, damage: str
) -> None:
    case_id = await case_of(agus)
    (document,) = (await staff.read(case_id, "match"))["documents"]
    store = Storage(str(database.postgres.data.parent / "documents"))
    name = storage_name(UUID(document["id"]))
    if damage == "gone":
        await store.delete(name)
    else:
        await store.put(name, b"something else")
    before = await looks(agus.phone)
    answer = await read_document(staff, case_id, document["id"])
    assert (answer.status_code, answer.json()["code"]) == (503, "document_away")
    assert await looks(agus.phone) == before
