"""Sari's story: two cards that the app can pay out one by one, and a merge that would send her to a branch."""

from __future__ import annotations

from typing import Any

from app.local.core import propose_merge
from app.local.demo_people import find_person
from app.local.phone import Phone, expect
from app.local.story import Stage, rupiah, show_cards, show_inbox

CAP = "app_claim_cap_crossed"


async def play(on: Stage) -> None:
    """Told to the end: she knew before she answered, said no, and nothing of hers has changed."""
    sari = find_person("Sari")
    old, new = sari.kpjs
    on.tell("Sari enrols. She has left both of her jobs, and has two cards of nine million each.")
    phone = await on.phone_of(sari, "Ponsel Sari")
    before = await show_cards(on, phone)

    await _see_both_ways(on, phone)
    on.tell("The agency proposes to tidy up, and to merge the old card into the new one.")
    (result,) = await on.core.send(propose_merge([old], new, "Penggabungan kartu ganda"))
    assert result["outcome"] == "applied", result
    (merge,) = (await phone.get("/v1/merges")).json()["merges"]
    assert CAP in merge["plan"]["to_acknowledge"], merge["plan"]
    on.see(f"{old} → {new}, {rupiah(merge['plan']['total_after'])} after it")

    on.tell("It cannot be confirmed by looking away: the warning has a name, and must be acknowledged by it.")
    hasty = await phone.confirm(merge, acknowledged=[])
    expect(hasty, 422)
    assert CAP in hasty.json()["codes"], hasty.text
    on.see(hasty.json()["detail"])

    on.tell("She would rather claim each card from her sofa. She declines.")
    declined = await phone.post(f"/v1/merges/{merge['id']}/decline", {"reason": "Saya klaim lewat aplikasi"})
    expect(declined, 200)
    assert declined.json()["state"] == "declined", declined.text
    entries = await show_inbox(on, phone, after=before["head"]["seq"])
    assert [entry["kind"] for entry in entries] == ["merge_proposed", "merge_declined"], entries
    on.tell("Nothing has changed.")
    assert (await show_cards(on, phone))["cards"] == before["cards"]


async def _see_both_ways(on: Stage, phone: Phone) -> None:
    on.tell("She asks what a merge would mean, and sees both ways side by side.")
    options: list[dict[str, Any]] = (await phone.get("/v1/merges/options")).json()["options"]
    assert len(options) == 2, options
    for option in options:
        on.see(f"[bold]{option['absorb'][0]} → {option['into']}[/bold]")
        for consequence in option["consequences"]:
            on.see(f"{consequence['severity']}: {consequence['text']}")
        (warning,) = [item["text"] for item in option["warnings"] if item["code"] == CAP]
        assert "Rp15.000.000" in warning, warning
