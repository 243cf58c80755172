"""Putri's story: a claim is under way on her old card, and a merge waits until it is paid."""

from __future__ import annotations

from app.local.core import event, propose_merge
from app.local.demo_people import find_person
from app.local.phone import expect
from app.local.story import COOLING_OFF_S, Stage, rupiah, show_cards, show_inbox, wait_until_executed

CLAIM_ID, AMOUNT = "KLM-2026-000061", 13_520_774


async def play(on: Stage) -> None:
    """Told to the end: the claim was paid in full, undisturbed; the empty card was merged afterwards."""
    putri = find_person("Putri")
    old, new = putri.kpjs
    on.tell("Putri enrols. Two weeks ago she claimed the savings of her old card.")
    phone = await on.phone_of(putri, "Ponsel Putri")
    before = await show_cards(on, phone)
    assert {card["kpj"]: card["status"] for card in before["cards"]}[old] == "claim_in_progress"

    on.tell("She tries to merge the card. It is refused, and the refusal names the claim that stands in the way.")
    refused = await phone.post("/v1/merges", {"absorb": [old], "into": new})
    expect(refused, 422)
    assert (refused.json()["code"], refused.json()["claim_id"]) == ("claim_pending", CLAIM_ID), refused.text
    on.see(f"{refused.json()['detail']} ({CLAIM_ID})")
    on.tell("The options say the same, both ways; and the agency cannot propose it either.")
    for option in (await phone.get("/v1/merges/options")).json()["options"]:
        assert not option["allowed"]
        assert [reason["code"] for reason in option["reasons"]] == ["claim_pending"], option
    (result,) = await on.core.send(propose_merge([old], new, "Penggabungan kartu ganda"))
    assert result["outcome"] == "rejected", result
    on.see(f"{result['code']}: {result['detail']}")

    on.tell("The claim is paid.")
    data = {"kpj": old, "claim_id": CLAIM_ID, "kind": "full", "amount": AMOUNT}
    (result,) = await on.core.send(event("claim.paid", data))
    assert result["outcome"] == "applied", result
    entries = await show_inbox(on, phone, after=before["head"]["seq"])
    assert [entry["kind"] for entry in entries] == ["claim_paid"], entries
    paid = await show_cards(on, phone)
    assert paid["total_balance"] == before["total_balance"] - AMOUNT

    on.tell("Now nothing stands in the way. The plan says that the old card brings nothing any more; she agrees.")
    answer = await phone.post("/v1/merges", {"absorb": [old], "into": new})
    expect(answer, 201)
    merge = answer.json()
    assert merge["plan"]["total_after"] == paid["total_balance"]
    on.see(f"{old} → {new}, {rupiah(merge['plan']['total_after'])} after it")
    expect(await phone.confirm(merge), 200)
    await on.let_time_pass(COOLING_OFF_S + 1)
    await wait_until_executed(phone, merge["id"])
    after = await show_cards(on, phone)
    assert after["total_balance"] == paid["total_balance"]
    assert {card["kpj"]: card["status"] for card in after["cards"]} == {old: "merged", new: "active"}
