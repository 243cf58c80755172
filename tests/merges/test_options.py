"""What the options say beforehand is what the plan, the refusal, the confirmation and the execution say."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from tests.conftest import Database
from tests.feed.conftest import Core, claim
from tests.merges.conftest import Settle
from tests.people import NewCard, Phone, add_person, days_ago

JP = ("JHT", "JP", "JKK", "JKM")
OLD = NewCard(balance=9_000_000, opened_on=date(2013, 3, 1), programmes=JP)
NEW = NewCard(
    balance=9_910_352,
    status="active",
    opened_on=date(2019, 2, 1),
    programmes=JP,
    employer_id="E-TUJUH",
    employer="PT Tujuh",
)
BPU = NewCard(balance=4_186_205, status="active", opened_on=date(2022, 1, 10), segment="BPU", employer_id=None)
ENDED = NewCard(balance=60_000_000, opened_on=date(2024, 1, 1), closed_on=days_ago(3))
JAKON = NewCard(programmes=("JKK", "JKM"), segment="JAKON", status="active", employer_id=None)


def codes(items: list[dict[str, Any]]) -> list[str]:
    return [item["code"] for item in items]


async def test_every_ordered_pair_is_set_side_by_side(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, OLD, NEW, ENDED, locale="en")
    phone = await Phone(api).enrol(person)
    options = (await phone.get("/v1/merges/options")).json()["options"]
    pairs = {(option["absorb"][0], option["into"]) for option in options if len(option["absorb"]) == 1}
    assert pairs == {(one, other) for one in person.kpjs for other in person.kpjs if one != other}
    old, new, _ = person.kpjs
    ways = {(*option["absorb"], option["into"]): option for option in options}
    right, wrong = ways[old, new], ways[new, old]
    assert codes(right["consequences"]) == [
        "app_claim_cap_crossed",
        "jp_months_stay",
        "late_contributions_follow",
        "next_contributions_from",
        "ten_year_membership_counts",
    ]
    assert codes(wrong["consequences"]) == [
        "app_claim_cap_crossed",
        "jp_months_stay",
        "late_contributions_follow",
        "next_contributions_from",
        "survivor_inactive",
    ]
    texts = {item["code"]: item["text"] for item in right["consequences"]}
    assert "PT Tujuh" in texts["next_contributions_from"]
    assert "Rp15.000.000" in texts["app_claim_cap_crossed"]
    for option in options:
        warned = [item for item in option["consequences"] if item["severity"] == "warning"]
        assert codes(option["warnings"]) == codes(warned)


@pytest.mark.parametrize(
    "cards",
    [(OLD, NEW), (NEW, OLD), (OLD, NEW, BPU), (ENDED, OLD), (BPU, ENDED, NEW), (OLD, ENDED, BPU)],
    ids=["right", "wrong way", "three", "none active", "two into the living", "two into the self-employed"],
)
async def test_options_plan_confirmation_and_execution_agree(
    api: httpx.AsyncClient, database: Database, cool_off: Settle, cards: tuple[NewCard, ...]
) -> None:
    person = await add_person(database, *cards)
    phone = await Phone(api).enrol(person)
    *absorb, into = person.kpjs
    asked = {"absorb": absorb, "into": into}
    option = (await phone.post("/v1/merges/options", asked, key="")).json()
    assert option["allowed"]
    merge = (await phone.post("/v1/merges", asked)).json()
    assert codes(option["consequences"]) == merge["plan"]["consequences"] == codes(merge["plan"]["texts"])
    assert codes(option["warnings"]) == merge["plan"]["to_acknowledge"]
    renewed = (await phone.post(f"/v1/merges/{merge['id']}/plan")).json()
    assert renewed["plan"] == merge["plan"]
    confirmed = await phone.confirm(renewed, acknowledged=codes(option["warnings"]))
    assert confirmed.status_code == 200, confirmed.text
    await cool_off()
    executed = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert (executed["state"], executed["last_refusal"]) == ("executed", None)
    assert executed["plan"] == merge["plan"]


async def test_a_refusal_gives_the_reasons_that_the_options_gave(
    api: httpx.AsyncClient, feed: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database, OLD, JAKON)
    old, jakon = person.kpjs
    await Core(feed, database).apply(claim("opened", old, 1_000, claim_id=f"C-{old}"))
    phone = await Phone(api).enrol(person)
    for absorb, into in ((old, jakon), (jakon, old)):
        asked = {"absorb": [absorb], "into": into}
        option = (await phone.post("/v1/merges/options", asked, key="")).json()
        refused = await phone.post("/v1/merges", asked)
        assert (refused.status_code, refused.json()["code"]) == (422, "merge_not_allowed")
        assert refused.json()["reasons"] == codes(option["reasons"]) == ["card_without_jht", "claim_pending"]
        assert not option["allowed"]
