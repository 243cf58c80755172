"""Maya's story: the core merged her cards in July. She disputes it; then she merges them herself, and takes it back."""

from __future__ import annotations

from datetime import datetime

from app.local.core import post_contribution
from app.local.demo_people import find_person
from app.local.phone import Phone, expect
from app.local.stories.nur import dispute, restore, show_reported
from app.local.story import COOLING_OFF_S, Stage, rupiah, show_cards, wait_until_executed
from app.platform.clock import JAKARTA

PRESENT, FORMER = "E003", "E001"
AMOUNTS = (324_373, 324_373, 209_488, 209_488)


async def play(on: Stage) -> None:
    """Told to the end: every rupiah back on the card that it belongs to, new ones included."""
    maya = find_person("Maya")
    old, new = maya.kpjs

    on.tell("Maya enrols. In July the core merged her old card into the one of her present job.")
    phone = await on.phone_of(maya, "Ponsel Maya")
    before = await show_cards(on, phone)
    balances = {card["kpj"]: card["balance"] for card in before["cards"]}
    (reported,) = (await phone.get("/v1/merges")).json()["merges"]
    await show_reported(on, phone, reported["id"])
    case = await dispute(on, phone, reported["id"], "Saya ingin memutuskannya sendiri.")
    after = await restore(on, phone, case["id"], seen=before["head"]["seq"])
    assert {card["kpj"]: (card["status"], card["balance"]) for card in after["cards"]} == {
        old: ("inactive", balances[old]),
        new: ("active", balances[new]),
    }

    merge_id = await _merge_herself(on, phone, old, new)
    await _receive_contributions(on, old, new)
    joined = await show_cards(on, phone)
    assert joined["total_balance"] == before["total_balance"] + sum(AMOUNTS)
    await _undo(on, phone, merge_id)

    apart = await show_cards(on, phone)
    assert {card["kpj"]: (card["status"], card["balance"]) for card in apart["cards"]} == {
        old: ("inactive", balances[old] + sum(AMOUNTS[2:])),
        new: ("active", balances[new] + sum(AMOUNTS[:2])),
    }, "what the old card brought, and what its employer paid, went back with it; the rest stayed"
    assert apart["total_balance"] == joined["total_balance"], "no rupiah was made or lost"


async def _merge_herself(on: Stage, phone: Phone, old: str, new: str) -> str:
    """Proposed, confirmed over its exact plan, executed after the cooling-off. Returns the merge's id."""
    on.tell("Now it is hers to decide, and she does want one card: she proposes it, sees what it means, and confirms.")
    answer = await phone.post("/v1/merges", {"absorb": [old], "into": new})
    expect(answer, 201)
    merge = answer.json()
    for consequence in merge["plan"]["texts"]:
        on.see(f"{consequence['severity']}: {consequence['text']}")
    expect(await phone.confirm(merge), 200)
    await on.let_time_pass(COOLING_OFF_S + 1)
    await wait_until_executed(phone, merge["id"])
    await show_cards(on, phone)
    merge_id: str = merge["id"]
    return merge_id


async def _receive_contributions(on: Stage, old: str, new: str) -> None:
    on.tell(
        "Four contributions come: two of her present job, and two in arrears, which the former employer pays on the old number."
    )
    paid_on = datetime.now(JAKARTA).date().isoformat()
    months = ((new, PRESENT, "2026-11"), (new, PRESENT, "2026-12"), (old, FORMER, "2018-05"), (old, FORMER, "2018-06"))
    for (kpj, employer, month), amount in zip(months, AMOUNTS, strict=True):
        (result,) = await on.core.send(post_contribution(kpj, employer, month, amount, paid_on))
        assert result["outcome"] == "applied", result
        on.see(f"{month} from {employer} for {kpj}: {rupiah(amount)}")


async def _undo(on: Stage, phone: Phone, merge_id: str) -> None:
    on.tell("She changes her mind. The undo is shown first: where every rupiah goes, and by which rule.")
    answer = await phone.post(f"/v1/merges/{merge_id}/undo/plan")
    expect(answer, 200)
    shown = answer.json()
    for split in shown["splits"]:
        on.see(f"{rupiah(split['amount'])} → {split['to_kpj']} ({split['rule']})")
    on.tell("She confirms it with the key of her phone, and it is done at once.")
    undone = await phone.undo(merge_id, shown)
    expect(undone, 200)
    assert undone.json()["state"] == "undone", undone.text
