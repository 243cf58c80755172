"""Lina's story: her former employer pays half a year late, for a card that was merged by then."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.local.core import post_contribution
from app.local.demo_people import find_person
from app.local.phone import Phone, expect
from app.local.story import COOLING_OFF_S, Stage, rupiah, show_cards, show_inbox, wait_until_executed
from app.platform.clock import JAKARTA

FORMER, NAMED = "E004", "PT Samudra Boga Bahari"
ARREARS = (("2026-04", 307_615), ("2026-05", 307_615))


async def play(on: Stage) -> None:
    """Told to the end: no rupiah was lost, and she knows who paid it, for which month and number."""
    lina = find_person("Lina")
    old, new = lina.kpjs
    on.tell("Lina enrols. Her former employer stopped paying in March, and her old card stands in arrears.")
    phone = await on.phone_of(lina, "Ponsel Lina")
    before = await show_cards(on, phone)

    on.tell(
        "She merges it into the card of her new job. It says beforehand what becomes of money that is still to come."
    )
    answer = await phone.post("/v1/merges", {"absorb": [old], "into": new})
    expect(answer, 201)
    merge = answer.json()
    for consequence in merge["plan"]["texts"]:
        on.see(f"{consequence['severity']}: {consequence['text']}")
    assert "late_contributions_follow" in merge["plan"]["consequences"]
    expect(await phone.confirm(merge), 200)
    await on.let_time_pass(COOLING_OFF_S + 1)
    await wait_until_executed(phone, merge["id"])
    joined = await show_cards(on, phone)
    assert joined["total_balance"] == before["total_balance"]

    on.tell("Half a year after it was due, the former employer pays, for the number that is no more.")
    paid_on = datetime.now(JAKARTA).date().isoformat()
    for month, amount in ARREARS:
        (result,) = await on.core.send(post_contribution(old, FORMER, month, amount, paid_on))
        assert result["outcome"] == "applied", result
    on.tell("She is told of each: which employer, which month, for which number, and where it went.")
    told = await show_inbox(on, phone, after=joined["head"]["seq"])
    assert [entry["kind"] for entry in told] == ["late_contribution_posted"] * len(ARREARS), told
    for entry, (_, amount), month in zip(told, ARREARS, ("April 2026", "Mei 2026"), strict=True):
        assert all(part in entry["body"] for part in (month, rupiah(amount), NAMED, old, new)), entry["body"]

    after = await show_cards(on, phone)
    balances = {card["kpj"]: card["balance"] for card in after["cards"]}
    assert balances == {old: 0, new: before["total_balance"] + sum(amount for _, amount in ARREARS)}, balances
    await _see_statement(on, phone, next(card for card in after["cards"] if card["kpj"] == new), old)


async def _see_statement(on: Stage, phone: Phone, card: dict[str, Any], old: str) -> None:
    on.tell("The statement of the living card says for which number each was paid.")
    entries = (await phone.get(f"/v1/cards/{card['card_id']}/statement")).json()["entries"]
    late = [entry for entry in entries if entry["kind"] == "contribution" and entry["received_for_kpj"] == old]
    assert sorted(entry["amount"] for entry in late) == sorted(amount for _, amount in ARREARS), entries
    for entry in late:
        on.see(f"{entry['effective_on']}  {rupiah(entry['amount'])}  {entry['employer']['name']}, for {old}")
        assert entry["employer"]["name"] == NAMED
