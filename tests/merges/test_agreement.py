"""Whatever cards somebody holds: options, proposal, plan, confirmation and execution say the same of them."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Database
from tests.feed.conftest import Core, claim
from tests.merges.conftest import Settle
from tests.people import NewCard, Person, Phone, add_person, days_ago

EMPLOYERS = [("E-SATU", "PT Satu"), ("E-DUA", "PT Dua")]


class Held(msgspec.Struct, frozen=True):
    """A card, and what happened to it: `claim` under way, `partial` claim paid, `lock`, or nothing."""

    card: NewCard
    happened: str


@st.composite
def held_cards(draw: st.DrawFn) -> list[Held]:
    """Two to four cards as the core may tell of them."""
    found = []
    for _ in range(draw(st.integers(2, 4))):
        status = draw(st.sampled_from(["active", "inactive", "inactive", "arrears", "pending"]))
        jht = draw(st.integers(0, 5)) > 0
        balance = draw(st.sampled_from([0, 9_000_000, 15_000_000, 15_000_001, 50_000_001]) | st.integers(0, 60_000_000))
        employer_id, employer = draw(st.sampled_from(EMPLOYERS))
        card = NewCard(
            status=status,
            balance=balance if jht else 0,
            programmes=(("JHT",) if jht else ()) + draw(st.sampled_from([("JKK", "JKM"), ("JP", "JKK")])),
            opened_on=draw(st.dates(date(2000, 1, 1), date(2024, 1, 1))),
            closed_on=draw(st.sampled_from([days_ago(3), days_ago(400)])) if status == "inactive" else None,
            employer_id=employer_id,
            employer=employer,
        )
        happened = draw(st.sampled_from(["", "", "", "", "claim", "partial", "lock"]))
        found.append(Held(card, happened if card.balance > 1 or happened == "lock" else ""))
    return found


async def hold(api: httpx.AsyncClient, feed: httpx.AsyncClient, database: Database, held: list[Held]) -> Phone:
    person = await add_person(database, *(one.card for one in held), locale="en")
    phone = await Phone(api).enrol(person)
    for kpj, one in zip(person.kpjs, held, strict=True):
        await _happen(phone, Core(feed, database), person, kpj, one.happened)
    return phone


async def _happen(phone: Phone, core: Core, person: Person, kpj: str, happened: str) -> None:
    if happened == "lock":
        assert (await phone.put(f"/v1/cards/{person.cards[kpj].card_id}/lock", None)).is_success
    elif happened:
        claim_id = f"C-{uuid4().hex[:20]}"
        kind = "ten_percent" if happened == "partial" else "full"
        await core.apply(claim("opened", kpj, 1, claim_id=claim_id, kind=kind))
        if happened == "partial":
            await core.apply(claim("paid", kpj, 1, claim_id=claim_id, kind=kind))


def codes(items: list[dict[str, Any]]) -> list[str]:
    return [item["code"] for item in items]


async def options_of(phone: Phone) -> dict[tuple[str, ...], dict[str, Any]]:
    """By the numbers absorbed, and last the one that stays."""
    options = (await phone.get("/v1/merges/options")).json()["options"]
    return {(*option["absorb"], option["into"]): option for option in options}


async def check_refused(phone: Phone, asked: dict[str, Any], option: dict[str, Any]) -> None:
    refused = await phone.post("/v1/merges", asked)
    told = refused.json()
    assert refused.status_code in (409, 422), refused.text
    reasons = codes(option["reasons"])
    assert reasons
    assert told["reasons"] == reasons if told["code"] == "merge_not_allowed" else [told["code"]] == reasons
    assert (await phone.get("/v1/merges")).json()["merges"] == []


async def check_carried_out(phone: Phone, asked: dict[str, Any], option: dict[str, Any], cool_off: Settle) -> None:
    proposed = await phone.post("/v1/merges", asked)
    assert proposed.status_code == 201, proposed.text
    merge = proposed.json()
    assert codes(option["consequences"]) == merge["plan"]["consequences"] == codes(merge["plan"]["texts"])
    assert codes(option["warnings"]) == merge["plan"]["to_acknowledge"]
    assert [text["severity"] for text in option["consequences"]] == [
        text["severity"] for text in merge["plan"]["texts"]
    ]
    renewed = (await phone.post(f"/v1/merges/{merge['id']}/plan")).json()
    assert renewed["plan"] == merge["plan"]
    warned = codes(option["warnings"])
    if warned:
        missing = await phone.confirm(renewed, acknowledged=warned[1:])
        assert (missing.status_code, missing.json()["codes"]) == (422, warned[:1])
    confirmed = await phone.confirm(renewed, acknowledged=warned)
    assert confirmed.status_code == 200, confirmed.text
    await cool_off()
    executed = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert (executed["state"], executed["last_refusal"], executed["plan"]) == ("executed", None, merge["plan"])


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(held=held_cards())
async def test_nobody_is_told_one_thing_and_done_another(
    api: httpx.AsyncClient, feed: httpx.AsyncClient, database: Database, cool_off: Settle, held: list[Held]
) -> None:
    phone = await hold(api, feed, database, held)
    listed = await options_of(phone)
    kpjs = sorted({ways[-1] for ways in listed})
    assert {ways for ways in listed if len(ways) == 2} == set(permutations(kpjs, 2))
    suggested = [option for option in listed.values() if option["recommended"]]
    assert len(suggested) <= 1
    chosen = suggested[0] if suggested else next(iter(listed.values()))
    everything = {"absorb": kpjs[:-1], "into": kpjs[-1]}
    for asked in ({"absorb": chosen["absorb"], "into": chosen["into"]}, everything):
        option = (await phone.post("/v1/merges/options", asked, key="")).json()
        ways = (*option["absorb"], option["into"])
        assert option == listed.get(ways, option), "judged alike in the list and by itself"
        if not option["allowed"]:
            await check_refused(phone, asked, option)
    if suggested:
        assert suggested[0]["allowed"]
        assert codes(suggested[0]["reasons"])[0].startswith("survivor_is_the_")
    allowed = next((option for option in (chosen, *listed.values()) if option["allowed"]), None)
    if allowed:
        await check_carried_out(phone, {"absorb": allowed["absorb"], "into": allowed["into"]}, allowed, cool_off)


@pytest.mark.parametrize("locale", ["id", "en"])
async def test_each_choice_of_a_survivor_says_in_ones_language_what_it_means_and_who_pays_next(
    api: httpx.AsyncClient, database: Database, locale: str
) -> None:
    person = await add_person(
        database,
        NewCard(balance=9_000_000, opened_on=date(2013, 3, 1)),
        NewCard(
            balance=9_000_000,
            status="active",
            opened_on=date(2019, 2, 1),
            employer_id="E-SATU",
            employer="PT Satu",
        ),
        locale=locale,
    )
    phone = await Phone(api).enrol(person)
    old, new = person.kpjs
    listed = await options_of(phone)
    for ways, warned in (
        ((old, new), {"app_claim_cap_crossed"}),
        ((new, old), {"app_claim_cap_crossed", "survivor_inactive"}),
    ):
        texts = {item["code"]: item["text"] for item in listed[ways]["consequences"]}
        assert "PT Satu" in texts["next_contributions_from"]
        assert "Rp15.000.000" in texts["app_claim_cap_crossed"]
        assert ("Saldo gabungan" if locale == "id" else "The joined balance") in texts["app_claim_cap_crossed"]
        assert set(codes(listed[ways]["warnings"])) == warned
    assert listed[old, new]["recommended"]
    assert codes(listed[old, new]["reasons"]) == ["survivor_is_the_active_card"]
