"""Nur's story: in 2022 the core merged her living card into the dead one. She sees it, disputes it, and has it back."""

from __future__ import annotations

from typing import Any

from app.local.core import decide_case
from app.local.demo_people import find_person
from app.local.phone import Phone, expect
from app.local.story import Stage, rupiah, show_cards, show_inbox


async def play(on: Stage) -> None:
    """Told to the end: both cards live again, to the rupiah."""
    nur = find_person("Nur")
    kept, gone = nur.kpjs

    on.tell("Nur enrols. In 2022 one of her two cards vanished; nobody had asked her and nobody told her.")
    phone = await on.phone_of(nur, "Ponsel Nur")
    on.tell("Here neither is gone: both cards are there, each with its own balance.")
    before = await show_cards(on, phone)
    statuses = {card["kpj"]: card["status"] for card in before["cards"]}
    assert statuses[gone] == "merged_without_consent", statuses

    on.tell("The vanished number resolves, and says who did it, when, and that no consent of hers is on file.")
    shown = (await phone.post("/v1/cards/resolve", {"kpj": gone}, key="")).json()
    explanation = shown["explanation"]
    on.see(explanation["text"])
    assert (explanation["actor"], explanation["consent"]) == ("core", "none_on_file")
    for act in explanation["what_you_can_do"]:
        on.see(f"{act['code']}: {act['text']}")
    merge = await show_reported(on, phone, explanation["merge_id"])

    case = await dispute(on, phone, merge["id"], "Saya tidak pernah diminta persetujuan.")
    frozen = {card["kpj"]: card["status"] for card in (await show_cards(on, phone))["cards"]}
    assert (frozen[kept], frozen[gone]) == ("frozen", "merged_without_consent"), frozen

    on.tell("One official alone cannot decide it: cards are restored by four eyes.")
    (result,) = await on.core.send(decide_case(case["id"], "restored", "Tidak ada persetujuan", "staf.ani", "staf.ani"))
    assert (result["outcome"], result["code"]) == ("rejected", "four_eyes_needed"), result
    on.see(f"{result['code']}: {result['detail']}")

    after = await restore(on, phone, case["id"], seen=before["head"]["seq"])
    living = {card["kpj"]: (card["status"], card["balance"], card["merged_into"]) for card in after["cards"]}
    balances = {card["kpj"]: card["balance"] for card in before["cards"]}
    assert living[gone] == ("inactive", balances[gone], None), living
    assert living[kept] == (statuses[kept], balances[kept], None), living
    on.tell("The number that was “not found” for years is a card of its own again.")


async def show_reported(on: Stage, phone: Phone, merge_id: str) -> dict[str, Any]:
    """What the core told of a merge that it did on its own; returns the merge."""
    answer = await phone.get(f"/v1/merges/{merge_id}")
    expect(answer, 200)
    merge: dict[str, Any] = answer.json()
    assert (merge["state"], merge["proposed_by"]) == ("reported", "core"), merge
    on.tell("The merge itself: the day, and both balances as they were the day before.")
    on.see(f"{merge['absorb'][0]} → {merge['into']} on {merge['reported']['merged_on']}, by {merge['proposed_by']}")
    for kpj, balance in merge["reported"]["balances"].items():
        on.see(f"{kpj}: {rupiah(balance)} the day before")
    return merge


async def dispute(on: Stage, phone: Phone, merge_id: str, statement: str) -> dict[str, Any]:
    """One tap; returns the case, whose clock can be seen."""
    on.tell("She says no, with one tap. The pair is frozen, and a clock begins to run.")
    expect(await phone.post(f"/v1/merges/{merge_id}/dispute", {"statement": statement}), 200)
    case: dict[str, Any] = (await phone.get("/v1/cases")).json()["cases"][0]
    assert (case["state"], case["merge_id"]) == ("open", merge_id), case
    on.see(f"case {case['id'][:8]}…: {case['state']}, opened {case['opened_at']}, to be answered by {case['due_at']}")
    return case


async def restore(on: Stage, phone: Phone, case_id: str, *, seen: int) -> dict[str, Any]:
    """Two people decide for her; returns the overview afterwards."""
    on.tell("Two people at the agency look at it, and restore the cards.")
    decision = decide_case(case_id, "restored", "Tidak ada persetujuan peserta dalam berkas", "staf.ani", "staf.budi")
    (result,) = await on.core.send(decision)
    assert result["outcome"] == "applied", result
    entries = await show_inbox(on, phone, after=seen)
    kinds = [entry["kind"] for entry in entries]
    assert {"merge_disputed", "merge_restored", "card_restored"} <= set(kinds), kinds
    case = (await phone.get("/v1/cases")).json()["cases"][0]
    assert (case["state"], case["decision"]) == ("decided", "restored"), case
    return await show_cards(on, phone)
