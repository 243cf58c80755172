"""Agus's story: an old card that was registered under a mistyped identity number, and how it comes back to him."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any
from uuid import uuid4

from PIL import Image, ImageDraw

from app.local.core import decide_case
from app.local.demo_people import find_person
from app.local.phone import Phone, expect
from app.local.story import Stage, rupiah, show_cards, show_inbox

LOST = "99000000051"
WITHIN_S = 15


async def play(on: Stage) -> None:
    """Told to the end: the card with its balance is his, and the options recommend the merge that joins them."""
    agus = find_person("Agus")
    on.tell("Agus enrols. He worked in Majalaya years ago, and never saw a card of that time again.")
    phone = await on.phone_of(agus, "Ponsel Agus")
    before = await show_cards(on, phone)
    match = await _see_match(on, phone)
    claimed = await _claim(on, phone, match)

    on.tell(
        "Two of the agency's staff look at the paper, and at the register: two digits of his number were exchanged in 2009."
    )
    decision = decide_case(claimed["case"]["case_id"], "linked", "Paklaring dan KTP cocok", "staf-17", "staf-4")
    (result,) = await on.core.send(decision)
    assert result["outcome"] == "applied", result
    entries = await show_inbox(on, phone, after=before["head"]["seq"])
    assert entries[-1]["kind"] == "card_transferred_here"

    on.tell("The card is his, with all its savings, under its own number.")
    after = await show_cards(on, phone)
    (found,) = [card for card in after["cards"] if card["kpj"] == LOST]
    assert after["total_balance"] == before["total_balance"] + found["balance"]
    assert found["balance"] > 0
    await _see_options(on, phone)


async def _see_match(on: Stage, phone: Phone) -> dict[str, Any]:
    on.tell("He is told of a card that may be his: employer and years. No number, no balance, no name.")
    async with asyncio.timeout(WITHIN_S):
        while not (matches := (await phone.get("/v1/possible-matches")).json()["matches"]):
            await asyncio.sleep(0.1)
    (match,) = matches
    on.see(f"{match['employer']['name']}, {match['from_year']}–{match['to_year']}")
    assert LOST not in str(match)
    found: dict[str, Any] = match
    return found


async def _claim(on: Stage, phone: Phone, match: dict[str, Any]) -> dict[str, Any]:
    on.tell("He photographs his employment letter, sends the photo, and claims the card.")
    path = f"/v1/possible-matches/{match['id']}"
    headers = {"content-type": "image/jpeg", "idempotency-key": uuid4().hex}
    sent = await phone.request("POST", f"{path}/documents?kind=paklaring", content=_photograph(), headers=headers)
    expect(sent, 201)
    on.see(f"kept as {sent.json()['media_type']}, {sent.json()['bytes']:,} bytes, without the place where it was taken")
    answer = await phone.post(f"{path}/claim", {"document_ids": [sent.json()["id"]]})
    expect(answer, 200)
    claimed: dict[str, Any] = answer.json()
    on.see(f"{claimed['state']}; to be decided by {claimed['case']['due_at']}")
    return claimed


async def _see_options(on: Stage, phone: Phone) -> None:
    on.tell(
        "Now the options recommend to merge it into the card of his present job. Whether, and when, is his to decide."
    )
    options = (await phone.get("/v1/merges/options")).json()["options"]
    (recommended,) = [option for option in options if option["recommended"]]
    assert recommended["absorb"] == [LOST]
    on.see(f"{LOST} → {recommended['into']}")
    for warning in recommended["warnings"]:
        on.see(warning["text"])
    on.see(f"together {rupiah((await phone.get('/v1/cards')).json()['total_balance'])}")


def _photograph() -> bytes:
    """A letter on a table, as a phone takes it: the file says where that was."""
    image = Image.new("RGB", (1600, 1200), "saddlebrown")
    draw = ImageDraw.Draw(image)
    draw.rectangle((300, 80, 1300, 1120), fill="white")
    draw.text((360, 160), "SURAT KETERANGAN KERJA\n\nPT Sinar Garmen Majalaya\nAgus Setiawan, 2009-2015", fill="black")
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (6.0, 18.0, 12.0)  # latitude
    written = BytesIO()
    image.save(written, "JPEG", exif=exif)
    return written.getvalue()
