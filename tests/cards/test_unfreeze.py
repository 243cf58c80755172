"""The freeze of STOP is lifted at a branch: a young key and the code that staff handed out do what an old key does."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from tests.answers import code, kinds
from tests.conftest import Database
from tests.feed.conftest import Core
from tests.identity.branch import hand_out, new_code
from tests.merges.merged import NEW, OLD
from tests.merges.test_stop import issue, statuses
from tests.people import Person, Phone, add_person


@pytest.fixture
def core(feed: httpx.AsyncClient, database: Database) -> Core:
    return Core(feed, database)


@pytest_asyncio.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, OLD, NEW)


@pytest_asyncio.fixture
async def young(api: httpx.AsyncClient, database: Database, dwi: Person) -> Phone:
    """A phone added minutes ago, whose owner pressed STOP."""
    phone = await Phone(api).enrol(dwi)
    assert (await api.post(await issue(database, dwi))).status_code == 200
    return phone


async def lift(phone: Phone, person: Person, branch_code: Any = None, **options: Any) -> httpx.Response:
    body = await phone.prove("unlock", person.participant_id, **options)
    return await phone.post("/v1/cards/unfreeze", body | ({} if branch_code is None else {"branch_code": branch_code}))


async def test_a_young_key_and_a_branch_code_lift_the_freeze_and_both_are_told(
    young: Phone, dwi: Person, core: Core
) -> None:
    assert code(await lift(young, dwi)) == (403, "hold_in_force")
    slip = await hand_out(core, dwi.nik)
    lifted = await lift(young, dwi, slip)
    assert lifted.status_code == 200, lifted.text
    assert {card["status"] for card in lifted.json()["cards"]} == {"inactive", "active"}
    assert (await kinds(young))[:4] == ["card_unfrozen", "card_unfrozen", "branch_code_used", "branch_code_issued"]
    (proof,) = await core.ask("SELECT * FROM unlock_proofs WHERE participant_id = $1", dwi.participant_id)
    assert (proof["subject_id"], str(proof["device_id"])) == (dwi.participant_id, young.device_id)
    (used,) = await core.ask("SELECT used_for, used_by FROM branch_codes WHERE participant_id = $1", dwi.participant_id)
    assert (used["used_for"], str(used["used_by"])) == ("unfreeze", young.device_id)
    entry = (await young.get("/v1/inbox", headers={"accept-language": "en"})).json()["entries"][2]
    assert "was used to lift the freeze" in entry["body"]


async def test_the_code_replaces_the_age_of_the_key_and_not_the_proof(young: Phone, dwi: Person, core: Core) -> None:
    slip = await hand_out(core, dwi.nik)
    for wrong in ({"purpose": "merge"}, {"subject_id": str(dwi.cards[dwi.kpjs[0]].card_id)}):
        assert code(await lift(young, dwi, slip, signed=wrong)) == (403, "proof_invalid")
    assert set((await statuses(young)).values()) == {"frozen"}
    assert (await lift(young, dwi, slip)).status_code == 200, "the code was not used up"


async def test_a_wrong_code_lifts_nothing_and_each_phone_has_ten_tries_a_day_of_its_own(
    young: Phone, dwi: Person, core: Core
) -> None:
    thief = await Phone(young.api, "Ponsel Pencuri").enrol(dwi)
    answers = [await lift(thief, dwi, new_code()) for _ in range(11)]
    assert {code(answer) for answer in answers} == {(422, "branch_code_invalid")}
    assert [answer.json()["tries_left"] for answer in answers] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    slip = await hand_out(core, dwi.nik)
    assert (await lift(thief, dwi, slip)).json()["tries_left"] == 0, "also the right one, today"
    assert set((await statuses(young)).values()) == {"frozen"}
    assert (await lift(young, dwi, slip)).status_code == 200, "the owner's phone has its own"


async def test_another_persons_code_lifts_nothing(young: Phone, dwi: Person, core: Core, database: Database) -> None:
    other = await add_person(database)
    assert code(await lift(young, dwi, await hand_out(core, other.nik))) == (422, "branch_code_invalid")
    for malformed in ("7KQM", "0000-0000-0000-0000", 7):
        assert code(await lift(young, dwi, malformed)) == (400, "request_invalid")


async def test_where_nothing_is_frozen_the_code_is_kept(api: httpx.AsyncClient, dwi: Person, core: Core) -> None:
    phone = await Phone(api).enrol(dwi)
    slip = await hand_out(core, dwi.nik)
    before = await kinds(phone)
    assert (await lift(phone, dwi, slip)).status_code == 200
    assert await kinds(phone) == before
    (row,) = await core.ask("SELECT used_at FROM branch_codes WHERE participant_id = $1", dwi.participant_id)
    assert row["used_at"] is None


async def test_one_code_for_a_freeze_and_a_phone_at_once_does_one_of_them(
    young: Phone, dwi: Person, core: Core, api: httpx.AsyncClient
) -> None:
    slip, new = await hand_out(core, dwi.nik), Phone(api)
    enrolment_id = (await new.ask_enrolment(dwi)).json()["enrolment_id"]
    lifted, added = await asyncio.gather(lift(young, dwi, slip), new.verify_at_branch(enrolment_id, slip))
    assert sorted([lifted.status_code, added.status_code]) in ([200, 422], [201, 422]), (lifted.text, added.text)


async def test_the_database_lifts_nothing_without_code_and_proof(
    young: Phone, dwi: Person, core: Core, database: Database
) -> None:
    slip = await hand_out(core, dwi.nik)
    connection = await database.connect("sepakat_api", entering=dwi.participant_id)
    sql = "SELECT lift_stop_at_branch($1, $2, decode(repeat('00', 32), 'hex'), '', '{}', $3)"
    who = (dwi.participant_id, young.device_id)
    assert await connection.fetchval(sql, *who, "2" * 16) == "code_invalid"
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await connection.fetchval(sql, *who, slip.replace("-", ""))
    assert refused.value.constraint_name == "unlock_takes_its_challenge"
    await connection.close()
    assert set((await statuses(young)).values()) == {"frozen"}
