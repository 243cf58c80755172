"""A pair that somebody does not want to be offered again is neither recommended nor proposed by the agency."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.merges.merge import Card, recommended
from tests.answers import code, kinds
from tests.conftest import Database
from tests.feed.conftest import Core, event
from tests.merges.conftest import Settle
from tests.merges.merged import NEW, OLD
from tests.people import Person, Phone, add_person


@pytest_asyncio.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, OLD, NEW)


@pytest_asyncio.fixture
async def phone(api: httpx.AsyncClient, dwi: Person) -> Phone:
    return await Phone(api).enrol(dwi)


async def propose_by_agency(core: Core, absorb: str, into: str) -> dict[str, Any]:
    data = {"absorb": [absorb], "into": into, "reason": "Dua kartu atas satu nama"}
    (result,) = await core.send(event("merge.proposed", data))
    return result


async def test_the_agencys_proposal_is_declined_and_never_comes_again(phone: Phone, dwi: Person, core: Core) -> None:
    old, new = dwi.kpjs
    assert (await propose_by_agency(core, new, old))["outcome"] == "applied"
    (merge,) = (await phone.get("/v1/merges")).json()["merges"]
    answer = await phone.post(f"/v1/merges/{merge['id']}/never-suggest", {})
    assert (answer.status_code, answer.json()["state"]) == (200, "declined")
    assert (await kinds(phone))[:2] == ["merge_never_suggested", "merge_declined"]

    for absorb, into in ((new, old), (old, new)):
        result = await propose_by_agency(core, absorb, into)
        assert (result["outcome"], result["code"]) == ("rejected", "never_suggest"), "both ways"
    assert (await kinds(phone))[0] == "merge_never_suggested", "a refused proposal leaves nothing"

    options = (await phone.get("/v1/merges/options")).json()["options"]
    assert len(options) == 2
    for option in options:
        assert (option["allowed"], option["recommended"]) == (True, False)
        assert [reason["code"] for reason in option["reasons"]] == ["never_suggest"]
    judged = (await phone.post("/v1/merges/options", {"absorb": [old], "into": new})).json()
    assert (judged["allowed"], judged["reasons"][0]["code"]) == (True, "never_suggest")

    mine = await phone.post("/v1/merges", {"absorb": [old], "into": new})
    assert mine.status_code == 201, "she may still propose it herself"
    assert "never_suggest" not in mine.json()["plan"]["consequences"]


async def test_again_changes_nothing_and_a_closed_proposal_can_be_meant_too(phone: Phone, dwi: Person) -> None:
    merge = (await phone.post("/v1/merges", {"absorb": [dwi.kpjs[0]], "into": dwi.kpjs[1]})).json()
    path = f"/v1/merges/{merge['id']}"
    assert (await phone.post(f"{path}/cancel", {})).status_code == 200
    first = await phone.post(f"{path}/never-suggest", {})
    assert (first.status_code, first.json()["state"]) == (200, "cancelled")
    before = await kinds(phone)
    assert (await phone.post(f"{path}/never-suggest", {})).json() == first.json()
    assert await kinds(phone) == before


async def test_what_is_agreed_is_not_unsaid(phone: Phone, dwi: Person, cool_off: Settle) -> None:
    merge = (await phone.post("/v1/merges", {"absorb": [dwi.kpjs[0]], "into": dwi.kpjs[1]})).json()
    path = f"/v1/merges/{merge['id']}/never-suggest"
    assert (await phone.confirm(merge)).status_code == 200
    assert code(await phone.post(path, {})) == (409, "merge_already_confirmed")
    await cool_off()
    assert code(await phone.post(path, {})) == (409, "merge_already_executed")
    assert code(await phone.post(f"/v1/merges/{uuid4()}/never-suggest", {})) == (404, "merge_unknown")


async def test_somebody_elses_merge_is_unknown(phone: Phone, api: httpx.AsyncClient, database: Database) -> None:
    other = await add_person(database, OLD, NEW)
    theirs = await Phone(api).enrol(other)
    merge = (await theirs.post("/v1/merges", {"absorb": [other.kpjs[0]], "into": other.kpjs[1]})).json()
    assert code(await phone.post(f"/v1/merges/{merge['id']}/never-suggest", {})) == (404, "merge_unknown")
    assert (await theirs.get(f"/v1/merges/{merge['id']}")).json()["state"] == "proposed"


async def test_no_product_role_writes_pairs_or_proposes_one_by_sql(
    phone: Phone, dwi: Person, database: Database
) -> None:
    merge = (await phone.post("/v1/merges", {"absorb": [dwi.kpjs[0]], "into": dwi.kpjs[1]})).json()
    await phone.post(f"/v1/merges/{merge['id']}/never-suggest", {})
    old, new = (dwi.cards[kpj].card_id for kpj in dwi.kpjs)
    feed = await database.connect("sepakat_feed")
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await feed.execute(
            """INSERT INTO merges (participant_id, merge_id, state, proposed_by, absorb, into_card, proposed_at, cause_id)
            SELECT $1, $2, 'proposed', 'agency', ARRAY[$3::uuid], $4, now(), record_cause($1, 'agency', 'batch')""",
            dwi.participant_id,
            uuid4(),
            old,
            new,
        )
    assert refused.value.constraint_name == "pair_is_never_suggested"
    await feed.close()
    for role in ("sepakat_api", "sepakat_worker", "sepakat_feed", "postgres"):
        connection = await database.connect(role)
        with pytest.raises(asyncpg.PostgresError) as denied:
            await connection.execute("DELETE FROM never_suggested_pairs WHERE participant_id = $1", dwi.participant_id)
        assert denied.value.sqlstate == "42501" or denied.value.constraint_name == "pairs_by_function_only"
        await connection.close()


def card(kpj: str, year: int, lifecycle: str = "inactive") -> Card:
    return Card(
        card_id=uuid4(),
        kpj=kpj,
        status=lifecycle,
        lifecycle=lifecycle,
        balance=1_000_000,
        opened_on=date(year, 1, 1),
        locked=False,
        frozen=False,
        claim_id=None,
        open_merge_id=None,
        partial_claims=0,
        deceased=False,
    )


def test_the_recommended_set_leaves_out_what_makes_a_pair() -> None:
    a, b, c = card("99000000001", 2010), card("99000000002", 2014), card("99000000003", 2020, "active")
    day = date(2026, 11, 1)

    def absorbed(*pairs: tuple[Card, Card]) -> list[str] | None:
        never = frozenset(frozenset((one.card_id, other.card_id)) for one, other in pairs)
        found = recommended([a, b, c], day=day, never=never)
        return [one.kpj for one in found[0]] if found else None

    assert absorbed() == [a.kpj, b.kpj]
    assert absorbed((a, c)) == absorbed((c, a)) == [b.kpj]
    assert absorbed((a, b)) == [a.kpj], "not even together into a third"
    assert absorbed((a, c), (b, c)) is None
