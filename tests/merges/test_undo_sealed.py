"""The API's role may ask the database for an undo. What it cannot make is the seal of the process that verified the proof.

And with a genuine seal it still moves only what came since the merge, and only as the confirmed plan says.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from app.merges.plan import Plan
from app.merges.undo_seal import pads, seal_undo
from tests.answers import code
from tests.conftest import SECRET
from tests.merges.insider import Insider
from tests.merges.merged import Merged


@pytest_asyncio.fixture
async def insider(maya: Merged) -> AsyncIterator[Insider]:
    """Knows of two contributions since the merge: one of the old card's, and one of the new one's."""
    old, new = maya.person.kpjs
    await maya.post(new, 1_000, day=1, employer_id="E-GARMEN", received_for_kpj=old)
    await maya.post(new, 9_000, day=1, employer_id="E-OTOMOTIF")
    connection = await maya.database.connect("sepakat_api", entering=maya.person.participant_id)
    yield Insider(maya, connection, await maya.plan())
    await connection.close()


async def test_what_is_not_sealed_is_not_undone(insider: Insider) -> None:
    before = await insider.merged.cards()
    assert await insider.refused(seal=bytes(32)) == "undo_is_sealed"
    other_secret = seal_undo("another secret, longer than thirty-two characters", b"x")
    assert await insider.refused(seal=other_secret) == "undo_is_sealed"
    for member, value in {
        "purpose": "merge",
        "version": 2,
        "device_id": str(uuid4()),
        "merge_id": str(uuid4()),
        "plan_digest": "0" * 64,
        "acknowledged": ["growth_is_shared"],
        "nonce": "A" * 43,
        "one_more": 1,
    }.items():
        assert await insider.refused(**{member: value}) == "undo_is_sealed", member
    assert await insider.merged.cards() == before
    async with insider.connection.transaction():
        await insider.undo()
    assert (await insider.merged.cards())[insider.merged.person.kpjs[0]] == ("inactive", 14_266_493)


@pytest.mark.parametrize("state", ["removed_at = current_instant()", "hold_until = current_instant() + interval '1 s'"])
async def test_a_key_that_is_gone_or_on_hold_undoes_nothing(insider: Insider, state: str) -> None:
    superuser = await insider.merged.database.connect()
    device = UUID(insider.merged.phone.device_id)
    cause = "(SELECT record_cause(participant_id, 'participant', 'tests'))"
    await superuser.execute(f"UPDATE devices SET {state}, cause_id = {cause} WHERE device_id = $1", device)
    await superuser.close()
    assert await insider.refused() == "undo_is_sealed"


def replace_card(plan: Plan, index: int, **change: Any) -> Plan:
    cards = list(plan.cards)
    cards[index] = msgspec.structs.replace(cards[index], **change)
    return msgspec.structs.replace(plan, cards=cards)


CHANGED_PLANS: dict[str, Callable[[Plan], Plan]] = {
    "action": lambda plan: msgspec.structs.replace(plan, action="merge"),
    "merge": lambda plan: msgspec.structs.replace(plan, merge_id=uuid4()),
    "one card less": lambda plan: msgspec.structs.replace(plan, cards=plan.cards[:1]),
    "role": lambda plan: replace_card(plan, 0, role="survivor"),
    "status before": lambda plan: replace_card(plan, 0, status_before="inactive"),
    "status after": lambda plan: replace_card(plan, 0, status_after="active"),
    "balance before": lambda plan: replace_card(plan, 1, balance_before=1),
    "balance after": lambda plan: replace_card(plan, 0, balance_after=plan.cards[0].balance_after + 1),
    "total before": lambda plan: msgspec.structs.replace(plan, total_before=plan.total_before + 1),
    "total after": lambda plan: msgspec.structs.replace(plan, total_after=plan.total_after - 1),
    "acknowledgement": lambda plan: msgspec.structs.replace(plan, to_acknowledge=["growth_is_shared"]),
}


@pytest.mark.parametrize("name", CHANGED_PLANS)
async def test_a_plan_that_is_not_the_cards_is_not_executed(insider: Insider, name: str) -> None:
    assert await insider.refused(plan=CHANGED_PLANS[name](insider.plan)) == "plan_equals_the_cards"


async def test_splits_take_only_what_came_since_the_merge(insider: Insider) -> None:
    """Each with a plan to match, so that nothing but the lineage stands in the way."""
    rows = await insider.connection.fetch(
        "SELECT entry_id, kind, amount FROM ledger_entries WHERE participant_id = $1",
        insider.merged.person.participant_id,
    )
    entry_ids = {(row["kind"], row["amount"]): str(row["entry_id"]) for row in rows}
    brought, late = insider.splits
    cases = {
        "not all that was brought": [brought | {"amount": brought["amount"] - 1}, late],
        "brought under another rule": [brought | {"rule": "employer"}, late],
        "more than the entry": [brought, late | {"amount": 1_001}],
        "from before the merge": [brought, late | {"entry_id": entry_ids["opening", 9_910_352]}],
        "the other way": [
            brought,
            late,
            late | {"entry_id": entry_ids["contribution", 9_000], "amount": -1, "rule": "employer"},
        ],
        "to the survivor": [
            brought,
            late | {"to_card": str(insider.merged.person.cards[insider.merged.person.kpjs[1]].card_id)},
        ],
    }
    for name, splits in cases.items():
        old = str(insider.merged.person.cards[insider.merged.person.kpjs[0]].card_id)
        back = sum(split["amount"] for split in splits if split["to_card"] == old)
        left = sum(split["amount"] for split in splits)
        plan = replace_card(insider.plan, 0, balance_after=back)
        plan = replace_card(plan, 1, balance_after=plan.cards[1].balance_before - left)
        assert await insider.refused(plan=plan, splits=copy.deepcopy(splits)) == "undo_follows_the_lineage", name


async def test_a_claim_and_a_window_hold_against_sql_too(insider: Insider) -> None:
    merged = insider.merged
    new = merged.person.kpjs[1]
    await merged.change(new, "claim_opened", patch={"claim_id": "K-1"})
    assert await insider.refused() == "merge_can_be_undone"
    await merged.change(new, "claim_withdrawn", patch={"claim_id": None})
    superuser = await merged.database.connect()
    transaction = superuser.transaction()
    await transaction.start()
    await superuser.execute("UPDATE local_clock SET ahead = ahead + interval '30 days'")
    insider.connection, api = superuser, insider.connection
    assert await insider.refused() == "merge_can_be_undone"
    await transaction.rollback()
    await superuser.close()
    insider.connection = api


async def test_money_that_left_holds_against_sql_too(insider: Insider) -> None:
    new = insider.merged.person.kpjs[1]
    await insider.merged.post(new, -1, day=1, kind="claim_payment")
    survivor = insider.plan.cards[1]
    plan = replace_card(
        insider.plan, 1, balance_before=survivor.balance_before - 1, balance_after=survivor.balance_after - 1
    )
    total = insider.plan.total_before - 1
    plan = msgspec.structs.replace(plan, total_before=total, total_after=total)
    assert await insider.refused(plan=plan) == "undo_follows_the_lineage"


async def test_money_that_moves_after_the_undo_in_its_transaction_undoes_it(insider: Insider) -> None:
    merged = insider.merged
    superuser = await merged.database.connect()
    transaction = superuser.transaction()
    await transaction.start()
    insider.connection, api = superuser, insider.connection
    await insider.undo()
    await superuser.execute(
        """SELECT apply_changes(ARRAY[ROW($1, $2, record_cause($1, 'core', 'insider'), 'growth_credited', 'growth', 5,
        current_date, NULL, NULL, 2026, NULL, NULL, NULL, NULL, NULL)::card_change])""",
        merged.person.participant_id,
        merged.person.cards[merged.person.kpjs[0]].card_id,
    )
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await transaction.commit()
    assert refused.value.constraint_name == "execution_equals_the_confirmed_plan"
    await superuser.close()
    insider.connection = api
    assert (await merged.cards())[merged.person.kpjs[0]] == ("merged", 0)


async def test_a_pause_stops_undos_too(insider: Insider) -> None:
    superuser = await insider.merged.database.connect()
    insider.connection, api = superuser, insider.connection
    transaction = superuser.transaction()
    await transaction.start()
    await superuser.execute("INSERT INTO merge_pause (since, reason) VALUES (now(), 'a test')")
    assert await insider.refused() == "merges_are_paused"
    await transaction.rollback()
    await superuser.close()
    insider.connection = api


async def test_a_database_that_knows_another_secret_undoes_nothing_and_says_so(maya: Merged) -> None:
    shown = await maya.plan()
    worker = await maya.database.connect("sepakat_worker")
    try:
        await worker.execute(
            "SELECT keep_undo_seal($1, $2)", *pads("another secret, longer than thirty-two characters")
        )
        refused = await maya.phone.undo(maya.id, shown)
        assert (code(refused), refused.headers["retry-after"]) == ((503, "undo_unavailable"), "5")
    finally:
        await worker.execute("SELECT keep_undo_seal($1, $2)", *pads(SECRET))
        await worker.close()
    assert (await maya.phone.undo(maya.id, shown)).status_code == 200
