"""Hendra's story: 30 % of his old card went into a house, and the number of his phone is new."""

from __future__ import annotations

from typing import Any

from app.local.demo_people import find_person
from app.local.phone import Phone, expect
from app.local.story import COOLING_OFF_S, Stage, rupiah, show_cards, wait_until_executed

HOLD_S = 72 * 3_600
USED = "partial_claim_used"


async def play(on: Stage) -> None:
    """Told to the end: what cannot be taken back was named first, and nobody with a fresh phone could do it."""
    hendra = find_person("Hendra")
    old, new = hendra.kpjs
    on.tell("Hendra enrols. His phone number is new with the agency, so the key of his phone waits.")
    phone = await on.phone_of(hendra, "Hendra's phone")
    before = await show_cards(on, phone)
    hold = (await phone.get("/v1/me")).json()["hold"]
    assert hold is not None
    on.see(f"on hold until {hold['until']}: {hold['reason']}")

    on.tell("He proposes to merge his two cards, and sees what it would mean.")
    answer = await phone.post("/v1/merges", {"absorb": [old], "into": new})
    expect(answer, 201)
    merge = answer.json()
    for consequence in merge["plan"]["texts"]:
        on.see(f"{consequence['severity']}: {consequence['text']}")
    await _must_acknowledge(on, phone, merge)
    await _must_wait(on, phone, merge, hold["until"])

    assert (await show_cards(on, phone))["cards"] == before["cards"], "until now nothing has changed"
    on.tell("He reads the plan once more, for what he was shown is too old by now, and confirms it.")
    renewed = await phone.post(f"/v1/merges/{merge['id']}/plan")
    expect(renewed, 200)
    assert USED in renewed.json()["plan"]["to_acknowledge"]
    expect(await phone.confirm(renewed.json()), 200)
    await on.let_time_pass(COOLING_OFF_S + 1)
    await wait_until_executed(phone, merge["id"])
    after = await show_cards(on, phone)
    assert {card["kpj"]: card["balance"] for card in after["cards"]} == {old: 0, new: before["total_balance"]}
    on.see(f"together {rupiah(after['total_balance'])}, as before")


async def _must_acknowledge(on: Stage, phone: Phone, merge: dict[str, Any]) -> None:
    on.tell(
        "The 30 % were taken once in his life; after the merge that holds for all he has. He must say that he knows."
    )
    others = [code for code in merge["plan"]["to_acknowledge"] if code != USED]
    refused = await phone.confirm(merge, acknowledged=others)
    expect(refused, 422)
    assert (refused.json()["code"], refused.json()["codes"]) == ("acknowledgement_missing", [USED]), refused.text
    on.see(refused.json()["detail"])


async def _must_wait(on: Stage, phone: Phone, merge: dict[str, Any], until: str) -> None:
    on.tell("He does. But whoever has ported a number could do the same, so his new key may not confirm yet.")
    refused = await phone.confirm(merge)
    expect(refused, 403)
    assert (refused.json()["code"], refused.json()["until"]) == ("hold_in_force", until), refused.text
    on.see(refused.json()["detail"])

    on.tell("An hour too early it is still too early.")
    await on.let_time_pass(HOLD_S - 3_600)
    await phone.sign_in()
    early = (await phone.post(f"/v1/merges/{merge['id']}/plan")).json()
    expect(await phone.confirm(early), 403)
    on.tell("Three days after he enrolled, his key is free.")
    await on.let_time_pass(3_601)
    await phone.sign_in()
    assert (await phone.get("/v1/me")).json()["hold"] is None
