"""A confirmation is of one plan, purpose, merge, device and moment: whatever else is signed or sent is refused."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.answers import code
from tests.conftest import Database
from tests.merges.conftest import Settle
from tests.merges.merged import NEW, OLD, merge_cards
from tests.people import NewCard, Person, Phone, add_person

PURPOSES = ("sign_in", "merge", "undo", "accept", "unlock", "add_key", "remove_key", "change_contact")


@pytest.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, OLD, NEW, NewCard(balance=5), NewCard(balance=6))


@pytest.fixture
async def phone(api: httpx.AsyncClient, dwi: Person) -> Phone:
    return await Phone(api).enrol(dwi)


async def propose(phone: Phone, person: Person) -> dict[str, Any]:
    answer = await phone.post("/v1/merges", {"absorb": person.kpjs[:1], "into": person.kpjs[1]})
    assert answer.status_code == 201, answer.text
    merge: dict[str, Any] = answer.json()
    return merge


def mutations(plan: Any) -> Iterator[tuple[str, Any]]:
    """Every leaf of the plan changed, left out, and of another type; every list longer, shorter and turned round."""
    for path, value in list(leaves(plan, ())):
        for changed in changes(value):
            yield f"{path} = {changed!r}", replace(plan, path, changed)
        if isinstance(path[-1], str):
            yield f"{path} left out", replace(plan, path, ..., drop=True)
    yield "another member", plan | {"hidden": 0}


def leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if path:
        yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from leaves(part, (*path, name))


def changes(value: Any) -> list[Any]:
    match value:
        case int():
            return [value + 1, value - 1, -value - 1, str(value), None]
        case str():
            return [value + "x", "", value[::-1] if value != value[::-1] else value + value, None]
        case list():
            return [[*value, "x"], value[:-1] or ["x"], [*reversed(value)] if len(value) > 1 else [value]]
        case _:
            return [None]


def replace(plan: Any, path: tuple[Any, ...], changed: Any, *, drop: bool = False) -> Any:
    mutated = copy.deepcopy(plan)
    part = mutated
    for name in path[:-1]:
        part = part[name]
    if drop:
        del part[path[-1]]
    else:
        part[path[-1]] = changed
    return mutated


def canonical(plan: Any) -> bytes:
    """RFC 8785 for what stands in plans: ASCII and integers."""
    return json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


async def test_every_single_change_of_a_plan_after_it_was_shown_is_refused(
    phone: Phone, dwi: Person, database: Database
) -> None:
    merge = await propose(phone, dwi)
    connection = await database.connect()
    stored = await connection.fetchval("SELECT canonical FROM merge_plans WHERE plan_digest = $1", merge["plan_digest"])
    await connection.close()
    plan = json.loads(stored)
    assert canonical(plan) == stored, "what was stored is read here as it was written"
    assert {name: merge["plan"][name] for name in plan} == plan, "what is digested was shown"
    tried = 0
    nonce = await phone.challenge("merge", merge["id"])
    for what, mutated in mutations(plan):
        digest = hashlib.sha256(canonical(mutated)).hexdigest()
        assert digest != merge["plan_digest"], what
        answer = await phone.confirm(merge, plan_digest=digest, nonce=nonce)
        assert code(answer) == (409, "merge_plan_stale"), f"{what}: {answer.text}"
        assert answer.json()["plan_digest"] == merge["plan_digest"], "the plan that holds is another, and is shown"
        tried += 1
    assert tried > 100
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "proposed"
    assert (await phone.confirm(merge, nonce=nonce)).status_code == 200, "untouched, it passes"


async def test_what_is_signed_is_what_is_sent(phone: Phone, dwi: Person, api: httpx.AsyncClient) -> None:
    merge = await propose(phone, dwi)
    other = await Phone(api, "Ponsel lain").enrol(dwi)
    honest: dict[str, Any] = {
        "version": 1,
        "purpose": "merge",
        "device_id": phone.device_id,
        "merge_id": merge["id"],
        "plan_digest": merge["plan_digest"],
        "acknowledged": sorted(merge["plan"]["to_acknowledge"]),
    }
    forged: list[dict[str, Any]] = [
        {"version": 2},
        *({"purpose": purpose} for purpose in PURPOSES if purpose != "merge"),
        {"device_id": other.device_id},
        {"merge_id": other.device_id},
        {"plan_digest": "0" * 64},
        {"acknowledged": []},
        {"acknowledged": [*honest["acknowledged"], "x"]},
        {"nonce": "A" * 43},
        {"more": 1},
    ]
    for change in forged:
        nonce = await phone.challenge("merge", merge["id"])
        body = {name: honest[name] for name in ("plan_digest", "acknowledged")} | {"nonce": nonce}
        signed = honest | {"nonce": nonce} | change
        if signed == honest | {"nonce": nonce}:
            continue  # nothing was to be acknowledged, and nothing is
        answer = await phone.post(f"/v1/merges/{merge['id']}/confirmation", body | {"proof": phone.proof(signed)})
        assert code(answer) == (403, "proof_invalid"), (change, answer.text)
        again = await phone.confirm(merge, nonce=nonce)
        assert code(again)[1] == "challenge_spent", "no nonce is ever tried twice"
    mine = honest | {"nonce": await phone.challenge("merge", merge["id"])}
    body = {name: mine[name] for name in ("plan_digest", "acknowledged", "nonce")}
    for proof in (
        phone.proof(mine) | {"device_id": other.device_id},
        {"type": "device_key", "device_id": phone.device_id, "signature": other.sign(mine)},
        other.proof(mine | {"device_id": other.device_id}),
    ):
        body["nonce"] = mine["nonce"] = await phone.challenge("merge", merge["id"])
        answer = await phone.post(f"/v1/merges/{merge['id']}/confirmation", body | {"proof": proof})
        assert code(answer) == (403, "proof_invalid"), answer.text
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "proposed"


async def test_a_nonce_of_one_purpose_or_subject_or_person_opens_no_other(
    phone: Phone, dwi: Person, api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    done = await merge_cards(phone, [dwi.kpjs[2]], dwi.kpjs[3], cool_off)
    await phone.sign_in()
    merge = await propose(phone, dwi)
    card_id = dwi.cards[dwi.kpjs[0]].card_id
    stranger = await add_person(database, OLD)
    theirs = await Phone(api).enrol(stranger)
    undo = (await phone.post(f"/v1/merges/{done['id']}/undo/plan")).json()
    ids = {"merge": merge["id"], "undo": done["id"], "unlock": str(card_id), "remove_key": phone.device_id}
    tried = 0
    for target, subject in ids.items():
        nonces = [
            await phone.challenge(purpose, None if purpose == "sign_in" else subject)
            for purpose in PURPOSES
            if purpose != target
        ]
        nonces += [await phone.challenge(target, wrong) for wrong in ids.values() if wrong != subject]
        nonces += [await theirs.challenge(target, subject), "A" * 43]
        for nonce in nonces:
            if target == "merge":
                answer = await phone.confirm(merge, nonce=nonce)
            elif target == "undo":
                answer = await phone.undo(done["id"], undo, nonce=nonce)
            else:
                path = f"/v1/cards/{card_id}/lock" if target == "unlock" else f"/v1/devices/{subject}"
                answer = await phone.delete(path, await phone.prove(target, subject, nonce=nonce))
            assert code(answer) == (403, "proof_invalid"), (target, answer.text)
            tried += 1
    assert tried >= 40
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "proposed"
    assert (await phone.get(f"/v1/merges/{done['id']}")).json()["state"] == "executed"
    assert (await phone.confirm(merge)).status_code == 200
