"""The cases that a merge must survive: those that no other test is about. `docs/cases.md` says where each one is tested."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from app.feed.import_files import import_folder
from app.local.demo_people import PEOPLE, find_person
from tests.answers import balances, code
from tests.conftest import DATA_KEYS, Apps, Database
from tests.feed.conftest import Core, claim, contribution, event
from tests.merges.conftest import Settle
from tests.people import NewCard, Phone, add_person

A = NewCard(balance=100_000, opened_on=date(2010, 1, 1))
B = NewCard(balance=20_000, opened_on=date(2014, 1, 1))
C = NewCard(balance=3_000, status="active", opened_on=date(2020, 1, 1))
ROOT = Path(__file__).parents[2]


async def propose(phone: Phone, absorb: list[str], into: str) -> dict[str, Any]:
    answer = await phone.post("/v1/merges", {"absorb": absorb, "into": into})
    assert answer.status_code == 201, answer.text
    merge: dict[str, Any] = answer.json()
    return merge


async def confirm(phone: Phone, absorb: list[str], into: str) -> str:
    merge = await propose(phone, absorb, into)
    answer = await phone.confirm(merge)
    assert answer.status_code == 200, answer.text
    return str(merge["id"])


async def options(phone: Phone) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await phone.get("/v1/merges/options")).json()["options"]
    return found


async def test_a_card_goes_one_way_only_when_two_survivors_are_proposed_at_once(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database, A, B, C)
    a, b, c = person.kpjs
    first = await Phone(api).enrol(person)
    answers = await asyncio.gather(
        first.post("/v1/merges", {"absorb": [a], "into": b}), first.post("/v1/merges", {"absorb": [a], "into": c})
    )
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, code(lost)) == (201, (409, "merge_already_open"))
    assert lost.json()["merge_id"] == won.json()["id"]


async def test_a_merged_card_goes_nowhere_else_and_closes_no_cycle(
    api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person = await add_person(database, A, B, C)
    a, b, c = person.kpjs
    phone = await Phone(api).enrol(person)
    await confirm(phone, [a], b)
    await cool_off()
    for absorb, into in ((a, b), (a, c), (b, a), (c, a)):
        refused = await phone.post("/v1/merges", {"absorb": [absorb], "into": into})
        assert (code(refused), refused.json()["reasons"]) == ((422, "merge_not_allowed"), ["card_merged_already"])
    assert code(await phone.post("/v1/merges", {"absorb": [c], "into": c})) == (400, "request_invalid")
    assert code(await phone.post("/v1/merges", {"absorb": [a, a], "into": c})) == (400, "request_invalid")


async def test_three_cards_become_one_at_once(api: httpx.AsyncClient, database: Database, cool_off: Settle) -> None:
    person = await add_person(database, A, B, C)
    a, b, c = person.kpjs
    phone = await Phone(api).enrol(person)
    (recommended,) = [option for option in await options(phone) if option["recommended"]]
    assert (recommended["absorb"], recommended["into"]) == (sorted([a, b]), c)
    merge_id = await confirm(phone, [a, b], c)
    await cool_off()
    assert await balances(phone) == {a: ("merged", 0), b: ("merged", 0), c: ("active", 123_000)}
    for kpj in (a, b):
        card = (await phone.post("/v1/cards/resolve", {"kpj": kpj}, key="")).json()
        assert (card["merged_into"]["kpj"], card["merged_into"]["via"]) == (c, [merge_id])


async def test_growth_credited_on_the_day_of_execution_sends_the_merge_back_and_is_not_lost(
    api: httpx.AsyncClient, database: Database, core: Core, cool_off: Settle
) -> None:
    person = await add_person(database, A, C)
    old, new = person.kpjs
    phone = await Phone(api).enrol(person)
    merge_id = await confirm(phone, [old], new)
    await core.apply(event("growth.credited", {"kpj": old, "year": 2025, "amount": 777}))
    await cool_off()
    back = (await phone.get(f"/v1/merges/{merge_id}")).json()
    assert (back["state"], back["last_refusal"]["code"]) == ("proposed", "merge_plan_stale")
    fields = {(item["kpj"], item["field"]): (item["before"], item["after"]) for item in back["last_refusal"]["diff"]}
    assert fields[old, "balance_before"] == (100_000, 100_777)
    renewed = (await phone.post(f"/v1/merges/{merge_id}/plan")).json()
    assert renewed["plan"]["total_after"] == 103_777
    assert (await phone.confirm(renewed)).status_code == 200
    await cool_off()
    await core.apply(event("growth.credited", {"kpj": old, "year": 2024, "amount": 5}))
    (again,) = await core.send(event("growth.credited", {"kpj": old, "year": 2025, "amount": 777}))
    assert (again["outcome"], again["code"]) == ("rejected", "growth_credited_already"), "a merge in between or not"
    assert await balances(phone) == {old: ("merged", 0), new: ("active", 103_782)}


async def test_a_feed_batch_while_a_merge_is_open_leaves_it_open_and_the_plan_stale(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person = await add_person(database, A, C)
    old, new = person.kpjs
    phone = await Phone(api).enrol(person)
    merge = await propose(phone, [old], new)
    await core.apply(contribution(new, 1_000), contribution(old, 10, month="2026-01"))
    stale = await phone.confirm(merge)
    assert code(stale) == (409, "merge_plan_stale")
    assert stale.json()["plan"]["total_after"] == 103_000 + 1_010
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "proposed"


async def test_an_import_while_a_merge_is_open_changes_nothing_of_it(fresh_apps: Apps) -> None:
    load_as = fresh_apps.database.url("sepakat_feed")
    assert await import_folder(load_as, DATA_KEYS, PEOPLE, None) == 0
    dwi = find_person("Dwi")
    phone = await Phone(fresh_apps.api).enrol(dwi)
    merge = await propose(phone, [dwi.kpjs[0]], dwi.kpjs[1])
    assert await import_folder(load_as, DATA_KEYS, PEOPLE, None) == 0
    confirmed = await phone.confirm(merge)
    assert confirmed.status_code == 200, confirmed.text
    assert confirmed.json()["plan_digest"] == merge["plan_digest"]


async def test_a_merge_that_staff_started_waits_for_the_participant(
    api: httpx.AsyncClient, database: Database, core: Core, cool_off: Settle
) -> None:
    person = await add_person(database, A, C)
    old, new = person.kpjs
    phone = await Phone(api).enrol(person)
    before = await balances(phone)
    await core.apply(event("merge.proposed", {"absorb": [new], "into": old, "reason": "Kartu ganda"}))
    await cool_off()
    (merge,) = (await phone.get("/v1/merges")).json()["merges"]
    assert (merge["state"], merge["proposed_by"], merge["confirmed_at"]) == ("proposed", "agency", None)
    assert await balances(phone) == before


async def test_a_card_without_jht_is_in_no_merge_either_way(api: httpx.AsyncClient, database: Database) -> None:
    jakon = NewCard(programmes=("JKK", "JKM"), segment="JAKON", status="active", employer_id=None)
    person = await add_person(database, A, jakon)
    phone = await Phone(api).enrol(person)
    for option in await options(phone):
        assert (option["allowed"], option["recommended"]) == (False, False)
        assert [reason["code"] for reason in option["reasons"]] == ["card_without_jht"]
    for absorb, into in (person.kpjs, person.kpjs[::-1]):
        refused = await phone.post("/v1/merges", {"absorb": [absorb], "into": into})
        assert (code(refused), refused.json()["reasons"]) == ((422, "merge_not_allowed"), ["card_without_jht"])


async def test_two_active_cards_are_legal_and_their_merge_is_not_suggested(
    api: httpx.AsyncClient, database: Database
) -> None:
    bpu = NewCard(balance=4_186_205, status="active", opened_on=date(2022, 1, 10), segment="BPU", employer_id=None)
    person = await add_person(database, C, bpu)
    phone = await Phone(api).enrol(person)
    for option in await options(phone):
        assert (option["allowed"], option["recommended"]) == (True, False)
        assert "both_active" in [warning["code"] for warning in option["warnings"]]


async def test_an_inactive_survivor_takes_an_acknowledgement_of_its_own(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database, A, C)
    phone = await Phone(api).enrol(person)
    merge = await propose(phone, [person.kpjs[1]], person.kpjs[0])
    refused = await phone.confirm(merge, acknowledged=[])
    assert (code(refused), refused.json()["codes"]) == ((422, "acknowledgement_missing"), ["survivor_inactive"])
    assert (await phone.confirm(merge)).status_code == 200


async def test_anothers_card_is_as_unknown_as_one_that_does_not_exist(
    api: httpx.AsyncClient, database: Database
) -> None:
    mine, other = await add_person(database, A, C), await add_person(database, A, name="Rina Marlina")
    phone = await Phone(api).enrol(mine)
    asked = [
        {"absorb": [absorb], "into": into}
        for unknown in (other.kpjs[0], "99999999999")
        for absorb, into in ((unknown, mine.kpjs[1]), (mine.kpjs[0], unknown))
    ]
    answers = [await phone.post("/v1/merges", body) for body in asked]
    judged = [await phone.post("/v1/merges/options", body) for body in asked]
    assert {code(answer) for answer in answers} == {(404, "card_unknown")}
    assert {code(answer) for answer in judged} == {(404, "card_unknown")}
    assert len({str(answer.json() | {"instance": ""}) for answer in (*answers, *judged)}) == 1


async def test_a_once_in_a_life_claim_on_either_card_must_be_acknowledged(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    for taken, kind in ((0, "thirty_percent"), (1, "ten_percent")):
        person = await add_person(database, A, C)
        phone = await Phone(api).enrol(person)
        await core.apply(claim("paid", person.kpjs[taken], 300, claim_id=f"C-{person.kpjs[taken]}", kind=kind))
        merge = await propose(phone, [person.kpjs[0]], person.kpjs[1])
        assert merge["plan"]["to_acknowledge"] == ["partial_claim_used"]
        assert code(await phone.confirm(merge, acknowledged=[])) == (422, "acknowledgement_missing")


async def test_a_status_change_between_showing_and_confirming_makes_the_plan_stale(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person = await add_person(database, A, C)
    phone = await Phone(api).enrol(person)
    merge = await propose(phone, [person.kpjs[0]], person.kpjs[1])
    left = {"kpj": person.kpjs[1], "status": "inactive", "effective_on": "2026-02-28"}
    await core.apply(event("card.status_changed", left))
    stale = await phone.confirm(merge)
    assert code(stale) == (409, "merge_plan_stale")
    assert {item["field"] for item in stale.json()["diff"]} >= {"status_before", "consequences"}


async def test_the_core_reports_what_we_executed_in_another_way_and_is_not_obeyed(
    api: httpx.AsyncClient, database: Database, core: Core, cool_off: Settle
) -> None:
    person = await add_person(database, A, C)
    old, new = person.kpjs
    phone = await Phone(api).enrol(person)
    await confirm(phone, [old], new)
    await cool_off()
    after = await balances(phone)
    data = {"absorbed": new, "into": old, "merged_on": "2026-03-01", "balances": {new: 3_000, old: 100_000}}
    (result,) = await core.send(event("card.merged", data))
    assert (result["outcome"], result["code"]) == ("rejected", "merge_makes_cycle")
    right = {"absorbed": old, "into": new, "merged_on": "2026-03-01", "balances": {new: 3_000, old: 100_000}}
    (result,) = await core.send(event("card.merged", right))
    assert (result["outcome"], result["code"]) == ("applied", "merge_acknowledged")
    assert await balances(phone) == after
    (merge,) = (await phone.get("/v1/merges")).json()["merges"]
    assert (merge["state"], merge["core"]) == ("executed", "acknowledged")


def test_every_case_in_the_list_names_a_test_that_exists_or_says_that_there_is_none() -> None:
    rows = [
        line for line in (ROOT / "docs" / "cases.md").read_text(encoding="utf-8").splitlines() if "| `tests/" in line
    ]
    assert len(rows) > 20
    for row in rows:
        for place in row.split("|")[2].split("·"):
            file, _, name = place.strip().strip("`").partition("::")
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), place
