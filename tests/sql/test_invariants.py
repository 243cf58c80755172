"""The three promises as facts of the database: what every role tries by SQL, and the name under which it is refused.

Single rows, bulk statements and COPY; the roles that the product uses, and, where a trigger stands guard, a superuser too.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.conftest import Apps, Database
from tests.people import NewCard, Person, Phone, add_person

PRODUCT_ROLES = ("sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_staff", "sepakat_operator")
DENIED = {"42501", "25006"}  # insufficient_privilege; read_only_sql_transaction for the operator


class Story:
    """Dwi with two cards, and a merge that she has confirmed but that is not due yet."""

    def __init__(self, database: Database, person: Person, merge: dict[str, Any]) -> None:
        self.database, self.person, self.merge = database, person, merge

    @property
    def names(self) -> dict[str, Any]:
        old, new = self.person.cards.values()
        return {"p": self.person.participant_id, "old": old.card_id, "new": new.card_id, "m": self.merge["id"]}

    async def attempt(self, role: str, sql: str) -> tuple[str, str | None]:
        """SQLSTATE and constraint with which `sql` is refused, at the latest at commit. Fails when it is not."""
        connection = await self.database.connect(role, entering=self.person.participant_id)
        try:
            with pytest.raises(asyncpg.PostgresError) as refused:
                async with connection.transaction():
                    await connection.execute(sql.format_map(self.names))
            return refused.value.sqlstate, getattr(refused.value, "constraint_name", None)
        finally:
            await connection.close()

    async def state(self) -> list[Any]:
        """All that must stay as it is."""
        connection = await self.database.connect()
        rows = [
            [
                tuple(row)
                for row in await connection.fetch(f"SELECT * FROM {table} WHERE participant_id = $1", self.names["p"])
            ]
            for table in ("cards", "ledger_entries", "history", "history_data", "merges", "participant_heads", "outbox")
        ]
        await connection.close()
        return rows


@pytest_asyncio.fixture(scope="module")
async def story(apps: Apps) -> AsyncIterator[Story]:
    person = await add_person(
        apps.database,
        NewCard(balance=14_265_493, opened_on=date(2013, 3, 1)),
        NewCard(balance=9_910_352, status="active", opened_on=date(2019, 2, 1)),
    )
    phone = await Phone(apps.api).enrol(person)
    old, new = person.kpjs
    merge = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    assert (await phone.confirm(merge)).status_code == 200
    yield Story(apps.database, person, merge)


MERGE_BY_HAND = (
    "merge_mark = 'merged', merge_id = '{m}', merged_into = '{new}', merged_at = now(), merged_via = ARRAY['{m}'::uuid]"
)
EXECUTED_MERGE = """INSERT INTO merges (participant_id, merge_id, state, proposed_by, absorb, into_card, proposed_at, cause_id,
    plan_digest, confirmation_id, confirmed_at, executes_at, executed_at, undo_until)
    SELECT participant_id, gen_random_uuid(), 'executed', proposed_by, absorb, into_card, now(), cause_id,
    plan_digest, confirmation_id, now(), now(), now(), now() FROM merges WHERE merge_id = '{m}'"""

FORBIDDEN = {
    "status": "UPDATE cards SET status = 'merged' WHERE participant_id = '{p}'",
    "merge mark": f"UPDATE cards SET {MERGE_BY_HAND} WHERE participant_id = '{{p}}' AND card_id = '{{old}}'",
    "merge marks in bulk": f"UPDATE cards SET {MERGE_BY_HAND} WHERE participant_id = '{{p}}'",
    "a merged card": """INSERT INTO cards (participant_id, card_id, kpj, segment, programmes, opened_on, lifecycle, balance,
        merge_mark, merge_id, merged_into, merged_at, merged_via) VALUES ('{p}', gen_random_uuid(), '99999999998', 'PU',
        ARRAY['JHT'], '2020-01-01', 'active', 0, 'merged', '{m}', '{new}', now(), ARRAY['{m}'::uuid])""",
    "balance": "UPDATE cards SET balance = balance + 1 WHERE participant_id = '{p}'",
    "owner of a card": "UPDATE cards SET participant_id = gen_random_uuid() WHERE card_id = '{old}'",
    "delete cards": "DELETE FROM cards WHERE participant_id = '{p}'",
    "truncate cards": "TRUNCATE cards CASCADE",
    "merge into": "MERGE INTO cards USING (SELECT 1) AS x ON card_id = '{old}' WHEN MATCHED THEN UPDATE SET balance = 0",
    "upsert a card": """INSERT INTO cards (participant_id, card_id, kpj, segment, programmes, opened_on, lifecycle, balance)
        SELECT participant_id, card_id, kpj, segment, programmes, opened_on, lifecycle, balance FROM cards WHERE card_id = '{old}'
        ON CONFLICT (participant_id, card_id) DO UPDATE SET frozen_at = now()""",
    "ledger entry": """INSERT INTO ledger_entries (participant_id, card_id, number, kind, amount, balance_after, effective_on,
        recorded_at, cause_id) SELECT '{p}', '{old}', 99, 'growth', 5, 5, current_date, now(), cause_id FROM causes
        WHERE participant_id = '{p}' LIMIT 1""",
    "ledger update": "UPDATE ledger_entries SET amount = amount + 1 WHERE participant_id = '{p}'",
    "ledger delete": "DELETE FROM ledger_entries WHERE participant_id = '{p}'",
    "ledger truncate": "TRUNCATE ledger_entries",
    "history insert": """INSERT INTO history SELECT participant_id, seq + 1000, kind, NULL, merge_id, cause_id, occurred_at,
        recorded_at, wording, commitment, hash FROM history WHERE participant_id = '{p}'""",
    "history update": "UPDATE history SET kind = 'baseline' WHERE participant_id = '{p}'",
    "history delete": "DELETE FROM history WHERE participant_id = '{p}'",
    "history truncate": "TRUNCATE history CASCADE",
    "history data": """UPDATE history_data SET data = '{{}}' WHERE participant_id = '{p}'""",
    "history data delete": "DELETE FROM history_data WHERE participant_id = '{p}'",
    "head": "UPDATE participant_heads SET seq = 0 WHERE participant_id = '{p}'",
    "cause insert": """INSERT INTO causes SELECT participant_id, gen_random_uuid(), origin, actor, reason, merge_id, event_id,
        bulk, occurred_at, recorded_at, database_role, pg_current_xact_id() FROM causes WHERE participant_id = '{p}' LIMIT 1""",
    "cause update": "UPDATE causes SET actor = 'x', xact = pg_current_xact_id() WHERE participant_id = '{p}'",
    "cause delete": "DELETE FROM causes WHERE participant_id = '{p}'",
    "outbox insert": "INSERT INTO outbox SELECT 0, 0, '{p}', 999, cause_id FROM causes WHERE participant_id = '{p}' LIMIT 1",
    "confirmation update": "UPDATE confirmations SET acknowledged = '{{}}' WHERE participant_id = '{p}'",
    "confirmation delete": "DELETE FROM confirmations WHERE participant_id = '{p}'",
    "plan update": "UPDATE merge_plans SET canonical = '{{}}' WHERE participant_id = '{p}'",
    "plan delete": "DELETE FROM merge_plans WHERE participant_id = '{p}'",
    "executed merge": EXECUTED_MERGE,
    "state executed": """UPDATE merges SET state = 'executed', executed_at = now(), undo_until = now()
        WHERE participant_id = '{p}' AND merge_id = '{m}'""",
    "other cards": "UPDATE merges SET absorb = ARRAY['{new}'::uuid], into_card = '{old}' WHERE merge_id = '{m}'",
    "delete a merge": "DELETE FROM merges WHERE merge_id = '{m}'",
    "execution": """INSERT INTO merge_executions SELECT participant_id, merge_id, 'merge', plan_digest, confirmation_id, now(),
        pg_current_xact_id() FROM merges WHERE merge_id = '{m}'""",
    "open merge": "DELETE FROM open_merge_cards WHERE participant_id = '{p}'",
    "number": "UPDATE card_numbers SET card_id = '{new}' WHERE card_id = '{old}'",
    "number delete": "DELETE FROM card_numbers WHERE card_id = '{old}'",
    "swapped key": "UPDATE devices SET public_key = '{{}}' WHERE participant_id = '{p}'",
    "key delete": "DELETE FROM devices WHERE participant_id = '{p}'",
    "early execution": "SELECT execute_merge('{p}', '{m}', interval '30 days')",
}
BEYOND_PRODUCT_ROLES = {
    "disabled trigger": "ALTER TABLE cards DISABLE TRIGGER ALL",
    "replica role": "SET session_replication_role = replica",
    "act as writer": "SET ROLE sepakat_writer",
    "act as owner": "SET ROLE sepakat_owner",
    "drop a constraint": "ALTER TABLE cards DROP CONSTRAINT balance_is_not_negative",
    "own function": "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
    "own table": "CREATE TABLE public.mine (x int)",
    "internal money function": "SELECT post_entries(NULL)",
    "internal card function": "SELECT change_cards(NULL)",
    "internal history function": "SELECT append_history(NULL)",
    "trigger function on a temporary table": """CREATE TEMP TABLE t (LIKE cards);
        CREATE TRIGGER x AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION capture_unexplained_change()""",
    "the clock": "UPDATE local_clock SET ahead = '1 year'",
    "entry kinds": "UPDATE entry_kinds SET reach = 'silent'",
    "merge transitions": "INSERT INTO merge_transitions VALUES ('proposed', 'executed', 'merge_executed')",
}


@pytest.mark.parametrize("role", PRODUCT_ROLES)
async def test_product_roles_are_refused(story: Story, role: str) -> None:
    before = await story.state()
    refused = {name: await story.attempt(role, sql) for name, sql in FORBIDDEN.items()}
    named = {name for name, (sqlstate, constraint) in refused.items() if sqlstate in DENIED or constraint is not None}
    by_form = {name for name, (sqlstate, _) in refused.items() if sqlstate == "428C9"}  # status is a generated column
    assert named | by_form == set(FORBIDDEN), {name: refused[name] for name in set(FORBIDDEN) - named - by_form}
    assert await story.state() == before


@pytest.mark.parametrize("role", PRODUCT_ROLES)
async def test_product_roles_cannot_step_out_of_their_bounds(story: Story, role: str) -> None:
    for name, sql in BEYOND_PRODUCT_ROLES.items():
        if name == "the clock" and role == "sepakat_api":
            continue  # granted in local mode and in these tests only
        sqlstate, _ = await story.attempt(role, sql)
        assert sqlstate in DENIED, name


# What guards even where privileges do not: a superuser's hand-typed statement.
REFUSED_TO_SUPERUSERS = {
    # A card with money in it falls over its own constraint before the trigger is asked; an emptied one is tried below.
    "merge mark": "merged_card_is_empty",
    "merge marks in bulk": "merged_card_is_empty",
    "a merged card": "cards_are_opened_by_function",
    "balance": "balance_is_the_sum_of_its_entries",
    "owner of a card": "ledger_entries_participant_id_card_id_fkey",
    "delete cards": "cards_are_opened_by_function",
    "truncate cards": "cards_are_opened_by_function",
    "merge into": "balance_is_the_sum_of_its_entries",
    "upsert a card": "cards_are_opened_by_function",
    "ledger entry": "ledger_by_function_only",
    "ledger update": "ledger_is_append_only",
    "ledger delete": "ledger_is_append_only",
    "ledger truncate": "ledger_is_append_only",
    "history insert": "history_by_function_only",
    "history update": "history_is_append_only",
    "history delete": "history_is_append_only",
    "history truncate": "history_is_append_only",
    "history data": "history_data_is_append_only",
    "history data delete": "history_data_is_append_only",
    "head": "heads_by_function_only",
    "cause insert": "causes_by_function_only",
    "cause update": "causes_are_append_only",
    "cause delete": "causes_are_append_only",
    "outbox insert": "outbox_by_function_only",
    "confirmation update": "confirmations_are_append_only",
    "confirmation delete": "confirmations_are_append_only",
    "plan update": "plans_are_append_only",
    "plan delete": "plans_are_append_only",
    "executed merge": "confirmation_is_of_this_plan",
    "state executed": "merge_executes_with_its_confirmation",
    "other cards": "merge_keeps_its_cards",
    "delete a merge": "merges_are_kept",
    "execution": "executions_by_function_only",
    "open merge": "open_merge_cards_by_trigger_only",
    "number": "card_numbers_are_kept",
    "number delete": "card_numbers_are_kept",
    "swapped key": "keys_are_not_swapped",
    "key delete": "keys_are_kept",
    "early execution": "merge_is_due",
}


@pytest.mark.parametrize(("name", "constraint"), REFUSED_TO_SUPERUSERS.items())
async def test_guards_name_what_they_refuse_even_to_a_superuser(story: Story, name: str, constraint: str) -> None:
    before = await story.state()
    _, refused_as = await story.attempt("postgres", FORBIDDEN[name])
    assert refused_as == constraint
    assert await story.state() == before


async def test_an_empty_card_is_not_merged_by_hand_either(apps: Apps) -> None:
    person = await add_person(apps.database, NewCard(), NewCard())
    first, second = person.cards.values()
    superuser = await apps.database.connect()
    for setting in ("SET session_replication_role = origin", "SET session_replication_role = replica"):
        await superuser.execute(setting)
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await superuser.execute(
                """UPDATE cards SET merge_mark = 'merged', merge_id = gen_random_uuid(), merged_into = $2, merged_at = now(),
                merged_via = '{}' WHERE participant_id = $1 AND card_id = $3""",
                person.participant_id,
                second.card_id,
                first.card_id,
            )
        assert refused.value.constraint_name == "card_merges_only_by_its_confirmed_plan"
    await superuser.close()


@pytest.mark.parametrize("role", [*PRODUCT_ROLES, "postgres"])
@pytest.mark.parametrize("table", ["cards", "ledger_entries", "history", "causes", "merge_executions"])
async def test_copy_is_refused(story: Story, role: str, table: str) -> None:
    reader = await story.database.connect()
    columns = [
        row[0]
        for row in await reader.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND attgenerated = ''", table
        )
    ]
    rows = io.BytesIO()
    await reader.copy_from_query(
        f"SELECT {', '.join(columns)} FROM {table} WHERE participant_id = $1", story.names["p"], output=rows
    )
    await reader.close()
    if table == "merge_executions":
        rows = io.BytesIO(
            f"{story.names['p']}\t{story.names['m']}\tmerge\tx\t{story.names['m']}\t2026-01-01\t1\n".encode()
        )
    assert rows.getvalue()
    rows.seek(0)
    connection = await story.database.connect(role)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await connection.copy_to_table(table, source=rows, columns=columns)
    assert (
        refused.value.sqlstate in DENIED
        or str(getattr(refused.value, "constraint_name", "")).endswith("function_only")
        or (getattr(refused.value, "constraint_name", "") == "cards_are_opened_by_function")
    )
    await connection.close()


async def test_a_superuser_in_replica_role_still_meets_the_guards(story: Story) -> None:
    for name in ("balance", "ledger update", "history delete", "state executed", "execution"):
        _, constraint = await story.attempt(
            "postgres", "SET LOCAL session_replication_role = replica; " + FORBIDDEN[name]
        )
        assert constraint is not None, name


async def test_what_an_owner_changes_by_hand_is_told_to_the_participant(apps: Apps) -> None:
    person = await add_person(apps.database, NewCard(), NewCard(status="active"))
    superuser = await apps.database.connect()
    await superuser.execute("UPDATE cards SET lifecycle = 'arrears' WHERE participant_id = $1", person.participant_id)
    told = await superuser.fetch(
        """SELECT h.kind, c.origin, c.actor, d.data::jsonb ->> 'status_after' AS status, o.seq IS NOT NULL AS queued
        FROM history AS h JOIN causes AS c USING (participant_id, cause_id) JOIN history_data AS d USING (participant_id, seq)
        LEFT JOIN outbox AS o USING (participant_id, seq)
        WHERE participant_id = $1 ORDER BY seq DESC LIMIT 2""",
        person.participant_id,
    )
    assert [tuple(row) for row in told] == [("unexplained_change", "unexplained", "postgres", "arrears", True)] * 2
    await superuser.close()


async def test_an_entry_needs_a_cause_of_its_own_transaction(story: Story) -> None:
    _, constraint = await story.attempt(
        "sepakat_api",
        """SELECT add_note('{p}', (SELECT cause_id FROM causes WHERE participant_id = '{p}' LIMIT 1),
        'session_ended_for_reuse', '{{}}')""",
    )
    assert constraint == "cause_is_of_this_transaction"
    _, constraint = await story.attempt(
        "sepakat_api", "SELECT add_note('{p}', record_cause('{p}', 'participant', 'x'), 'merge_executed', '{{}}')"
    )
    assert constraint == "entry_goes_with_its_change"
    _, constraint = await story.attempt("sepakat_api", "SELECT record_cause('{p}', 'core', 'x')")
    assert constraint == "cause_origin_fits_role"


async def test_the_feed_cannot_merge_or_move_money_between_cards(story: Story) -> None:
    change = "ROW('{p}', '{old}', record_cause('{p}', 'core', 'x'), %s)::card_change"
    patch = change % (
        "'card_status_changed', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
        """jsonb_build_object('merge_mark', 'merged', 'merged_into', '{new}'), NULL"""
    )
    legs = (
        change % "'contribution_posted', 'merge_out', -5, current_date, NULL, NULL, NULL, NULL, '{m}', NULL, NULL, NULL"
    )
    for row in (patch, legs):
        _, constraint = await story.attempt("sepakat_feed", f"SELECT apply_changes(ARRAY[{row}])")
        assert constraint == "core_tells_only_its_own"


async def test_only_the_api_writes_confirmations(apps: Apps) -> None:
    """The API's role may insert confirmations: what it forges is in tests/merges/test_execute.py. No other role may."""
    for role in ("sepakat_worker", "sepakat_feed", "sepakat_operator"):
        connection = await apps.database.connect(role)
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute("INSERT INTO confirmations SELECT * FROM confirmations LIMIT 0")
        assert refused.value.sqlstate in DENIED
        await connection.close()


