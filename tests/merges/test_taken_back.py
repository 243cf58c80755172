"""A contribution that the core takes back: from the card that holds its money now. And what a card shows as its last one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.answers import code
from tests.conftest import Database
from tests.feed.conftest import Core, claim, contribution, event
from tests.merges.conftest import Settle
from tests.merges.merged import Merged, merge_cards
from tests.people import NewCard, Phone, add_person

OLD, NEW = 14_265_493, 9_910_352


def taken_back(kpj: str, posted: dict[str, Any]) -> dict[str, Any]:
    return event("contribution.reversed", {"kpj": kpj, "event_id": posted["id"], "reason": "Dibayar dua kali"})


async def answer(core: Core, told: dict[str, Any]) -> tuple[str, str | None]:
    (result,) = await core.send(told)
    return result["outcome"], result["code"]


async def last(phone: Phone, **query: str) -> dict[str, tuple[str, int] | None]:
    """Month and amount of the last contribution, by card."""
    found = (await phone.get("/v1/cards", params=query)).json()["cards"]
    told = {card["kpj"]: card["last_contribution"] for card in found}
    return {kpj: (one["month"], one["amount"]) if one else None for kpj, one in told.items()}


async def test_a_contribution_is_taken_back_once_with_its_reason(core: Core, maya: Merged) -> None:
    _, new = maya.person.kpjs
    before = await maya.cards()
    first, second = contribution(new, 500, "2026-01"), contribution(new, 700, "2026-02")
    await core.apply(first, second)
    assert (await last(maya.phone))[new] == ("2026-02", 700)
    assert await answer(core, taken_back(new, second)) == ("applied", None)
    assert (await maya.cards())[new][1] == before[new][1] + 500
    assert (await last(maya.phone))[new] == ("2026-01", 500)
    entry = (await maya.phone.get("/v1/inbox")).json()["entries"][0]
    assert entry["kind"] == "contribution_reversed"
    assert "Rp700" in entry["body"]
    assert "Dibayar dua kali" in entry["body"]
    assert await answer(core, taken_back(new, second)) == ("rejected", "contribution_reversed_already")
    assert await answer(core, taken_back(new, first)) == ("applied", None)
    assert (await last(maya.phone))[new] is None
    assert await maya.cards() == before


async def test_what_is_not_this_contribution_is_rejected(core: Core, maya: Merged, database: Database) -> None:
    old, new = maya.person.kpjs
    posted = contribution(old, 500)
    await core.apply(posted)
    stranger = await add_person(database, NewCard(balance=1_000))
    for told, why in (
        (taken_back(new, posted), "contribution_of_another_card"),
        (taken_back(stranger.kpjs[0], posted), "contribution_unknown"),
        (taken_back(old, contribution(old)), "contribution_unknown"),
    ):
        assert await answer(core, told) == ("rejected", why)
    assert await answer(core, taken_back(old, posted)) == ("applied", None)


async def test_it_follows_the_money_through_a_merge_and_its_undo(
    core: Core, api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person = await add_person(database, NewCard(balance=100), NewCard(balance=20, status="active"))
    old, new = person.kpjs
    phone = await Phone(api).enrol(person)
    before, late, kept = (
        contribution(old, 5, "2026-01"),
        contribution(old, 7, "2026-03"),
        contribution(new, 3, "2026-02"),
    )
    await core.apply(before, kept)
    merge = await merge_cards(phone, [old], new, cool_off)
    await core.apply(late)

    async def balances() -> list[int]:
        return [(await core.card(kpj))["balance"] for kpj in person.kpjs]

    assert await balances() == [0, 135]
    await core.apply(taken_back(old, before))  # brought by the merge, and so on the survivor now
    assert await balances() == [0, 130]
    assert await last(phone) == {old: None, new: ("2026-03", 7)}
    # the undo gives back what is left of it, to the rupiah, and each card shows its own
    assert (await phone.undo(merge["id"])).status_code == 200
    assert await balances() == [107, 23]
    assert await last(phone) == {old: ("2026-03", 7), new: ("2026-02", 3)}
    # and the late one, which came on the survivor, is taken from the card that it went back to
    await core.apply(taken_back(old, late))
    assert await balances() == [100, 23]
    assert await last(phone) == {old: None, new: ("2026-02", 3)}


@pytest.mark.parametrize("of", ["old", "new"])
async def test_a_reversal_of_what_came_before_the_merge_does_not_forbid_its_undo(
    core: Core, api: httpx.AsyncClient, database: Database, cool_off: Settle, of: str
) -> None:
    person = await add_person(
        database,
        NewCard(balance=100, employer_id="E-1", employer="PT Satu"),
        NewCard(balance=20, status="active", employer_id="E-2", employer="PT Dua"),
    )
    old, new = person.kpjs
    kpj = old if of == "old" else new
    phone = await Phone(api).enrol(person)
    posted = contribution(kpj, 5)
    await core.apply(posted)
    merge = await merge_cards(phone, [old], new, cool_off)
    # E-1 pays for the survivor without a number: by the employer rule this would be the old card's
    again = contribution(new, 5)
    await core.apply(again, taken_back(kpj, posted), taken_back(new, again))
    assert (await phone.undo(merge["id"])).status_code == 200
    assert {(await core.card(number))["balance"] for number in person.kpjs} == {100, 20}


async def test_taking_back_never_goes_below_zero(core: Core, api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, NewCard(balance=0))
    (kpj,) = person.kpjs
    posted = contribution(kpj, 500)
    await core.apply(posted, claim("paid", kpj, 1, claim_id=f"C-{kpj}", kind="ten_percent"))
    assert await answer(core, taken_back(kpj, posted)) == ("rejected", "balance_too_small")
    assert (await core.card(kpj))["balance"] == 499
    assert (
        await core.ask("SELECT 1 AS one FROM reversed_contributions WHERE participant_id = $1", person.participant_id)
        == []
    )
    phone = await Phone(api).enrol(person)
    assert await last(phone) == {kpj: ("2026-02", 500)}


async def test_through_a_chain_of_undos_the_last_contribution_is_each_cards_own(
    core: Core, bayu: tuple[Merged, Merged]
) -> None:
    first, second = bayu
    a, b, c = first.person.kpjs
    await core.apply(contribution(a, 1, "2026-01"), contribution(b, 2, "2026-02"), contribution(c, 3, "2026-03"))
    assert await last(first.phone) == {a: None, b: None, c: ("2026-03", 3)}
    assert (await first.phone.undo(second.id)).status_code == 200
    assert await last(first.phone) == {a: None, b: ("2026-02", 2), c: ("2026-03", 3)}
    assert (await first.phone.undo(first.id)).status_code == 200
    assert await last(first.phone) == {a: ("2026-01", 1), b: ("2026-02", 2), c: ("2026-03", 3)}


async def test_the_past_shows_the_last_contribution_that_stood_then(core: Core, maya: Merged) -> None:
    old, new = maya.person.kpjs
    posted = contribution(new, 700)
    await core.apply(posted)
    (row,) = await core.ask("SELECT now() + ahead AS now FROM local_clock")
    known_at = row["now"].isoformat()
    await core.apply(taken_back(new, posted))
    assert await last(maya.phone) == {old: None, new: None}
    assert await last(maya.phone, known_at=known_at) == {old: None, new: ("2026-02", 700)}


async def test_a_withdrawn_claim_frees_the_card(core: Core, maya: Merged) -> None:
    _, new = maya.person.kpjs
    told = ("C-" + new, 10)
    assert await answer(core, claim("withdrawn", new, 10, claim_id=told[0])) == ("rejected", "claim_unknown")
    await core.apply(claim("opened", new, 10, claim_id=told[0]))
    assert code(await maya.phone.post(f"/v1/merges/{maya.id}/undo/plan")) == (422, "claim_pending")
    assert await answer(core, claim("withdrawn", new, 10, claim_id=told[0])) == ("applied", None)
    assert (await maya.cards())[new] == ("active", OLD + NEW)
    assert (await maya.phone.get("/v1/inbox")).json()["entries"][0]["kind"] == "claim_withdrawn"
    assert (await maya.phone.post(f"/v1/merges/{maya.id}/undo/plan")).status_code == 200
    assert await answer(core, claim("withdrawn", new, 10, claim_id=told[0])) == ("applied", "nothing_changed")
    await core.apply(claim("paid", new, 10, claim_id="P-" + new, kind="ten_percent"))
    assert await answer(core, claim("withdrawn", new, 10, claim_id="P-" + new)) == ("rejected", "claim_paid_already")
