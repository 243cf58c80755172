"""A freeze by staff: two people, told on every channel, lifted by two or by what lifts STOP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from tests.answers import code, inbox, kinds
from tests.cases.reports import Reported
from tests.conftest import Database
from tests.feed.conftest import Core
from tests.identity.branch import hand_out
from tests.merges.merged import NEW, OLD
from tests.people import Person, Phone, add_person
from tests.staff.conftest import Staff, looks

REASON = "Ponsel dicuri, dilaporkan di KC Purwokerto"


@pytest_asyncio.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, OLD, NEW)


@pytest_asyncio.fixture
async def phone(api: httpx.AsyncClient, dwi: Person) -> Phone:
    return await Phone(api).enrol(dwi)


async def ask(staff: Staff, person: Person, act: str, by: str, reason: str = REASON) -> httpx.Response:
    body = {"freeze_decision": {"nik": person.nik, "act": act, "reason": reason}}
    return await staff.ask("freezes/decide", body, by=by)


async def both(staff: Staff, person: Person, act: str = "freeze") -> dict[str, Any]:
    assert (await ask(staff, person, act, "siti")).json()["state"] == "proposed"
    answer = await ask(staff, person, act, "budi", "Saya setuju")
    assert answer.status_code == 200, answer.text
    decided: dict[str, Any] = answer.json()
    return decided


async def statuses(phone: Phone) -> list[str]:
    """Sorted: the order of the overview is another matter."""
    return sorted(card["status"] for card in (await phone.get("/v1/cards")).json()["cards"])


async def test_two_people_freeze_every_card_and_cancel_what_is_open(dwi: Person, phone: Phone, staff: Staff) -> None:
    merge = (await phone.post("/v1/merges", {"absorb": [dwi.kpjs[0]], "into": dwi.kpjs[1]})).json()
    assert (await phone.confirm(merge)).status_code == 200
    first = (await ask(staff, dwi, "freeze", "siti")).json()
    assert (first["state"], first["second_staff"]) == ("proposed", None)
    assert (await ask(staff, dwi, "freeze", "siti")).json() == first, "the same person is no second one"
    assert "frozen" not in await statuses(phone)
    second = (await ask(staff, dwi, "freeze", "budi", "Saya setuju")).json()
    assert (second["state"], second["reason"], second["staff"], second["second_staff"]) == (
        "decided",
        REASON,
        "siti",
        "budi",
    )
    assert await statuses(phone) == ["frozen", "frozen"]
    told = (await inbox(phone))[:5]
    assert [entry["kind"] for entry in told] == [
        "merge_cancelled",
        "card_frozen",
        "card_frozen",
        "frozen_by_agency",
        "looked_at",
    ]
    assert REASON in told[3]["body"]
    merge = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert (merge["state"], merge["closed_because"]) == ("cancelled", "card_frozen")
    assert [(look["what"], look["purpose"]) for look in await looks(phone)] == [("freeze", "takeover")] * 2
    assert (await ask(staff, dwi, "freeze", "budi")).json() == second, "an answer that was lost"
    assert code(await ask(staff, dwi, "freeze", "ratna")) == (409, "freeze_changes_nothing")
    assert len(await looks(phone)) == 2
    export = (await phone.get("/v1/me/export")).json()["export"]
    assert [(one["act"], one["state"]) for one in export["freeze_proposals"]] == [("freeze", "confirmed")]


async def test_two_people_lift_it_again(dwi: Person, phone: Phone, staff: Staff) -> None:
    assert code(await ask(staff, dwi, "lift", "siti")) == (409, "freeze_changes_nothing")
    await both(staff, dwi)
    await both(staff, dwi, "lift")
    assert await statuses(phone) == ["active", "inactive"]
    assert (await kinds(phone))[:4] == ["card_unfrozen", "card_unfrozen", "unfrozen_by_agency", "looked_at"]


async def test_what_lifts_stop_lifts_it(dwi: Person, phone: Phone, staff: Staff, core: Core) -> None:
    await both(staff, dwi)
    proof = await phone.prove("unlock", dwi.participant_id)
    assert code(await phone.post("/v1/cards/unfreeze", proof)) == (403, "hold_in_force")
    slip = await hand_out(core, dwi.nik)
    proof = await phone.prove("unlock", dwi.participant_id)
    assert (await phone.post("/v1/cards/unfreeze", proof | {"branch_code": slip})).status_code == 200
    assert await statuses(phone) == ["active", "inactive"]


async def test_a_dispute_accepted_by_one_ends_no_freeze_by_two(reported: Reported, staff: Staff) -> None:
    case_id = (await reported.dispute())["id"]
    await both(staff, reported.person)
    assert (await staff.decide(case_id, "accepted", by="ratna")).json()["state"] == "decided"
    assert (await reported.cards())[reported.kept][0] == "frozen"


async def test_nobody_freezes_without_role_or_number(dwi: Person, phone: Phone, staff: Staff) -> None:
    assert code(await ask(staff, dwi, "freeze", "dewi")) == (403, "staff_role_insufficient")
    unknown = {"freeze_decision": {"nik": "9" * 16, "act": "freeze", "reason": REASON}}
    assert code(await staff.ask("freezes/decide", unknown)) == (404, "participant_unknown")
    assert await looks(phone) == []


async def test_a_proposal_ends_after_a_day(dwi: Person, phone: Phone, staff: Staff, database: Database) -> None:
    await ask(staff, dwi, "freeze", "siti")
    owner = await database.connect()
    async with owner.transaction():
        await owner.execute("ALTER TABLE freeze_proposals DISABLE TRIGGER USER")
        await owner.execute(
            "UPDATE freeze_proposals SET proposed_at = proposed_at - $2::interval WHERE participant_id = $1",
            dwi.participant_id,
            timedelta(days=1),
        )
        for trigger in ("by_function_only", "are_closed_once", "are_kept", "are_not_truncated"):
            await owner.execute(f"ALTER TABLE freeze_proposals ENABLE ALWAYS TRIGGER freezes_{trigger}")
    await owner.close()
    assert (await ask(staff, dwi, "freeze", "budi")).json()["state"] == "proposed"
    assert "frozen" not in await statuses(phone)


async def test_the_database_takes_no_one_for_two(dwi: Person, phone: Phone, staff: Staff, database: Database) -> None:
    await ask(staff, dwi, "freeze", "siti")
    owner = await database.connect()
    await owner.execute("GRANT sepakat_writer TO postgres WITH SET TRUE")
    confirmed = "UPDATE freeze_proposals SET state = 'confirmed', closed_at = proposed_at"
    himself = "second_issuer = issuer, second_staff = upper(staff), second_role = 'caseworker', second_shown_as = 'x'"
    for sql, constraint in (
        (confirmed, "freeze_takes_a_second_person"),
        (f"{confirmed}, {himself}", "freeze_is_of_two_people"),
        ("UPDATE freeze_proposals SET reason = 'x'", "freezes_are_closed_once"),
    ):
        async with owner.transaction():
            await owner.execute("SET LOCAL ROLE sepakat_writer")
            assert await refusal(owner, f"{sql} WHERE participant_id = '{dwi.participant_id}'") == constraint
    for sql in ("DELETE FROM freeze_proposals", "TRUNCATE freeze_proposals"):
        assert await refusal(owner, sql) == "freezes_are_kept"
    await owner.execute("REVOKE sepakat_writer FROM postgres")
    await owner.close()


async def refusal(connection: Any, sql: str) -> str | None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        async with connection.transaction():
            await connection.execute(sql)
    return refused.value.constraint_name
