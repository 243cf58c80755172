"""Nothing merges without the participant: what confirms a merge, and everything that does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.answers import balances, code
from tests.conftest import Database
from tests.merges.conftest import Settle
from tests.merges.merged import NEW, OLD
from tests.people import NewCard, Person, Phone, add_person, days_ago


@pytest_asyncio.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, OLD, NEW)


@pytest_asyncio.fixture
async def phone(api: httpx.AsyncClient, dwi: Person) -> Phone:
    return await Phone(api).enrol(dwi)


async def propose(phone: Phone, dwi: Person) -> dict[str, Any]:
    old, new = dwi.kpjs
    answer = await phone.post("/v1/merges", {"absorb": [old], "into": new})
    assert answer.status_code == 201, answer.text
    merge: dict[str, Any] = answer.json()
    return merge


async def contribute(database: Database, person: Person, kpj: str, amount: int) -> None:
    connection = await database.connect("sepakat_feed")
    change = {
        "participant_id": str(person.participant_id),
        "card_id": str(person.cards[kpj].card_id),
        "kind": "contribution_posted",
        "ledger_kind": "contribution",
        "amount": amount,
        "effective_on": "2026-11-15",
        "month": "2026-10-01",
    }
    async with connection.transaction():
        cause_id = await connection.fetchval("SELECT record_cause($1, 'core', 'tests')", person.participant_id)
        await connection.execute(
            "SELECT apply_changes(array(SELECT c FROM jsonb_populate_recordset(NULL::card_change, $1) AS c))",
            json.dumps([change | {"cause_id": str(cause_id)}]),
        )
    await connection.close()


async def test_a_confirmed_merge_executes_after_the_cooling_off_and_both_numbers_resolve(
    phone: Phone, dwi: Person, cool_off: Settle, settle_due: Settle
) -> None:
    old, new = dwi.kpjs
    merge = await propose(phone, dwi)
    assert merge["plan"]["to_acknowledge"] == ["app_claim_cap_crossed"]
    before = await balances(phone)

    confirmed = await phone.confirm(merge)
    assert confirmed.status_code == 200, confirmed.text
    assert confirmed.json()["state"] == "confirmed"
    await settle_due()
    assert await balances(phone) == before, "nothing happens before the cooling-off is over"

    await cool_off()
    assert await balances(phone) == {old: ("merged", 0), new: ("active", 24_175_845)}
    executed = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert executed["state"] == "executed"
    assert executed["core"] == "pending"
    for kpj in (old, new):
        assert (await phone.post("/v1/cards/resolve", {"kpj": kpj}, key="")).status_code == 200
    resolved = (await phone.post("/v1/cards/resolve", {"kpj": old}, key="")).json()
    assert resolved["merged_into"]["kpj"] == new
    assert resolved["merged_into"]["via"] == [merge["id"]]
    assert resolved["explanation"]["consent"] == "confirmed"


async def test_the_survivor_can_be_chosen_before_confirming(phone: Phone, dwi: Person, cool_off: Settle) -> None:
    old, new = dwi.kpjs
    wrong_way = (await phone.post("/v1/merges", {"absorb": [new], "into": old})).json()
    assert "survivor_inactive" in wrong_way["plan"]["to_acknowledge"]
    turned = (await phone.post(f"/v1/merges/{wrong_way['id']}/survivor", {"into": new})).json()
    assert (turned["absorb"], turned["into"]) == ([old], new)
    assert turned["plan_digest"] != wrong_way["plan_digest"]

    stale = await phone.confirm(wrong_way)
    assert code(stale) == (409, "merge_plan_stale")
    assert {item["field"] for item in stale.json()["diff"]} == set(), "what holds now is what was shown last"
    assert stale.json()["plan_digest"] == turned["plan_digest"]
    assert (await phone.confirm(turned)).status_code == 200
    await cool_off()
    assert await balances(phone) == {old: ("merged", 0), new: ("active", 24_175_845)}


async def test_a_contribution_in_between_makes_the_plan_stale_and_the_fresh_plan_can_be_confirmed(
    database: Database, phone: Phone, dwi: Person
) -> None:
    _, new = dwi.kpjs
    merge = await propose(phone, dwi)
    await contribute(database, dwi, new, 324_373)

    stale = await phone.confirm(merge)
    assert code(stale) == (409, "merge_plan_stale")
    assert stale.json()["diff"][0] == {
        "kpj": new,
        "field": "balance_before",
        "before": 9_910_352,
        "after": 10_234_725,
    }
    fresh = merge | {"plan": stale.json()["plan"], "plan_digest": stale.json()["plan_digest"]}
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["plan_digest"] == fresh["plan_digest"]
    assert (await phone.confirm(fresh)).status_code == 200


async def test_a_contribution_during_the_cooling_off_sends_the_merge_back_with_the_difference(
    database: Database, phone: Phone, dwi: Person, cool_off: Settle
) -> None:
    old, new = dwi.kpjs
    merge = await propose(phone, dwi)
    assert (await phone.confirm(merge)).status_code == 200
    await contribute(database, dwi, new, 1)
    await cool_off()
    back = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert back["state"] == "proposed"
    assert back["last_refusal"]["code"] == "merge_plan_stale"
    assert {"kpj": new, "field": "balance_before", "before": 9_910_352, "after": 9_910_353} in back["last_refusal"][
        "diff"
    ]
    assert await balances(phone) == {old: ("inactive", 14_265_493), new: ("active", 9_910_353)}
    assert (await phone.confirm(back)).json()["code"] == "merge_plan_stale", "the fresh plan must be asked for"
    renewed = (await phone.post(f"/v1/merges/{merge['id']}/plan")).json()
    assert (await phone.confirm(renewed)).status_code == 200
    await cool_off()
    assert await balances(phone) == {old: ("merged", 0), new: ("active", 24_175_846)}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"plan_digest": "0" * 64}, (409, "merge_plan_stale")),
        ({"purpose": "undo"}, (403, "proof_invalid")),
        ({"version": 2}, (403, "proof_invalid")),
        ({"merge_id": "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"}, (403, "proof_invalid")),
        ({"nonce": "A" * 43}, (403, "proof_invalid")),
        ({"acknowledged": []}, (422, "acknowledgement_missing")),
        ({"acknowledged": ["app_claim_cap_crossed", "late_contributions_follow"]}, (422, "acknowledgement_missing")),
    ],
)
async def test_any_other_statement_is_refused(
    phone: Phone, dwi: Person, overrides: dict[str, Any], expected: tuple[int, str]
) -> None:
    merge = await propose(phone, dwi)
    refused = await phone.confirm(merge, **overrides)
    assert code(refused) == expected
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "proposed"


async def test_a_missing_acknowledgement_is_named(phone: Phone, dwi: Person) -> None:
    refused = await phone.confirm(await propose(phone, dwi), acknowledged=[])
    assert refused.json()["codes"] == ["app_claim_cap_crossed"]


async def test_a_nonce_serves_once_and_for_its_merge_only(phone: Phone, dwi: Person) -> None:
    merge = await propose(phone, dwi)
    spent = await phone.challenge("merge", merge["id"])
    broken = await phone.confirm(merge, nonce=spent, version=2)
    assert code(broken) == (403, "proof_invalid")
    assert code(await phone.confirm(merge, nonce=spent)) == (409, "challenge_spent")

    other = await phone.challenge("merge", "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f")
    assert code(await phone.confirm(merge, nonce=other)) == (403, "proof_invalid")
    undo = await phone.challenge("undo", merge["id"])
    assert code(await phone.confirm(merge, nonce=undo)) == (403, "proof_invalid")
    assert (await phone.confirm(merge)).status_code == 200


async def test_another_phone_of_mine_cannot_lend_its_session(api: httpx.AsyncClient, dwi: Person, phone: Phone) -> None:
    merge = await propose(phone, dwi)
    second = await Phone(api, "Ponsel kedua").enrol(dwi)
    thief = Phone(api)
    thief.session, thief.device_id, thief.key = phone.session, second.device_id, second.key
    assert code(await thief.confirm(merge)) == (403, "proof_invalid")
    thief.device_id = phone.device_id
    assert code(await thief.confirm(merge)) == (403, "proof_invalid")


async def test_a_stranger_sees_nothing_of_the_merge(
    api: httpx.AsyncClient, database: Database, dwi: Person, phone: Phone
) -> None:
    merge = await propose(phone, dwi)
    stranger = await Phone(api).enrol(await add_person(database, name="Orang Lain"))
    answers = [
        await stranger.confirm(merge | {"id": merge_id})
        for merge_id in (merge["id"], "01937f5e-7a40-7cc1-8f6e-000000000000")
    ]
    assert {code(answer) for answer in answers} == {(404, "merge_unknown")}
    assert len({json.dumps(answer.json() | {"instance": ""}) for answer in answers}) == 1
    for path in ("decline", "cancel", "plan"):
        assert code(await stranger.post(f"/v1/merges/{merge['id']}/{path}")) == (404, "merge_unknown")
    assert code(await stranger.post("/v1/merges", {"absorb": [dwi.kpjs[0]], "into": dwi.kpjs[1]})) == (
        404,
        "card_unknown",
    )


async def test_a_key_on_hold_cannot_confirm(api: httpx.AsyncClient, database: Database) -> None:
    fresh_number = await add_person(database, OLD, NEW, phone_since=days_ago(3))
    phone = await Phone(api).enrol(fresh_number)
    refused = await phone.confirm(await propose(phone, fresh_number))
    assert code(refused) == (403, "hold_in_force")
    assert refused.json()["until"] > "2026"


async def test_the_same_request_twice_is_one_confirmation_with_the_same_bytes(phone: Phone, dwi: Person) -> None:
    merge = await propose(phone, dwi)
    nonce = await phone.challenge("merge", merge["id"])
    statement = {
        "version": 1,
        "purpose": "merge",
        "device_id": phone.device_id,
        "merge_id": merge["id"],
        "plan_digest": merge["plan_digest"],
        "acknowledged": merge["plan"]["to_acknowledge"],
        "nonce": nonce,
    }
    body = {name: statement[name] for name in ("plan_digest", "acknowledged", "nonce")} | {
        "proof": phone.proof(statement)
    }
    path = f"/v1/merges/{merge['id']}/confirmation"
    answers = await asyncio.gather(*(phone.post(path, body, key="twice") for _ in range(5)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert code(await phone.post(path, body | {"acknowledged": []}, key="twice")) == (422, "idempotency_key_reused")
    assert code(await phone.post(path, body, key="other")) == (409, "merge_already_confirmed")


async def test_two_confirmations_at_once_take_effect_once(phone: Phone, dwi: Person) -> None:
    merge = await propose(phone, dwi)
    answers = await asyncio.gather(*(phone.confirm(merge) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"merge_already_confirmed"}


async def test_a_plan_older_than_its_time_is_shown_again(
    phone: Phone, dwi: Person, wait: Callable[[int], Awaitable[None]]
) -> None:
    merge = await propose(phone, dwi)
    await wait(901)
    await phone.refresh()
    stale = await phone.confirm(merge)
    assert code(stale) == (409, "merge_plan_stale")
    assert stale.json()["diff"] == []
    assert stale.json()["plan_digest"] == merge["plan_digest"]
    assert (await phone.confirm(merge)).status_code == 200


async def test_cancelling_wins_until_the_execution(phone: Phone, dwi: Person, cool_off: Settle) -> None:
    merge = await propose(phone, dwi)
    before = await balances(phone)
    assert (await phone.confirm(merge)).status_code == 200
    cancelled = await phone.post(f"/v1/merges/{merge['id']}/cancel", {"reason": "Saya berubah pikiran"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    await cool_off()
    assert await balances(phone) == before
    assert code(await phone.confirm(merge)) == (409, "merge_closed")
    again = await propose(phone, dwi)
    assert again["id"] != merge["id"]


async def test_what_is_executed_can_no_longer_be_cancelled_or_confirmed(
    phone: Phone, dwi: Person, cool_off: Settle
) -> None:
    merge = await propose(phone, dwi)
    await phone.confirm(merge)
    await cool_off()
    assert code(await phone.post(f"/v1/merges/{merge['id']}/cancel")) == (409, "merge_already_executed")
    assert code(await phone.confirm(merge)) == (409, "merge_already_executed")


async def test_one_open_merge_per_card(phone: Phone, dwi: Person) -> None:
    merge = await propose(phone, dwi)
    old, new = dwi.kpjs
    refused = await phone.post("/v1/merges", {"absorb": [new], "into": old})
    assert code(refused) == (409, "merge_already_open")
    assert refused.json()["merge_id"] == merge["id"]


async def test_opposite_proposals_at_once_leave_one(phone: Phone, dwi: Person) -> None:
    old, new = dwi.kpjs
    answers = await asyncio.gather(
        phone.post("/v1/merges", {"absorb": [old], "into": new}),
        phone.post("/v1/merges", {"absorb": [new], "into": old}),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    winner, loser = sorted(answers, key=lambda answer: answer.status_code)
    assert loser.json()["merge_id"] == winner.json()["id"]


async def test_a_chain_resolves_in_one_hop(api: httpx.AsyncClient, database: Database, cool_off: Settle) -> None:
    bayu = await add_person(
        database,
        NewCard(balance=100, opened_on=date(2010, 1, 1)),
        NewCard(balance=20, opened_on=date(2014, 1, 1)),
        NewCard(balance=3, status="active", opened_on=date(2020, 1, 1)),
        name="Bayu",
    )
    first, second, third = bayu.kpjs
    phone = await Phone(api).enrol(bayu)
    ids = []
    for absorb, into in ((first, second), (second, third)):
        merge = (await phone.post("/v1/merges", {"absorb": [absorb], "into": into})).json()
        ids.append(merge["id"])
        confirmed = await phone.confirm(merge)
        assert confirmed.status_code == 200, confirmed.text
        await cool_off()
    cards = {card["kpj"]: card for card in (await phone.get("/v1/cards")).json()["cards"]}
    assert (cards[third]["balance"], cards[first]["balance"], cards[second]["balance"]) == (123, 0, 0)
    assert cards[first]["merged_into"]["kpj"] == third
    assert cards[first]["merged_into"]["via"] == ids
    assert cards[second]["merged_into"]["kpj"] == third
