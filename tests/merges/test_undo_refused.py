"""An undo that nobody proved, or that cannot give back what was, is refused and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx
import pytest

from app.local.servers import Postgres, Valkey
from app.merges.execute import settle
from app.platform.database import connect
from tests.answers import code
from tests.conftest import Apps, Database, settings_for
from tests.merges.conftest import Settle
from tests.merges.merged import NEW, OLD, TOTAL, Merged, jakarta, merge_cards
from tests.people import NewCard, Phone, add_person

Wait = Callable[[int], Awaitable[None]]


async def test_money_that_has_left_is_told_with_figures(maya: Merged) -> None:
    _, new = maya.person.kpjs
    before = await maya.plan()
    await maya.post(new, -2_000_000, day=1, kind="claim_payment")
    for refused in (await maya.phone.post(f"/v1/merges/{maya.id}/undo/plan"), await maya.phone.undo(maya.id, before)):
        assert code(refused) == (422, "undo_money_left")
        figures = refused.json()["figures"]
        assert (figures["kpj"], figures["left"], figures["balance"]) == (new, 2_000_000, TOTAL - 2_000_000)
        assert [(entry["kind"], entry["amount"]) for entry in figures["entries"]] == [("claim_payment", -2_000_000)]
    assert (await maya.phone.get(f"/v1/merges/{maya.id}")).json()["state"] == "executed"


async def test_new_money_after_the_plan_makes_it_stale_and_the_fresh_one_can_be_confirmed(maya: Merged) -> None:
    old, new = maya.person.kpjs
    shown = await maya.plan()
    await maya.post(new, 700, day=1, employer_id="E-OTOMOTIF", received_for_kpj=old)
    stale = await maya.phone.undo(maya.id, shown)
    assert code(stale) == (409, "merge_plan_stale")
    assert {"kpj": old, "field": "balance_after", "before": 14_265_493, "after": 14_266_193} in stale.json()["diff"]
    assert stale.json()["splits"][-1]["rule"] == "received_for"
    assert (await maya.cards())[old] == ("merged", 0)
    assert (await maya.phone.undo(maya.id, stale.json())).status_code == 200
    assert (await maya.cards())[old] == ("inactive", 14_266_193)


async def test_a_plan_that_was_never_shown_or_is_too_old_is_shown_again(maya: Merged, wait: Wait) -> None:
    shown = await maya.plan()
    never = await maya.phone.undo(maya.id, shown, plan_digest="0" * 64)
    assert code(never) == (409, "merge_plan_stale")
    of_the_merge = await maya.phone.undo(maya.id, maya.merge)
    assert code(of_the_merge) == (409, "merge_plan_stale")
    await wait(901)
    await maya.phone.refresh()
    old = await maya.phone.undo(maya.id, shown)
    assert (code(old), old.json()["diff"]) == ((409, "merge_plan_stale"), [])
    assert (await maya.phone.undo(maya.id, shown)).status_code == 200


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"purpose": "merge"}, (403, "proof_invalid")),
        ({"purpose": "accept"}, (403, "proof_invalid")),
        ({"version": 2}, (403, "proof_invalid")),
        ({"merge_id": "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"}, (403, "proof_invalid")),
        ({"device_id": "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"}, (403, "proof_invalid")),
        ({"nonce": "A" * 43}, (403, "proof_invalid")),
        ({"acknowledged": ["cards_come_back"]}, (422, "acknowledgement_missing")),
    ],
)
async def test_any_other_statement_is_refused(
    maya: Merged, overrides: dict[str, Any], expected: tuple[int, str]
) -> None:
    before = await maya.cards()
    assert code(await maya.phone.undo(maya.id, **overrides)) == expected
    assert await maya.cards() == before


async def test_challenges_of_other_purposes_and_merges_are_refused(maya: Merged) -> None:
    for purpose, subject in (("merge", maya.id), ("accept", maya.id), ("undo", "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f")):
        nonce = await maya.phone.challenge(purpose, subject)
        assert code(await maya.phone.undo(maya.id, nonce=nonce)) == (403, "proof_invalid")
    spent = await maya.phone.challenge("undo", maya.id)
    assert code(await maya.phone.undo(maya.id, nonce=spent, version=2)) == (403, "proof_invalid")
    assert code(await maya.phone.undo(maya.id, nonce=spent)) == (409, "challenge_spent")


async def test_a_key_on_hold_cannot_undo(maya: Merged) -> None:
    connection = await maya.database.connect()
    await connection.execute(
        "UPDATE devices SET hold_until = current_instant() + interval '1 day' WHERE device_id = $1",
        maya.phone.device_id,
    )
    await connection.close()
    assert code(await maya.phone.undo(maya.id)) == (403, "hold_in_force")


async def test_the_window_ends(fresh_apps: Apps, servers: tuple[Postgres, Valkey]) -> None:
    """Thirty days later, in a database of its own: the clock is everybody's."""
    person = await add_person(fresh_apps.database, OLD, NEW)
    phone = await Phone(fresh_apps.api).enrol(person)
    pool = await connect(fresh_apps.database.url("sepakat_worker"), size=1, application="test worker")

    async def wait_and_settle(seconds: int = 21) -> None:
        assert (await fresh_apps.api.post("/local/clock", json={"advance_s": seconds})).status_code == 200
        await settle(pool, settings_for(fresh_apps.database, servers[1], "sepakat_worker"))

    merge = await merge_cards(phone, [person.kpjs[0]], person.kpjs[1], wait_and_settle)
    merged = Merged(fresh_apps.database, person, phone, merge, jakarta(merge["executed_at"]))
    shown = await merged.plan()
    await wait_and_settle(30 * 86_400)
    phone.session = {}
    await phone.sign_in()
    for refused in (await phone.post(f"/v1/merges/{merged.id}/undo/plan"), await phone.undo(merged.id, shown)):
        assert code(refused) == (410, "undo_window_over")
        assert refused.json()["undo_until"] == merge["undo_until"]
    await pool.close()


