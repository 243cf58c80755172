"""Bayu's story: an outsourcing career on three cards, joined at once."""

from __future__ import annotations

from app.local.demo_people import find_person
from app.local.phone import expect
from app.local.story import COOLING_OFF_S, Stage, rupiah, show_cards, show_inbox, wait_until_executed


async def play(on: Stage) -> None:
    """Told to the end: one living card, and every old number names it in one hop."""
    bayu = find_person("Bayu")
    first, second, third = bayu.kpjs
    on.tell("Bayu enrols. Each new contract brought a new card, and each card was forgotten with the contract.")
    phone = await on.phone_of(bayu, "Ponsel Bayu")
    before = await show_cards(on, phone)

    on.tell(
        "Of all the ways to join three cards, one is recommended, with its reason: both old ones into the living one."
    )
    options = (await phone.get("/v1/merges/options")).json()["options"]
    (recommended,) = [option for option in options if option["recommended"]]
    assert (recommended["absorb"], recommended["into"]) == ([first, second], third), recommended
    on.see(f"{first}, {second} → {third}")
    for item in (*recommended["reasons"], *recommended["consequences"]):
        on.see(item["text"])
    assert len(options) == 7, "six ordered pairs, and the set"

    on.tell("He agrees to exactly that, once, and lets the cooling-off pass.")
    answer = await phone.post("/v1/merges", {"absorb": [first, second], "into": third})
    expect(answer, 201)
    merge = answer.json()
    assert [item["code"] for item in recommended["consequences"]] == merge["plan"]["consequences"]
    expect(await phone.confirm(merge), 200)
    await on.let_time_pass(COOLING_OFF_S + 1)
    await wait_until_executed(phone, merge["id"])
    after = await show_cards(on, phone)
    balances = {card["kpj"]: card["balance"] for card in after["cards"]}
    assert balances == {first: 0, second: 0, third: before["total_balance"]}, "to the rupiah"
    on.see(f"together {rupiah(after['total_balance'])}, as before")

    on.tell("Every number resolves, and leads to the living card in one hop.")
    for kpj in (first, second):
        card = (await phone.post("/v1/cards/resolve", {"kpj": kpj}, key="")).json()
        assert card["merged_into"]["kpj"] == third, card
        assert card["merged_into"]["via"] == [merge["id"]], card
        on.see(f"{kpj}: {card['explanation']['text']}")
    entries = await show_inbox(on, phone, after=before["head"]["seq"])
    assert "merge_executed" in {entry["kind"] for entry in entries}, entries
