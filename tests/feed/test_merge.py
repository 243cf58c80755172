"""The agency may propose; what the core merged on its own is shown, announced, and moves nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import asyncpg
import httpx
import pytest

from app.local.servers import Postgres, Valkey
from app.merges.execute import settle
from app.platform import database as pools
from tests.conftest import Database, settings_for
from tests.feed.conftest import Core, claim, contribution, event
from tests.people import NewCard, Person, Phone, add_person

OLD, NEW = 14_265_493, 9_910_352


@pytest.fixture
async def two_cards(database: Database) -> Person:
    """An old idle card and a new active one, as in the story."""
    return await add_person(
        database,
        NewCard(balance=OLD, opened_on=date(2013, 3, 1)),
        NewCard(balance=NEW, status="active", opened_on=date(2019, 2, 1)),
    )


def proposal(absorb: list[str], into: str, **around: Any) -> dict[str, Any]:
    return event("merge.proposed", {"absorb": absorb, "into": into, "reason": "Dua kartu atas satu NIK"}, **around)


def merged(absorbed: str, into: str, **around: Any) -> dict[str, Any]:
    balances = {absorbed: NEW, into: OLD}
    data = {"absorbed": absorbed, "into": into, "merged_on": "2026-03-01", "balances": balances}
    return event("card.merged", data, **around)


async def state(core: Core, person: Person) -> list[tuple[str, int | None]]:
    return [(card["status"], card["balance"]) for card in [await core.card(kpj) for kpj in person.kpjs]]


async def merges(core: Core, person: Person) -> list[dict[str, Any]]:
    return await core.ask("SELECT * FROM merges WHERE participant_id = $1 ORDER BY proposed_at", person.participant_id)


async def test_a_proposal_changes_nothing_and_is_told(core: Core, two_cards: Person) -> None:
    old, new = two_cards.kpjs
    before = await state(core, two_cards)
    await core.apply(proposal([new], old, streams={f"card:{new}": 1, f"participant:{two_cards.nik}": 1}))
    assert await state(core, two_cards) == before
    (merge,) = await merges(core, two_cards)
    assert (merge["state"], merge["proposed_by"], merge["reason"]) == ("proposed", "agency", "Dua kartu atas satu NIK")
    entry = (await core.history(two_cards.nik))[-1]
    assert (entry["kind"], entry["origin"], entry["queued"]) == ("merge_proposed", "agency", True)
    assert (entry["data"]["absorb"], entry["data"]["into"]) == ([new], old)

    (again,) = await core.send(proposal([new], old))
    assert (again["outcome"], again["code"]) == ("rejected", "merge_already_open")


async def test_a_proposal_that_may_not_be_is_rejected_with_its_code(
    core: Core, database: Database, two_cards: Person
) -> None:
    old, new = two_cards.kpjs
    stranger = await add_person(database)
    await core.apply(claim("opened", old, 1000, claim_id=f"C-{old}"))
    entries = len(await core.history(two_cards.nik))
    for one, code in (
        (proposal([new], old), "claim_pending"),
        (proposal([new], new), "data_invalid"),
        (proposal([new], stranger.kpjs[0]), "cards_of_different_owners"),
    ):
        (result,) = await core.send(one)
        assert (result["outcome"], result["code"]) == ("rejected", code)
    assert await merges(core, two_cards) == []
    assert len(await core.history(two_cards.nik)) == entries


async def test_a_merge_without_consent_is_shown_and_moves_nothing(core: Core, two_cards: Person) -> None:
    old, new = two_cards.kpjs
    before = len(await core.history(two_cards.nik))
    await core.apply(merged(new, old))
    assert await state(core, two_cards) == [("inactive", OLD), ("merged_without_consent", NEW)]
    card = await core.card(new)
    assert card["merged_into"] == two_cards.cards[old].card_id
    (merge,) = await merges(core, two_cards)
    assert (merge["state"], merge["proposed_by"], merge["merge_id"]) == ("reported", "core", card["merge_id"])
    assert f'"{new}": {NEW}' in merge["reported"]

    entries = (await core.history(two_cards.nik))[before:]
    assert [(entry["kind"], entry["queued"]) for entry in entries] == [
        ("card_merged_without_consent", True),
        ("merge_reported", True),
    ]
    assert {entry["merge_id"] for entry in entries} == {merge["merge_id"]}
    kinds = await core.ask("SELECT DISTINCT reach FROM entry_kinds WHERE kind = 'merge_reported'")
    assert kinds == [{"reach": "ladder"}]

    # both cards go on receiving their own
    await core.apply(contribution(new, 1000), contribution(old, 500))
    assert await state(core, two_cards) == [("inactive", OLD + 500), ("merged_without_consent", NEW + 1000)]
    assert (await core.history(two_cards.nik))[-2]["kind"] == "contribution_posted"


async def test_the_same_report_in_another_event_changes_nothing(core: Core, two_cards: Person) -> None:
    old, new = two_cards.kpjs
    await core.apply(merged(new, old))
    entries = await core.history(two_cards.nik)
    (result,) = await core.send(merged(new, old))
    assert (result["outcome"], result["code"]) == ("applied", "nothing_changed")
    (result,) = await core.send(merged(old, new))
    assert (result["outcome"], result["code"]) == ("rejected", "merge_makes_cycle")
    assert await core.history(two_cards.nik) == entries


async def test_a_report_ends_an_open_merge_of_its_cards(core: Core, api: httpx.AsyncClient, two_cards: Person) -> None:
    old, new = two_cards.kpjs
    phone = await Phone(api).enrol(two_cards)
    mine = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    assert (await phone.confirm(mine)).status_code == 200
    await core.apply(merged(new, old))
    by_state = {merge["state"]: merge for merge in await merges(core, two_cards)}
    assert by_state.keys() == {"cancelled", "reported"}
    assert str(by_state["cancelled"]["merge_id"]) == mine["id"]
    assert [entry["kind"] for entry in await core.history(two_cards.nik)][-3:] == [
        "merge_cancelled",
        "card_merged_without_consent",
        "merge_reported",
    ]


async def test_a_merge_that_a_report_ended_names_the_one_that_took_its_place(
    core: Core, api: httpx.AsyncClient, two_cards: Person
) -> None:
    old, new = two_cards.kpjs
    phone = await Phone(api).enrol(two_cards)
    mine = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    assert mine["superseded_by"] is None
    await core.apply(merged(new, old))
    shown = {merge["state"]: merge for merge in (await phone.get("/v1/merges")).json()["merges"]}
    assert shown["cancelled"]["superseded_by"] == shown["reported"]["id"]
    answers = [
        await phone.post(f"/v1/merges/{mine['id']}/{path}", body)
        for path, body in (
            ("plan", {}),
            ("survivor", {"into": old}),
            ("decline", {}),
            ("cancel", {}),
            ("undo/plan", {}),
        )
    ]
    for answer in (await phone.confirm(mine), *answers):
        assert (answer.status_code, answer.json()["code"]) == (409, "merge_superseded"), answer.text
        assert answer.json()["merge_id"] == shown["reported"]["id"]


async def test_several_cards_reported_into_one_are_all_shown(core: Core, database: Database) -> None:
    bayu = await add_person(database, NewCard(balance=1), NewCard(balance=2), NewCard(balance=3))
    first, second, last = bayu.kpjs
    for absorbed in (first, second):
        data = {"absorbed": absorbed, "into": last, "merged_on": "2026-03-01", "balances": {}}
        await core.apply(event("card.merged", data))
    assert await state(core, bayu) == [("merged_without_consent", 1), ("merged_without_consent", 2), ("inactive", 3)]
    (result,) = await core.send(
        event("card.merged", {"absorbed": first, "into": second, "merged_on": "2026-03-01", "balances": {}})
    )
    # by way of the second card, the core says what it said before
    assert (result["outcome"], result["code"]) == ("applied", "nothing_changed")


async def test_a_strangers_card_and_other_balances_are_rejected(
    core: Core, database: Database, two_cards: Person
) -> None:
    old, new = two_cards.kpjs
    stranger = (await add_person(database)).kpjs[0]
    odd = merged(new, old)
    odd["data"]["balances"] = {stranger: 1}
    for one, code in (
        (merged(new, stranger), "cards_of_different_owners"),
        (merged(new, new), "data_invalid"),
        (odd, "data_invalid"),
    ):
        (result,) = await core.send(one)
        assert (result["outcome"], result["code"]) == ("rejected", code)
    assert await merges(core, two_cards) == []


async def test_after_an_agreed_merge_money_follows_and_the_core_acknowledges(
    core: Core, api: httpx.AsyncClient, database: Database, servers: tuple[Postgres, Valkey], two_cards: Person
) -> None:
    old, new = two_cards.kpjs
    phone = await Phone(api).enrol(two_cards)
    mine = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    assert (await phone.confirm(mine)).status_code == 200
    await api.post("/local/clock", json={"advance_s": 21})
    settings = settings_for(database, servers[1], "sepakat_worker")
    pool = await pools.connect(settings.database_url, size=1, application="test worker")
    await settle(pool, settings)
    await pool.close()
    assert await state(core, two_cards) == [("merged", 0), ("active", OLD + NEW)]

    late = contribution(old, 1000)
    growth = event("growth.credited", {"kpj": old, "year": 2025, "amount": 200})
    await core.apply(late, growth)
    assert await state(core, two_cards) == [("merged", 0), ("active", OLD + NEW + 1200)]
    told = (await core.history(two_cards.nik))[-2:]
    assert [entry["kind"] for entry in told] == ["late_contribution_posted", "growth_credited"]
    assert all((entry["data"]["kpj"], entry["data"]["received_for_kpj"]) == (new, old) for entry in told)
    (ledger,) = await core.ask("SELECT received_for_kpj FROM ledger_entries WHERE source_event = $1", late["id"])
    assert ledger["received_for_kpj"] == old
    (result,) = await core.send(claim("opened", old, 1, claim_id="C-late"))
    assert (result["outcome"], result["code"]) == ("rejected", "card_merged")

    (result,) = await core.send(merged(old, new))
    assert (result["outcome"], result["code"]) == ("applied", "merge_acknowledged")
    entries = await core.history(two_cards.nik)
    assert entries[-1]["kind"] == "merge_acknowledged"
    (result,) = await core.send(merged(old, new))
    assert (result["outcome"], result["code"]) == ("applied", "merge_acknowledged")
    assert (await merges(core, two_cards))[0]["core"] == "acknowledged"
    (result,) = await core.send(merged(new, old))
    assert (result["outcome"], result["code"]) == ("rejected", "merge_makes_cycle")
    assert await core.history(two_cards.nik) == entries


async def test_the_feeds_role_can_end_an_open_merge_and_take_no_other_step(
    core: Core, api: httpx.AsyncClient, database: Database, two_cards: Person
) -> None:
    old, new = two_cards.kpjs
    phone = await Phone(api).enrol(two_cards)
    mine = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    assert (await phone.confirm(mine)).status_code == 200
    connection = await database.connect("sepakat_feed")
    for wanted in ("proposed", "declined", "executed", "reported"):
        with pytest.raises(asyncpg.CheckViolationError) as refusal:
            await connection.execute("UPDATE merges SET state = $2 WHERE merge_id = $1", mine["id"], wanted)
        assert refusal.value.constraint_name in (
            "merge_step_is_known",
            "executed_merge_has_its_instant",
            "dispute_goes_with_its_case",
        )
    for column in ("confirmation_id", "plan_digest", "executes_at", "absorb"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE merges SET {column} = {column} WHERE merge_id = $1", mine["id"])
    await connection.close()