async def test_only_an_executed_merge_is_undone(maya: Merged) -> None:
    old, new = maya.person.kpjs
    path = "/v1/merges/{}/undo/plan"
    assert (await maya.phone.undo(maya.id)).status_code == 200
    proposed = (await maya.phone.post("/v1/merges", {"absorb": [new], "into": old})).json()
    refused = await maya.phone.post(path.format(proposed["id"]))
    assert (code(refused), refused.json()["state"]) == ((409, "merge_not_executed"), "proposed")
    await maya.phone.post(f"/v1/merges/{proposed['id']}/cancel")
    assert code(await maya.phone.post(path.format(proposed["id"]))) == (409, "merge_closed")


async def test_a_stranger_sees_nothing(maya: Merged, api: httpx.AsyncClient) -> None:
    shown = await maya.plan()
    stranger = await Phone(api).enrol(await add_person(maya.database, name="Orang Lain"))
    assert code(await stranger.post(f"/v1/merges/{maya.id}/undo/plan")) == (404, "merge_unknown")
    assert code(await stranger.undo(maya.id, shown)) == (404, "merge_unknown")


async def test_a_claim_a_freeze_or_an_open_merge_stands_in_the_way(
    api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person = await add_person(database, OLD, NEW, NewCard(balance=7, opened_on=date(2015, 1, 1)))
    phone = await Phone(api).enrol(person)
    old, new, third = person.kpjs
    merge = await merge_cards(phone, [old], new, cool_off)
    path = f"/v1/merges/{merge['id']}/undo/plan"
    opened = (await phone.post("/v1/merges", {"absorb": [third], "into": new})).json()
    refused = await phone.post(path)
    assert (code(refused), refused.json()["merge_id"]) == ((409, "merge_already_open"), opened["id"])
    await phone.post(f"/v1/merges/{opened['id']}/cancel")

    merged = Merged(database, person, phone, merge, jakarta(merge["executed_at"]))
    await merged.change(new, "claim_opened", patch={"claim_id": "K-1"})
    assert code(await phone.post(path)) == (422, "claim_pending")
    await merged.change(new, "claim_withdrawn", patch={"claim_id": None})
    assert (await phone.post(path)).status_code == 200

    connection = await database.connect()
    await connection.execute(
        "UPDATE cards SET frozen_at = now() WHERE participant_id = $1 AND kpj = $2", person.participant_id, old
    )
    await connection.close()
    assert code(await phone.post(path)) == (422, "card_frozen")
