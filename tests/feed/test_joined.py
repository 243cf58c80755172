"""What the core pays from, or credits on, money that it joined without consent is booked over the cards it lies on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.feed.joined import split_by_balance, take_in_turn
from tests.cases.reports import NEW, OLD, Reported, decided, reported_merge
from tests.conftest import Database
from tests.feed.conftest import Core, claim, event

RUPIAH = st.integers(0, 10**12)


@given(RUPIAH, st.lists(RUPIAH, min_size=1, max_size=20))
def test_shares_sum_to_the_rupiah_and_are_off_by_less_than_one(amount: int, balances: list[int]) -> None:
    shares, total = split_by_balance(amount, balances), sum(balances)
    assert sum(shares) == amount
    assert all(share >= 0 for share in shares)
    for share, balance in zip(shares, balances, strict=True):
        assert total == 0 or abs(share * total - amount * balance) < total


@given(RUPIAH, st.lists(RUPIAH, min_size=1, max_size=20))
def test_what_is_taken_is_there(amount: int, balances: list[int]) -> None:
    taken = take_in_turn(amount, balances)
    if taken is None:
        assert sum(balances) < amount
        return
    assert sum(taken) == amount
    assert all(0 <= part <= balance for part, balance in zip(taken, balances, strict=True))
    assert taken[0] == min(amount, balances[0]), "the card that was named gives first"


def test_rupiah_left_over_go_to_the_largest_remainders() -> None:
    assert split_by_balance(10, [1, 1, 1]) == [4, 3, 3]
    assert split_by_balance(100, [2, 1]) == [67, 33]
    assert split_by_balance(5, [0, 0]) == [5, 0]
    assert split_by_balance(0, [3, 4]) == [0, 0]


@pytest.fixture
async def reported(api: httpx.AsyncClient, database: Database, core: Core) -> Reported:
    return await reported_merge(api, database, core)


async def entries_of(core: Core, event_id: str) -> list[dict[str, Any]]:
    return await core.ask(
        """SELECT k.kpj, l.kind, l.amount, l.balance_after, l.received_for_kpj FROM ledger_entries AS l
        JOIN cards AS k USING (participant_id, card_id) WHERE l.source_event = $1 ORDER BY l.amount""",
        event_id,
    )


def growth(kpj: str, amount: int) -> dict[str, Any]:
    return event("growth.credited", {"kpj": kpj, "year": 2025, "amount": amount})


@pytest.mark.parametrize("disputed", [False, True])
async def test_growth_on_the_joined_balance_is_split_by_balance(
    reported: Reported, core: Core, *, disputed: bool
) -> None:
    if disputed:
        await reported.dispute()
    before = await core.history(reported.person.nik)
    credit = growth(reported.kept, 1_000_001)
    await core.apply(credit)
    to_gone = round(1_000_001 * NEW / (OLD + NEW))
    assert [
        (entry["kpj"], entry["amount"], entry["received_for_kpj"]) for entry in await entries_of(core, credit["id"])
    ] == [
        (reported.gone, to_gone, reported.kept),
        (reported.kept, 1_000_001 - to_gone, None),
    ]
    balances = {kpj: balance for kpj, (_, balance) in (await reported.cards()).items()}
    assert balances == {reported.gone: NEW + to_gone, reported.kept: OLD + 1_000_001 - to_gone}
    told = (await core.history(reported.person.nik))[len(before) :]
    assert [entry["kind"] for entry in told] == ["growth_credited"] * 2
    assert len({entry["cause_id"] for entry in told}) == 1
    assert all(entry["data"]["joined_amount"] == 1_000_001 for entry in told)
    bodies = [entry["body"] for entry in (await reported.phone.get("/v1/inbox?limit=2")).json()["entries"]]
    assert all("Rp1.000.001" in body for body in bodies), bodies


async def test_growth_is_credited_once_for_each_number_however_it_is_split(reported: Reported, core: Core) -> None:
    await core.apply(growth(reported.kept, 1_000), growth(reported.gone, 20))
    balances = await reported.cards()
    for kpj in (reported.kept, reported.gone):
        (again,) = await core.send(growth(kpj, 1_000))
        assert (again["outcome"], again["code"]) == ("rejected", "growth_credited_already")
    assert await reported.cards() == balances


async def test_growth_of_the_absorbed_number_is_its_own(reported: Reported, core: Core) -> None:
    credit = growth(reported.gone, 700)
    await core.apply(credit)
    assert [(entry["kpj"], entry["amount"]) for entry in await entries_of(core, credit["id"])] == [(reported.gone, 700)]


async def test_a_payment_larger_than_the_survivor_takes_the_rest_from_the_other(reported: Reported, core: Core) -> None:
    paid = claim("paid", reported.kept, OLD + 1000, claim_id=f"C-{reported.kept}", kind="full")
    await core.apply(paid)
    assert [
        (entry["kpj"], entry["amount"], entry["balance_after"]) for entry in await entries_of(core, paid["id"])
    ] == [
        (reported.kept, -OLD, 0),
        (reported.gone, -1000, NEW - 1000),
    ]
    assert await reported.cards() == {
        reported.kept: ("claimed", 0),
        reported.gone: ("merged_without_consent", NEW - 1000),
    }
    told = (await core.history(reported.person.nik))[-2:]
    assert [entry["kind"] for entry in told] == ["claim_paid"] * 2
    assert {(entry["data"]["kpj"], entry["data"]["amount"]) for entry in told} == {
        (reported.kept, OLD),
        (reported.gone, 1000),
    }
    # from an empty card, all of it comes from the other, and both are told of
    rest = claim("paid", reported.kept, 500, claim_id=f"D-{reported.kept}", kind="ten_percent")
    await core.apply(rest)
    assert [(entry["kpj"], entry["amount"]) for entry in await entries_of(core, rest["id"])] == [(reported.gone, -500)]


async def test_a_payment_that_the_survivor_holds_is_its_own(reported: Reported, core: Core) -> None:
    paid = claim("paid", reported.kept, OLD, claim_id=f"C-{reported.kept}", kind="ten_percent")
    await core.apply(paid)
    assert [(entry["kpj"], entry["amount"]) for entry in await entries_of(core, paid["id"])] == [(reported.kept, -OLD)]


async def test_never_below_zero_on_either(reported: Reported, core: Core) -> None:
    before = await reported.cards()
    for kpj, amount in ((reported.kept, OLD + NEW + 1), (reported.gone, NEW + 1)):
        (result,) = await core.send(claim("paid", kpj, amount, claim_id=f"C-{kpj}"))
        assert (result["outcome"], result["code"]) == ("rejected", "balance_too_small")
    assert await reported.cards() == before


async def test_once_restored_each_card_is_on_its_own_again(reported: Reported, core: Core) -> None:
    await core.apply(decided((await reported.dispute())["id"]))
    credit = growth(reported.kept, 700)
    await core.apply(credit)
    assert [(entry["kpj"], entry["amount"]) for entry in await entries_of(core, credit["id"])] == [(reported.kept, 700)]
    (result,) = await core.send(claim("paid", reported.kept, OLD + 701, claim_id=f"C-{reported.kept}"))
    assert (result["outcome"], result["code"]) == ("rejected", "balance_too_small")
