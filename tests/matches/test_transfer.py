"""A claimed card is linked by staff: closed at one participant, opened at the other, to the rupiah; or nothing happens."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.matches.match import RULES_VERSION
from tests.conftest import Database
from tests.feed.conftest import Core, contribution, event, sign
from tests.matches.conftest import Agus, Find, register_agus
from tests.people import NewCard, Phone, add_person, seal

OF_TRANSFERS = """SELECT e.transfer_id, sum(e.amount) AS sum, count(DISTINCT e.participant_id) AS sides
    FROM ledger_entries AS e WHERE e.kind IN ('transfer_out', 'transfer_in') GROUP BY e.transfer_id"""
OF_NUMBERS = """SELECT n.kpj, count(k.card_id) AS open,
    bool_and((k.participant_id, k.card_id) = (n.participant_id, n.card_id)) AS told
    FROM card_numbers AS n LEFT JOIN cards AS k ON k.kpj = n.kpj AND k.transferred_at IS NULL GROUP BY n.kpj"""
OF_BALANCES = """SELECT k.kpj FROM cards AS k LEFT JOIN ledger_entries AS e USING (participant_id, card_id)
    WHERE k.balance IS NOT NULL GROUP BY k.participant_id, k.card_id, k.kpj, k.balance
    HAVING coalesce(sum(e.amount), 0) <> k.balance"""


async def audit(database: Database) -> None:
    """The oracle: legs of a transfer sum to zero over all participants, and every number is open at exactly one."""
    connection = await database.connect()
    for row in await connection.fetch(OF_TRANSFERS):
        assert (row["sum"], row["sides"]) == (0, 2), dict(row)
    for row in await connection.fetch(OF_NUMBERS):
        assert (row["open"], row["told"]) == (1, True), dict(row)
    assert await connection.fetch(OF_BALANCES) == []
    await connection.close()


async def claimed_case(agus: Agus) -> str:
    case_id: str = (await agus.claim())["case"]["case_id"]
    return case_id


async def test_agus_gets_his_old_card_back(agus: Agus, database: Database) -> None:
    before = await agus.cards()
    case_id = await claimed_case(agus)
    assert (await agus.match())["state"] == "claimed"
    assert await agus.cards() == before, "a claim moves nothing"
    assert (await agus.decide(case_id))["outcome"] == "applied"
    await audit(database)

    assert await agus.cards() == before | {agus.lost: ("inactive", 4_218_777)}
    assert (await agus.match())["state"] == "linked"
    shown = (await agus.phone.post("/v1/cards/resolve", {"kpj": agus.lost}, key="")).json()
    assert shown["employer"]["name"] == "PT Sinar Garmen Majalaya"
    assert (shown["opened_on"], shown["closed_on"]) == ("2009-04-01", "2015-07-31")
    (entry,) = (await agus.phone.get(f"/v1/cards/{shown['card_id']}/statement")).json()["entries"]
    assert (entry["kind"], entry["amount"], entry["balance_after"]) == ("transfer_in", 4_218_777, 4_218_777)
    kinds = [entry["kind"] for entry in (await agus.phone.get("/v1/inbox")).json()["entries"]]
    assert kinds[0] == "card_transferred_here"
    there = await agus.core.history(agus.mistyped.nik)
    assert there[-1]["kind"] == "card_transferred_away"
    assert there[-1]["queued"]
    assert (there[-1]["data"]["balance_before"], there[-1]["data"]["balance_after"]) == (4_218_777, 0)
    options = (await agus.phone.get("/v1/merges/options")).json()["options"]
    assert [(option["absorb"], option["into"]) for option in options if option["recommended"]] == [
        ([agus.lost], agus.person.kpjs[0])
    ]


async def test_the_number_still_resolves_for_the_one_it_was_registered_under(
    api: httpx.AsyncClient, database: Database, agus: Agus
) -> None:
    connection = await database.connect()
    await connection.execute(
        "UPDATE participants SET phone_sealed = $2, phone_since = '2020-01-01' WHERE participant_id = $1",
        agus.mistyped.participant_id,
        seal("+628120000999", "phone", agus.mistyped.participant_id),
    )
    await connection.close()
    former = await Phone(api, "Ponsel lain").enrol(agus.mistyped)
    await agus.decide(await claimed_case(agus))
    shown = (await former.post("/v1/cards/resolve", {"kpj": agus.lost}, key="")).json()
    assert (shown["status"], shown["balance"]) == ("transferred_away", 0)
    assert shown["explanation"]["code"] == "card_transferred_away"
    assert shown["explanation"]["actor"] == "agency"
    assert agus.person.nik not in str(shown)
    assert [act["code"] for act in shown["explanation"]["what_you_can_do"]] == ["call_the_agency", "see_statement"]
    assert (await former.get("/v1/cards")).json()["total_balance"] == 0
    other = (await former.post("/v1/merges", {"absorb": [agus.lost], "into": agus.person.kpjs[0]})).json()
    assert other["code"] == "card_unknown"


async def test_money_for_the_number_goes_to_the_right_participant_from_now_on(agus: Agus, database: Database) -> None:
    await agus.decide(await claimed_case(agus))
    await agus.core.apply(contribution(agus.lost, 100_000))
    assert (await agus.cards())[agus.lost] == ("inactive", 4_318_777)
    await audit(database)


async def test_staff_find_the_claim_with_what_they_need(agus: Agus) -> None:
    claimed = await agus.claim()
    raw = json.dumps({"case_search": {"state": "open", "limit": 1000}}).encode()
    found = (await agus.core.feed.post("/feed/v1/cases/search", content=raw, headers=sign(raw))).json()["cases"]
    (case,) = [case for case in found if case["id"] == claimed["case"]["case_id"]]
    documents = (await agus.phone.get(f"/v1/possible-matches/{claimed['id']}/documents")).json()["documents"]
    assert (case["kind"], case["nik"]) == ("match", agus.person.nik)
    assert case["match"] == {
        "kpj": agus.lost,
        "registered_nik": agus.mistyped.nik,
        "rule": "nik_date_mistyped",
        "rules_version": RULES_VERSION,
        "document_ids": [document["id"] for document in documents],
    }


async def test_staff_may_refuse(agus: Agus, database: Database) -> None:
    before = await agus.cards()
    case_id = await claimed_case(agus)
    assert (await agus.decide(case_id, "refused"))["outcome"] == "applied"
    assert await agus.cards() == before
    assert (await agus.match())["state"] == "refused"
    (entry, *_) = (await agus.phone.get("/v1/inbox")).json()["entries"]
    assert entry["kind"] == "possible_match_refused"
    assert "Paklaring cocok" in entry["body"]
    again = await agus.decide(case_id)
    assert again["code"] == "case_decided_already"
    await audit(database)


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"second_staff": None}, "four_eyes_needed"),
        ({"second_staff": "STAF-1"}, "four_eyes_needed"),
        ({"decision": "restored"}, "decision_unfit"),
        ({"case": str(uuid4())}, "case_unknown"),
    ],
)
async def test_a_decision_that_is_none_changes_nothing(agus: Agus, overrides: dict[str, Any], code: str) -> None:
    overrides = dict(overrides)
    before = await agus.cards()
    case_id = await claimed_case(agus)
    assert (await agus.decide(overrides.pop("case", case_id), **overrides))["code"] == code
    assert await agus.cards() == before
    assert (await agus.match())["state"] == "claimed"


async def test_the_same_decision_twice_is_one_transfer(agus: Agus, database: Database) -> None:
    case_id = await claimed_case(agus)
    data = {"case_id": case_id, "decision": "linked", "reason": "x", "staff": "a", "second_staff": "b"}
    decided = event("case.decided", data)
    assert [r["outcome"] for r in await agus.core.send(decided)] == ["applied"]
    assert [r["outcome"] for r in await agus.core.send(decided)] == ["duplicate"]
    connection = await database.connect()
    query = "SELECT count(*) FROM card_transfers WHERE participant_id = $1"
    assert await connection.fetchval(query, agus.person.participant_id) == 1
    await connection.close()


@pytest.mark.parametrize("reason", ["claim", "open merge", "frozen"])
async def test_a_card_that_is_not_free_stays(
    database: Database, api: httpx.AsyncClient, core: Core, find: Find, reason: str
) -> None:
    agus = await register_agus(database, api, core)
    await find()
    case_id = await claimed_case(agus)
    if reason == "claim":
        data = {"kpj": agus.lost, "claim_id": f"c-{uuid4().hex[:8]}", "kind": "full", "amount": 1}
        await core.apply(event("claim.opened", data))
    elif reason == "frozen":
        connection = await database.connect()
        await connection.execute(
            "UPDATE cards SET frozen_at = now() WHERE participant_id = $1", agus.mistyped.participant_id
        )
        await connection.close()
    else:
        kpj = f"99{uuid4().int % 10**9:09d}"
        opened = {
            "kpj": kpj, "nik": agus.mistyped.nik, "segment": "PU", "programmes": ["JHT"],
            "opened_on": "2020-01-01", "status": "active",
        }  # fmt: skip
        await core.apply(event("card.opened", opened))
        await core.apply(event("merge.proposed", {"absorb": [agus.lost], "into": kpj, "reason": "x"}))
    assert (await agus.decide(case_id))["code"] == "card_not_free"
    assert agus.lost not in await agus.cards()
    assert (await agus.match())["state"] == "claimed"
    await audit(database)


@pytest.mark.parametrize(
    "card",
    [{"balance": 0}, {"programmes": ("JKK", "JKM"), "segment": "JAKON", "balance": 0}, {"employer_id": None}],
)
async def test_empty_cards_and_cards_without_savings_go_too(
    database: Database, api: httpx.AsyncClient, core: Core, find: Find, card: dict[str, Any]
) -> None:
    agus = await register_agus(database, api, core, **card)
    await find()
    assert (await agus.decide(await claimed_case(agus)))["outcome"] == "applied"
    balance = None if "programmes" in card else card.get("balance", 4_218_777)
    assert (await agus.cards())[agus.lost] == ("inactive", balance)
    await audit(database)


async def test_a_wrong_link_goes_back_by_another_transfer(agus: Agus, database: Database) -> None:
    """The one who lost the card claims it; a card that comes back is that same card again."""
    await agus.decide(await claimed_case(agus))
    connection = await database.connect()
    here = await connection.fetchrow("SELECT * FROM card_numbers WHERE kpj = $1", agus.lost)
    assert here is not None
    match_id, case_id = uuid4(), uuid4()
    worker = await database.connect("sepakat_worker")
    await worker.execute(
        "SELECT suggest_match($1, $2, $3, $4, NULL, 2009::smallint, NULL, 'test', 'test')",
        agus.mistyped.participant_id, match_id, agus.person.participant_id, here["card_id"],
    )  # fmt: skip
    await worker.close()
    document = await stored_document(database, agus.mistyped.participant_id, match_id)
    phone = await database.connect("sepakat_api", entering=agus.mistyped.participant_id)
    await phone.execute(
        "SELECT claim_match($1, $2, $3, 'test', ARRAY[$4::uuid])",
        agus.mistyped.participant_id,
        match_id,
        case_id,
        document,
    )
    await phone.close()
    assert (await agus.decide(str(case_id)))["outcome"] == "applied"
    await audit(database)
    rows = await connection.fetch(
        "SELECT participant_id, card_id, status, balance FROM cards WHERE kpj = $1 ORDER BY status", agus.lost
    )
    assert [tuple(row) for row in rows] == [
        (agus.mistyped.participant_id, agus.mistyped.cards[agus.lost].card_id, "inactive", 4_218_777),
        (agus.person.participant_id, here["card_id"], "transferred_away", 0),
    ]
    await connection.close()


async def stored_document(database: Database, participant_id: Any, match_id: Any) -> Any:
    document = uuid4()
    connection = await database.connect("sepakat_api", entering=participant_id)
    await connection.execute(
        """INSERT INTO documents (participant_id, document_id, about, subject_id, kind, request_key, body_sha256)
        VALUES ($1, $2, 'match', $3, 'ktp', 'k', sha256('x'))""",
        participant_id,
        document,
        match_id,
    )
    await connection.execute(
        "SELECT keep_document($1, $2, 'image/jpeg', sha256('x'), 1, 'test')", participant_id, document
    )
    await connection.close()
    return document


async def test_what_was_claimed_once_in_a_life_stays_claimed(
    database: Database, api: httpx.AsyncClient, core: Core, find: Find
) -> None:
    agus = await register_agus(database, api, core)
    claim_id = f"c-{uuid4().hex[:8]}"
    data = {"kpj": agus.lost, "claim_id": claim_id, "kind": "ten_percent", "amount": 400_000}
    await core.apply(event("claim.opened", data), event("claim.paid", data))
    await find()
    assert (await agus.decide(await claimed_case(agus)))["outcome"] == "applied"
    options = (await agus.phone.get("/v1/merges/options")).json()["options"]
    assert any("partial_claim_used" in str(option["warnings"]) for option in options)
    await audit(database)


async def test_two_who_claim_one_card_get_it_once(
    database: Database, api: httpx.AsyncClient, core: Core, find: Find, agus: Agus
) -> None:
    second = await database.connect("sepakat_worker")
    person = await add_person(database, NewCard(), name="Agus Setiawan", birth_date=date(1985, 8, 12))
    match_id = uuid4()
    (card,) = agus.mistyped.cards.values()
    await second.execute(
        "SELECT suggest_match($1, $2, $3, $4, NULL, 2009::smallint, NULL, 'test', 'test')",
        person.participant_id, match_id, agus.mistyped.participant_id, card.card_id,
    )  # fmt: skip
    await second.close()
    rival = Agus(person, agus.mistyped, await Phone(api).enrol(person), core)
    rival_case, case = await claimed_case(rival), await claimed_case(agus)
    assert (await agus.decide(case))["outcome"] == "applied"
    assert (await agus.decide(rival_case))["code"] == "card_not_free"
    assert (await agus.decide(rival_case, "refused"))["outcome"] == "applied"
    await audit(database)
