"""The receipt of a merge: signed, complete, and checked by a verifier that shares nothing with what wrote it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest

from app.merges.receipt_pdf import draw_receipt
from app.verify.__main__ import verify
from tests.cases.reports import reported_merge
from tests.conftest import Database
from tests.feed.conftest import Core
from tests.merges.conftest import Settle
from tests.notifications.changes import post_contribution
from tests.people import NewCard, Person, Phone, add_person

JOSE, PDF = "application/jose+json", "application/pdf"


async def dwi_with_a_proposal(api: httpx.AsyncClient, database: Database) -> tuple[Person, Phone, dict[str, Any]]:
    person = await add_person(
        database,
        NewCard(balance=14_265_493, opened_on=date(2013, 3, 1)),
        NewCard(balance=9_910_352, status="active", opened_on=date(2019, 2, 1)),
        name="Dwi Nuraéni Łukasz Дмитрий",
    )
    phone = await Phone(api).enrol(person)
    merge = (await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})).json()
    return person, phone, merge


def payload_of(receipt: bytes) -> dict[str, Any]:
    text = json.loads(receipt)["payload"]
    payload: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return payload


async def test_an_executed_merge_has_a_receipt_that_verifies(
    api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person, phone, merge = await dwi_with_a_proposal(api, database)
    path = f"/v1/merges/{merge['id']}/receipt"
    early = await phone.get(path)
    assert (early.status_code, early.json()["code"]) == (409, "receipt_not_yet")
    assert (await phone.confirm(merge)).status_code == 200
    assert (await phone.get(path)).status_code == 409
    await cool_off()

    answer = await phone.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JOSE)
    keys = (await api.get("/.well-known/jwks.json")).json()
    lines = verify("receipt", answer.content, keys)
    assert len(lines) == 5

    receipt = payload_of(answer.content)
    (act,) = receipt["acts"]
    assert act["plan"] == {name: value for name, value in merge["plan"].items() if name != "texts"}
    assert act["plan_digest"] == merge["plan_digest"]
    assert act["after"]["total"] == 24_175_845
    assert {text["code"]: text["id"] for text in act["shown"]["texts"]} == {
        text["code"]: text["text"] for text in merge["plan"]["texts"]
    }
    assert all(text["en"] for text in act["shown"]["texts"])
    assert act["public_key"] == phone.public_key
    assert json.loads(act["statement"])["plan_digest"] == merge["plan_digest"]
    assert sorted(entry["amount"] for entry in receipt["ledger"]) == [-14_265_493, 14_265_493]
    assert {entry["kind"] for entry in receipt["history"]} >= {"merge_confirmed", "merge_executed", "card_merged"}
    head = (await phone.get("/v1/cards")).json()["head"]
    assert receipt["head"] == head
    assert receipt["participant"] == {
        "participant_id": str(person.participant_id),
        "name": "Dwi Nuraéni Łukasz Дмитрий",
        "nik_last4": person.nik[-4:],
    }


async def test_a_strangers_receipt_is_unknown(api: httpx.AsyncClient, database: Database, cool_off: Settle) -> None:
    _, phone, merge = await dwi_with_a_proposal(api, database)
    await phone.confirm(merge)
    await cool_off()
    stranger = await Phone(api).enrol(await add_person(database))
    answer = await stranger.get(f"/v1/merges/{merge['id']}/receipt")
    assert (answer.status_code, answer.json()["code"]) == (404, "merge_unknown")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", JOSE),
        (JOSE, JOSE),
        (PDF, PDF),
        ("text/html, application/pdf;q=0.9", PDF),
        (f"{PDF};q=0.5, {JOSE}", JOSE),
        (f"{PDF};q=nonsense", JOSE),
    ],
)
async def test_it_comes_as_it_is_asked_for(
    api: httpx.AsyncClient, database: Database, cool_off: Settle, accept: str, media_type: str
) -> None:
    _, phone, merge = await dwi_with_a_proposal(api, database)
    await phone.confirm(merge)
    await cool_off()
    answer = await phone.get(f"/v1/merges/{merge['id']}/receipt", headers={"accept": accept})
    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(b"%PDF-" if media_type == PDF else b'{"payload":')


async def test_an_undone_merge_has_both_acts_in_its_receipt(
    api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person, phone, merge = await dwi_with_a_proposal(api, database)
    await phone.confirm(merge)
    await cool_off()
    survivor = msgspec.structs.replace(person, cards={person.kpjs[1]: person.cards[person.kpjs[1]]})
    await post_contribution(database, survivor, amount=324_373)
    assert (await phone.undo(merge["id"])).status_code == 200

    answer = await phone.get(f"/v1/merges/{merge['id']}/receipt")
    keys = (await api.get("/.well-known/jwks.json")).json()
    assert any("undo: the phone" in line for line in verify("receipt", answer.content, keys))
    receipt = payload_of(answer.content)
    assert [act["action"] for act in receipt["acts"]] == ["merge", "undo"]
    assert receipt["merge"]["state"] == "undone"
    assert {entry["kind"] for entry in receipt["ledger"]} == {"merge_out", "merge_in", "undo_out", "undo_in"}
    assert verify("history", (await phone.get("/v1/me/export")).content, keys)
    pdf = await phone.get(f"/v1/merges/{merge['id']}/receipt", headers={"accept": PDF})
    assert pdf.status_code == 200


@pytest.mark.parametrize("disputed", [False, True])
async def test_a_merge_accepted_afterwards_has_a_receipt(
    api: httpx.AsyncClient, feed: httpx.AsyncClient, database: Database, settle_due: Settle, *, disputed: bool
) -> None:
    reported = await reported_merge(api, database, Core(feed, database))
    path = f"/v1/merges/{reported.merge_id}/receipt"
    keys = (await api.get("/.well-known/jwks.json")).json()
    assert (await reported.phone.get(path)).json()["code"] == "receipt_not_yet"
    assert verify("history", (await reported.phone.get("/v1/me/export")).content, keys)
    if disputed:
        await reported.dispute()
        assert verify("history", (await reported.phone.get("/v1/me/export")).content, keys)
    await reported.accept(await reported.plan())
    await settle_due()
    answer = await reported.phone.get(path)
    assert verify("receipt", answer.content, keys)
    assert [act["action"] for act in payload_of(answer.content)["acts"]] == ["accept"]
    assert verify("history", (await reported.phone.get("/v1/me/export")).content, keys)


async def test_the_page_is_the_same_bytes_each_time_and_carries_the_receipt(
    api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    _, phone, merge = await dwi_with_a_proposal(api, database)
    await phone.confirm(merge)
    await cool_off()
    receipt = (await phone.get(f"/v1/merges/{merge['id']}/receipt")).content
    page = draw_receipt(payload_of(receipt), receipt)
    assert page == draw_receipt(payload_of(receipt), receipt)
    assert receipt in page, "the attachment is the receipt itself"
    assert b"+NotoSans" in page, "letters of every name are in the page"
