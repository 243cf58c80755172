"""What SQL can do about a merged card, in every role: nothing, and the refusal has a name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Database
from tests.merges.conftest import Settle
from tests.merges.insider import Insider
from tests.merges.merged import Merged, merge_cards
from tests.people import NewCard, Phone, add_person

ROLES = ("sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_operator", "postgres")
DENIED = {"42501", "25006"}  # insufficient_privilege; read_only_sql_transaction for the operator

CLEAR = "UPDATE cards SET merge_mark = NULL, merge_id = NULL, merged_into = NULL, merged_at = NULL, merged_via = NULL"
BY_HAND = {
    "clear the mark": (f"{CLEAR} WHERE participant_id = $1", "card_merges_only_by_its_confirmed_plan"),
    "lead elsewhere": (
        "UPDATE cards SET merged_via = merged_via || gen_random_uuid() WHERE participant_id = $1 AND merge_mark = 'merged'",
        "card_merges_only_by_its_confirmed_plan",
    ),
    "undo execution": (
        """INSERT INTO merge_executions SELECT participant_id, merge_id, 'undo', plan_digest, confirmation_id, now(),
        pg_current_xact_id() FROM merge_executions WHERE participant_id = $1""",
        "executions_by_function_only",
    ),
    "state undone": (
        "UPDATE merges SET state = 'undone', closed_at = now() WHERE participant_id = $1",
        "merge_executes_with_its_confirmation",
    ),
    "split": (
        """INSERT INTO undo_splits SELECT l.participant_id, l.transfer_id, l.entry_id, l.card_id, l.card_id, 5, 'employer'
        FROM ledger_entries AS l WHERE l.participant_id = $1 AND l.kind = 'merge_in'""",
        "splits_by_function_only",
    ),
    "undo leg": (
        """INSERT INTO ledger_entries (participant_id, card_id, number, kind, amount, balance_after, effective_on, recorded_at,
        transfer_id, cause_id) SELECT participant_id, card_id, 99, 'undo_in', 5, 5, current_date, now(), transfer_id, cause_id
        FROM ledger_entries WHERE participant_id = $1 AND kind = 'merge_in'""",
        "ledger_by_function_only",
    ),
    "own key": (
        "INSERT INTO undo_seals SELECT true, x, x FROM decode(repeat('00', 64), 'hex') AS y (x) WHERE $1::uuid IS NOT NULL",
        "undo_seals_by_function_only",
    ),
}


async def attempt(maya: Merged, role: str, sql: str, *values: Any) -> tuple[str, str | None]:
    """SQLSTATE and constraint with which `sql` is refused, at the latest at commit. Fails when it is not."""
    connection = await maya.database.connect(role, entering=maya.person.participant_id)
    try:
        with pytest.raises(asyncpg.PostgresError) as refused:
            async with connection.transaction():
                await connection.execute(sql, *values)
        return refused.value.sqlstate, getattr(refused.value, "constraint_name", None)
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ROLES)
async def test_nobody_takes_a_merge_back_by_hand(maya: Merged, role: str) -> None:
    before = await maya.cards()
    for name, (sql, constraint) in BY_HAND.items():
        sqlstate, refused_as = await attempt(maya, role, sql, maya.person.participant_id)
        # the core takes no step of an executed merge: refused before its execution is asked for
        expected = "merge_step_is_known" if (role, name) == ("sepakat_feed", "state undone") else constraint
        assert refused_as == expected or (role != "postgres" and sqlstate in DENIED), (name, sqlstate, refused_as)
    assert await maya.cards() == before


@pytest.mark.parametrize("role", ROLES[:4])
async def test_only_the_api_asks_for_an_undo_and_only_the_worker_tells_the_key(maya: Merged, role: str) -> None:
    undo = "SELECT undo_merge($1, $2, gen_random_uuid(), decode(repeat('00', 32), 'hex'), '[]')"
    sqlstate, constraint = await attempt(maya, role, undo, maya.person.participant_id, maya.id)
    assert constraint == "undo_is_sealed" if role == "sepakat_api" else sqlstate in DENIED
    if role != "sepakat_worker":
        assert (await attempt(maya, role, "SELECT keep_undo_seal($1, $1)", bytes(64)))[0] in DENIED
    for sql in ("SELECT * FROM undo_seals", "SELECT is_sealed_undo(NULL, NULL)"):
        assert (await attempt(maya, role, sql))[0] in DENIED


async def test_the_undo_of_one_merge_clears_no_mark_of_another(bayu: tuple[Merged, Merged]) -> None:
    """A stands in B by the first merge, and was forwarded by the second: only the first one's undo brings it back."""
    first, second = bayu
    a = first.person.cards[first.person.kpjs[0]].card_id
    shown = await second.plan()
    superuser = await first.database.connect()
    for sql in (
        f"{CLEAR} WHERE card_id = $1",
        "UPDATE cards SET merged_into = (SELECT into_card FROM merges WHERE merge_id = $2) WHERE card_id = $1",
    ):
        transaction = superuser.transaction()
        await transaction.start()
        await Insider(second, superuser, shown).undo()
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await superuser.execute(sql, a, *([UUID(second.id)] if "$2" in sql else []))
        assert refused.value.constraint_name == "card_merges_only_by_its_confirmed_plan"
        await transaction.rollback()
    await superuser.close()
    assert (await second.phone.undo(second.id, shown)).status_code == 200


async def test_the_execution_of_one_merge_clears_no_mark_of_another(
    database: Database, maya: Merged, cool_off: Settle, wait: Callable[[int], Any]
) -> None:
    person = await add_person(database, NewCard(balance=5), NewCard(balance=6), NewCard(balance=7, status="active"))
    phone = await Phone(maya.phone.api).enrol(person)
    a, b, c = person.kpjs
    await merge_cards(phone, [a], b, cool_off)
    later = (await phone.post("/v1/merges", {"absorb": [b], "into": c})).json()
    assert (await phone.confirm(later)).status_code == 200
    await wait(21)
    superuser = await database.connect()
    for card in (a, b):
        transaction = superuser.transaction()
        await transaction.start()
        window = timedelta(days=30)
        await superuser.execute("SELECT execute_merge($1, $2, $3)", person.participant_id, later["id"], window)
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await superuser.execute(f"{CLEAR} WHERE card_id = $1", person.cards[card].card_id)
        assert refused.value.constraint_name == "card_merges_only_by_its_confirmed_plan"
        await transaction.rollback()
    await superuser.close()
    await cool_off()