async def test_every_guard_is_always_on_and_every_definer_function_is_pinned_and_private(database: Database) -> None:
    connection = await database.connect()
    loose = await connection.fetch(
        """SELECT p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND (has_function_privilege('public', p.oid, 'EXECUTE')
            OR (p.prosecdef AND NOT coalesce(p.proconfig @> ARRAY['search_path=public, pg_temp'], false)))"""
    )
    assert [row["proname"] for row in loose] == []
    ordinary = await connection.fetch(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'A' ORDER BY tgname"
    )
    writers_of_history = {
        "acceptance_is_told",
        "acknowledgement_ends_climb",
        "another_time_zone_ends_rest",
        "card_is_queued_for_matching",
        "climb_goes_on_without_a_phone",
        "core_is_told",
        "growth_is_credited_once",  # no writer: an index of that name holds always, this one where no bulk round has looked
        "key_added_is_told",
        "key_removed_is_told",
        "key_renamed_is_told",
        "merge_delay_is_told",
        "merge_step_is_told",
        "new_merge_is_told",
        "other_quiet_hours_end_rest",
        "participant_is_queued_for_matching",
        "unexplained_change_is_captured",
        "unexplained_data_change_is_captured",
    }
    assert {row["tgname"] for row in ordinary} == writers_of_history, "writers are silent where changes are replicated"
    members = await connection.fetchval(
        "SELECT count(*) FROM pg_auth_members WHERE roleid IN ('sepakat_writer'::regrole, 'sepakat_owner'::regrole)"
    )
    assert members == 0
    owned = await connection.fetchval(
        "SELECT count(*) FROM pg_class WHERE relowner = 'sepakat_writer'::regrole AND relkind = 'r'"
    )
    assert owned == 0
    await connection.close()
