"""What each type of event does, and how it is refused."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from app.feed.apply import TYPES
from app.platform.sealing import read_sealer
from tests.conftest import DATA_KEYS
from tests.feed.conftest import Core, Worker, claim, contribution, event
from tests.people import new_kpj, nik_hash


async def outcome(core: Core, one: dict[str, Any]) -> tuple[str, str | None]:
    (result,) = await core.send(one)
    assert result["id"] == one["id"]
    return result["outcome"], result["code"]


async def test_a_participant_is_registered_with_a_history_and_only_once(core: Core, dwi: Worker) -> None:
    (row,) = await core.ask(
        "SELECT p.* FROM participant_numbers AS n JOIN participants AS p USING (participant_id) WHERE nik_hash = $1",
        nik_hash(dwi.nik),
    )
    assert (row["name"], row["birth_date"]) == ("Dwi Lestari", date(1990, 5, 17))
    sealer = read_sealer(DATA_KEYS)
    opened = {
        column: sealer.open(row[f"{column}_sealed"], column=column, row=row["participant_id"])
        for column in ("nik", "phone")
    }
    assert opened == {"nik": dwi.nik, "phone": "+6281200000001"}
    (entry,) = await core.history(dwi.nik)
    assert (entry["kind"], entry["origin"]) == ("participant_registered", "core")
    assert await outcome(core, dwi.registered()) == ("rejected", "participant_known")


async def test_a_card_is_opened_with_its_opening_balance(core: Core, dwi: Worker, card: str) -> None:
    row = await core.card(card)
    assert (row["status"], row["balance"], row["entries"]) == ("active", 9910352, 1)
    entry = (await core.history(dwi.nik))[-1]
    assert (entry["kind"], entry["queued"]) == ("card_opened", True)
    assert entry["data"]["employer"] == "PT Sinar Garmen Majalaya"
    assert await outcome(core, dwi.opened(card)) == ("rejected", "card_known")
    assert await outcome(core, Worker().opened(new_kpj())) == ("rejected", "participant_unknown")


async def test_a_lifecycle_changes_once(core: Core, dwi: Worker, card: str) -> None:
    data = {"kpj": card, "status": "inactive", "effective_on": "2026-02-28", "reason": "Berhenti bekerja"}
    assert await outcome(core, event("card.status_changed", data)) == ("applied", None)
    row = await core.card(card)
    assert (row["status"], row["closed_on"]) == ("inactive", date(2026, 2, 28))
    entries = await core.history(dwi.nik)
    assert entries[-1]["data"]["reason"] == "Berhenti bekerja"
    assert (entries[-1]["data"]["status_before"], entries[-1]["data"]["status_after"]) == ("active", "inactive")

    assert await outcome(core, event("card.status_changed", data)) == ("applied", "nothing_changed")
    assert len(await core.history(dwi.nik)) == len(entries)
    await core.apply(event("card.status_changed", data | {"status": "active"}))
    assert (await core.card(card))["closed_on"] is None


@pytest.mark.parametrize("status", ["merged", "merged_without_consent", "frozen", "claim_in_progress", "gone"])
async def test_only_lifecycle_values_are_told_by_the_core(core: Core, card: str, status: str) -> None:
    data = {"kpj": card, "status": status, "effective_on": "2026-02-28", "reason": "x"}
    assert await outcome(core, event("card.status_changed", data)) == ("rejected", "data_invalid")
    assert (await core.card(card))["status"] == "active"


async def test_a_contribution_is_an_entry_and_is_told(core: Core, dwi: Worker, card: str) -> None:
    one = contribution(card, 319177)
    await core.apply(one)
    row = await core.card(card)
    assert (row["balance"], row["last_contribution_month"]) == (9910352 + 319177, date(2026, 2, 1))
    entry = (await core.history(dwi.nik))[-1]
    assert (entry["kind"], entry["event_id"], entry["queued"]) == ("contribution_posted", one["id"], True)
    assert (
        entry["data"] | {"amount": 319177, "month": "2026-02", "employer": "PT Sinar Garmen Majalaya"} == entry["data"]
    )
    (ledger,) = await core.ask("SELECT * FROM ledger_entries WHERE source_event = $1", one["id"])
    assert (ledger["effective_on"], ledger["employer_id"], ledger["received_for_kpj"]) == (
        date(2026, 3, 2),
        "E-1",
        None,
    )


async def test_growth_counts_on_the_last_day_of_its_year(core: Core, dwi: Worker, card: str) -> None:
    one = event("growth.credited", {"kpj": card, "year": 2025, "amount": 561234})
    await core.apply(one)
    assert (await core.card(card))["balance"] == 9910352 + 561234
    (ledger,) = await core.ask("SELECT * FROM ledger_entries WHERE source_event = $1", one["id"])
    assert (ledger["kind"], ledger["effective_on"], ledger["year"]) == ("growth", date(2025, 12, 31), 2025)
    assert (await core.history(dwi.nik))[-1]["data"]["year"] == 2025


async def test_growth_of_one_card_and_year_under_two_ids_is_credited_once(core: Core, dwi: Worker, card: str) -> None:
    again = event("growth.credited", {"kpj": card, "year": 2025, "amount": 7})
    results = await asyncio.gather(
        *(core.send(event("growth.credited", {"kpj": card, "year": 2025, "amount": 7})) for _ in range(4))
    )
    assert sorted(result["code"] or "" for (result,) in results) == ["", *["growth_credited_already"] * 3]
    await core.apply(event("growth.credited", {"kpj": card, "year": 2024, "amount": 30}))
    assert await outcome(core, again) == ("rejected", "growth_credited_already")
    assert (await core.card(card))["balance"] == 9910352 + 37
    assert [entry["kind"] for entry in await core.history(dwi.nik)].count("growth_credited") == 2


async def test_money_for_a_card_without_savings_is_rejected(core: Core, dwi: Worker) -> None:
    kpj = new_kpj()
    opened = dwi.opened(kpj)
    opened["data"] |= {"segment": "JAKON", "programmes": ["JKK", "JKM"], "employer": None}
    assert await outcome(core, dwi.opened(new_kpj()) | {"data": opened["data"] | {"opening_balance": 0}}) == (
        "rejected",
        "card_without_jht",
    )
    await core.apply(opened)
    for one in (
        contribution(kpj),
        event("growth.credited", {"kpj": kpj, "year": 2025, "amount": 1}),
        claim("opened", kpj, 1, claim_id="C-none"),
    ):
        assert await outcome(core, one) == ("rejected", "card_without_jht")
    assert (await core.card(kpj))["balance"] is None


async def test_a_full_claim_is_opened_and_paid(core: Core, dwi: Worker, card: str) -> None:
    claim_id = f"C-{card}"
    await core.apply(claim("opened", card, 9910352, claim_id=claim_id))
    assert (await core.card(card))["status"] == "claim_in_progress"
    assert await outcome(core, claim("opened", card, 1, claim_id=claim_id)) == ("rejected", "claim_known")
    assert await outcome(core, claim("opened", card, 1, claim_id="C-other")) == ("rejected", "claim_already_open")

    await core.apply(claim("paid", card, 9910352, claim_id=claim_id))
    row = await core.card(card)
    assert (row["status"], row["balance"], row["closed_on"]) == ("claimed", 0, date(2026, 3, 2))
    entry = (await core.history(dwi.nik))[-1]
    assert (entry["kind"], entry["data"]["claim_kind"], entry["data"]["amount"]) == ("claim_paid", "full", 9910352)
    assert await outcome(core, claim("paid", card, 1, claim_id=claim_id)) == ("rejected", "claim_paid_already")


async def test_a_partial_claim_leaves_the_card_as_it_was(core: Core, card: str) -> None:
    await core.apply(
        claim("opened", card, 900000, claim_id=f"C-{card}", kind="ten_percent"),
        claim("paid", card, 900000, claim_id=f"C-{card}", kind="ten_percent"),
    )
    row = await core.card(card)
    assert (row["status"], row["balance"], row["closed_on"]) == ("active", 9010352, None)


async def test_a_claim_is_never_paid_below_zero(core: Core, dwi: Worker, card: str) -> None:
    before = await core.history(dwi.nik)
    assert await outcome(core, claim("paid", card, 9910353, claim_id="C-big")) == ("rejected", "balance_too_small")
    assert (await core.card(card))["balance"] == 9910352
    assert await core.history(dwi.nik) == before
    assert await core.ask("SELECT FROM claims WHERE claim_id = 'C-big'") == []


async def test_a_claim_stays_with_its_card(core: Core, dwi: Worker, card: str) -> None:
    other = new_kpj()
    await core.apply(dwi.opened(other, balance=500), claim("opened", card, 100, claim_id=f"C-{card}"))
    assert await outcome(core, claim("paid", other, 100, claim_id=f"C-{card}")) == ("rejected", "claim_of_another_card")


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("card.status_changed", {"kpj": "99000000000000", "status": "active", "effective_on": "2026-01-01"}, "card_unknown"),
        ("growth.credited", {"kpj": "99000000000000", "year": 2025, "amount": 1}, "card_unknown"),
        ("claim.opened", {"kpj": "99000000000000", "claim_id": "C", "kind": "full", "amount": 1}, "card_unknown"),
        ("merge.proposed", {"absorb": ["99000000000000"], "into": "99000000000001", "reason": "x"}, "card_unknown"),
        ("claim.withdrawn", {"kpj": "99000000000000", "claim_id": "C", "kind": "full", "amount": 1}, "card_unknown"),
        ("contribution.reversed", {"kpj": "99000000000000", "event_id": "e-1", "reason": "x"}, "card_unknown"),
        ("balance.reported", {"kpj": "99000000000000", "as_of": "2026-01-01", "balance": 1, "status": "active"}, "card_unknown"),
        ("merge.acknowledged", {"merge_id": "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f", "reason": "x"}, "merge_unknown"),
        ("merge.refused", {"merge_id": "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f", "reason": "x"}, "merge_unknown"),
        ("card.exploded", {}, "type_unsupported"),
    ],
)  # fmt: skip
async def test_what_is_not_known_is_rejected(core: Core, kind: str, data: dict[str, Any], code: str) -> None:
    assert await outcome(core, event(kind, data)) == ("rejected", code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 0}, "data_invalid"),
        ({"amount": -5}, "data_invalid"),
        ({"amount": "5"}, "data_invalid"),
        ({"amount": 5.5}, "data_invalid"),
        ({"amount": 2**53 - 1}, "data_invalid"),
        ({"month": "2026-13"}, "data_invalid"),
        ({"month": "2031-01"}, "date_in_future"),
        ({"paid_on": "2031-01-01"}, "date_in_future"),
        ({"paid_on": "0001-01-01"}, "data_invalid"),
        ({"paid_on": "2026-02-30"}, "data_invalid"),
        ({"surprise": 1}, "data_invalid"),
    ],
)
async def test_data_that_does_not_fit_is_rejected(core: Core, card: str, change: dict[str, Any], code: str) -> None:
    one = contribution(card)
    one["data"] |= change
    assert await outcome(core, one) == ("rejected", code)
    assert (await core.card(card))["balance"] == 9910352


async def test_an_event_from_the_future_is_rejected(core: Core, card: str) -> None:
    assert await outcome(core, contribution(card, occurred_at="2931-01-01T00:00:00Z")) == ("rejected", "date_in_future")


async def test_every_type_that_is_taken_is_tried_here() -> None:
    assert sorted(TYPES) == [
        "announcement.published",  # tests/announcements
        "balance.reported",
        "branch_code.issued",
        "card.merged",
        "card.opened",
        "card.status_changed",
        "case.decided",
        "claim.opened",
        "claim.paid",
        "claim.withdrawn",
        "contribution.posted",
        "contribution.reversed",
        "employer.updated",
        "growth.credited",
        "merge.acknowledged",
        "merge.proposed",
        "merge.refused",
        "participant.deceased",
        "participant.phone_ported",
        "participant.registered",
        "participant.updated",
    ]
