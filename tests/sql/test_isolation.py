"""The second wall by SQL: what the API's role may reach in a transaction that has entered one participant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from app.platform import database as pools
from app.platform.sql import statement
from tests.cases.reports import reported_merge
from tests.conftest import Apps, Database
from tests.feed.conftest import Core
from tests.people import Person, Phone, add_person

LIVE = statement("identity/session")
POLICY = "(participant_id = entered_participant())"
TABLES = """SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'participant_id'
    AND NOT a.attisdropped ORDER BY c.relname"""
RLS = "row-level security"


async def tables_of_participants(connection: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    return [row["relname"] for row in await connection.fetch(TABLES)]


async def test_every_table_of_participants_is_walled_off(database: Database) -> None:
    """A migration that adds one calls isolate_table; one that grants it to a role calls it again."""
    connection = await database.connect()
    walls = await connection.fetch(
        """SELECT c.relname, c.relrowsecurity, c.relowner::regrole::text AS owner,
            array(SELECT pg_get_expr(p.polqual, p.polrelid) FROM pg_policy AS p WHERE p.polrelid = c.oid
                AND p.polroles = ARRAY['sepakat_api'::regrole::oid] AND p.polcmd = '*' AND p.polpermissive
                AND p.polwithcheck IS NULL) AS of_api,
            array(SELECT DISTINCT r::regrole::text FROM pg_policy AS p, unnest(p.polroles) AS r
                WHERE p.polrelid = c.oid AND p.polname = 'rows_of_all' ORDER BY 1) AS others,
            array(SELECT DISTINCT g.grantee::regrole::text FROM (
                SELECT (aclexplode(c.relacl)).grantee UNION
                SELECT (aclexplode(a.attacl)).grantee FROM pg_attribute AS a WHERE a.attrelid = c.oid) AS g
                WHERE g.grantee NOT IN ('sepakat_api'::regrole, 'sepakat_owner'::regrole) ORDER BY 1) AS granted
        FROM pg_class AS c WHERE c.relname = ANY ($1) AND c.relnamespace = 'public'::regnamespace""",
        await tables_of_participants(connection),
    )
    assert len(walls) > 30
    for wall in walls:
        assert wall["relrowsecurity"], f"{wall['relname']} is open: call isolate_table in the migration that makes it"
        assert wall["of_api"] == [POLICY], wall["relname"]
        assert wall["owner"] == "sepakat_owner", wall["relname"]
        assert set(wall["others"]) == set(wall["granted"]), f"{wall['relname']}: call isolate_table after the grants"
    extra = await connection.fetch(
        "SELECT tablename, policyname FROM pg_policies WHERE policyname NOT IN ('rows_of_who_entered', 'rows_of_all')"
    )
    assert [tuple(row) for row in extra] == [("challenges", "challenge_of_nobody_yet")]
    bypassing = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolbypassrls AND rolname LIKE 'sepakat%'")
    assert bypassing == []
    await connection.close()


async def test_people_are_named_in_no_table_without_an_owner(database: Database) -> None:
    connection = await database.connect()
    named = await connection.fetch(
        """SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
            AND a.attname ~ 'participant|nik|kpj|phone|email|birth' AND c.relname <> ALL ($1)
            AND has_column_privilege('sepakat_api', c.oid, a.attname, 'SELECT')""",
        await tables_of_participants(connection),
    )
    assert named == []
    await connection.close()


async def test_a_view_shows_what_its_reader_may_see(database: Database) -> None:
    connection = await database.connect()
    views = await connection.fetch(
        """SELECT relname, relkind::text, coalesce('security_invoker=true' = ANY (reloptions), false) AS invoker FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"""
    )
    loose = [view["relname"] for view in views if view["relkind"] == "m" or not view["invoker"]]
    assert loose == [], "WITH (security_invoker = true), and no materialised ones: their rows have no owner"
    await connection.close()


async def test_what_only_reads_runs_with_the_rights_of_who_asks(database: Database) -> None:
    """A function that reads for its caller with more rights than the caller's is a door in the wall. These look at themselves."""
    connection = await database.connect()
    reading = await connection.fetch(
        """SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND provolatile <> 'v'
            AND has_function_privilege('sepakat_api', oid, 'EXECUTE') ORDER BY proname"""
    )
    assert [row["proname"] for row in reading] == [
        "current_instant",
        "find_heir_case",
        "is_known_credential",
        "look_for_streams",
        "prove_inclusion",
    ]
    await connection.close()


@pytest_asyncio.fixture(scope="module")
async def two(apps: Apps) -> AsyncIterator[tuple[Person, Person]]:
    """Two people with cards, money, a disputed merge, a phone, and answers that were kept."""
    core = Core(apps.feed, apps.database)
    found = [await reported_merge(apps.api, apps.database, core) for _ in range(2)]
    for one in found:
        await one.dispute("Saya tidak setuju")
        await one.phone.put("/v1/push-target", {"kind": "fid", "value": "x", "platform": "android", "locale": "id"})
        await one.phone.post("/v1/inbox/read", {"up_to": 2}, key="")
        await one.phone.post("/v1/inbox/receipts", {"seqs": [1, 2]}, key="")
    yield found[0].person, found[1].person


async def test_a_statement_without_condition_reaches_own_rows_only(
    database: Database, two: tuple[Person, Person]
) -> None:
    """With every privilege granted and every trigger off, so that nothing but the wall stands in the way."""
    me, other = (person.participant_id for person in two)
    superuser, with_rows = await database.connect(), set()
    for table in await tables_of_participants(superuser):
        async with Undone(superuser):
            await superuser.execute(f"GRANT ALL ON {table} TO sepakat_api; ALTER TABLE {table} DISABLE TRIGGER ALL")
            theirs = await superuser.fetch(f"SELECT t::text FROM {table} AS t WHERE participant_id = $1", other)
            mine = await superuser.fetchval(f"SELECT count(*) FROM {table} WHERE participant_id = $1", me)
            columns = await superuser.fetchval(
                """SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
                WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''""",
                table,
            )
            await superuser.execute("SET LOCAL SESSION AUTHORIZATION sepakat_api")
            await superuser.execute("SELECT set_config('app.participant_id', $1, true)", str(me))
            assert await superuser.fetchval(f"SELECT count(*) FROM {table}") == mine, table
            assert await superuser.execute(f"UPDATE {table} SET participant_id = participant_id") == f"UPDATE {mine}"
            assert await refused(superuser, f"UPDATE {table} SET participant_id = $1", other) == (RLS if mine else "")
            for row in theirs[:1]:
                insert = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM (SELECT ($1::text::{table}).*) AS t"
                assert await refused(superuser, insert, row[0]) == RLS, table
                with_rows |= {table}
            assert await superuser.execute(f"DELETE FROM {table}") == f"DELETE {mine}", table
    await superuser.close()
    assert with_rows >= {
        "card_numbers", "cards", "cases", "causes", "code_tries", "device_owners", "devices", "enrolments",
        "history", "history_data", "idempotency_keys", "inbox_pointers", "ledger_entries", "merges", "outbox",
        "participant_heads", "participant_numbers", "participants", "push_targets", "receipts", "sessions",
    }  # fmt: skip


class Undone:
    """A transaction that is rolled back."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.transaction = connection.transaction()

    async def __aenter__(self) -> None:
        await self.transaction.start()

    async def __aexit__(self, *_: object) -> None:
        await self.transaction.rollback()


async def refused(connection: asyncpg.Connection[asyncpg.Record], sql: str, *values: object) -> str:
    """RLS when the wall refused it; nothing of it stays."""
    try:
        async with Undone(connection):
            await connection.execute(sql, *values)
    except asyncpg.InsufficientPrivilegeError as error:
        return RLS if RLS in str(error) else str(error)
    return ""


async def test_who_has_not_entered_sees_and_writes_nothing(database: Database, two: tuple[Person, Person]) -> None:
    api = await database.connect("sepakat_api")
    for table in ("participants", "cards", "history", "sessions", "devices", "enrolments", "idempotency_keys"):
        assert await api.fetchval(f"SELECT count(*) FROM {table}") == 0, table
    with pytest.raises(asyncpg.CheckViolationError) as nobody:
        await api.execute("SELECT record_cause($1, 'participant', 'x')", two[0].participant_id)
    assert nobody.value.constraint_name == "cause_is_of_who_entered"
    await api.close()


async def test_people_are_not_listed_by_what_they_are_looked_up_by(
    database: Database, two: tuple[Person, Person]
) -> None:
    api = await database.connect("sepakat_api", entering=two[0].participant_id)
    tables = (
        "participant_numbers", "card_numbers", "device_owners", "case_owners", "stop_tokens", "match_keys", "match_queue",
        "challenges", "rooted_heads", "outbox",
    )  # fmt: skip
    for table in tables:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(f"SELECT * FROM {table}")
    await api.close()


async def test_the_wall_stands_before_the_functions_too(database: Database, two: tuple[Person, Person]) -> None:
    """Called with somebody else's id they write nothing and tell nothing, whatever they may write for their caller."""
    me, other = (person.participant_id for person in two)
    superuser = await database.connect()
    merge_id = await superuser.fetchval("SELECT merge_id FROM merges WHERE participant_id = $1", other)
    assert len(await superuser.fetch("SELECT frozen_by_dispute($1, $2)", other, merge_id)) == 2
    await superuser.execute(
        "INSERT INTO rooted_heads VALUES (bucket_of($1), $1, 1, sha256('x')) ON CONFLICT DO NOTHING", other
    )
    await superuser.close()
    api = await database.connect("sepakat_api", entering=me)
    assert await api.fetch("SELECT frozen_by_dispute($1, $2)", other, merge_id) == []
    assert await api.fetch("SELECT * FROM prove_inclusion($1)", other) == []
    (card, *_) = two[1].cards.values()
    for call in (f"lock_card($1, '{card.card_id}', 'x')", "record_cause($1, 'participant', 'x')"):
        with pytest.raises(asyncpg.CheckViolationError) as denied:
            await api.execute(f"SELECT {call}", other)
        assert denied.value.constraint_name == "cause_is_of_who_entered", call
    await api.close()


async def test_a_connection_of_the_pool_forgets_who_entered(apps: Apps, database: Database) -> None:
    person = await add_person(database)
    phone = await Phone(apps.api).enrol(person)
    session = (person.participant_id, UUID(phone.session["session_id"]))
    pool = await pools.connect(database.url("sepakat_api"), size=1, application="test")
    for ends_badly in (False, True):
        with suppress(KeyError):
            async with pools.transaction(pool, wait_s=1) as connection:
                assert await connection.fetchval(LIVE, *session) == UUID(phone.device_id)
                assert await connection.fetchval("SELECT count(*) FROM cards") == 1
                if ends_badly:
                    raise KeyError
        assert await pool.fetchval("SELECT count(*) FROM cards") == 0
        assert await pool.fetchval("SELECT entered_participant()") is None
    # outside a transaction a statement is one by itself, and leaves nothing behind either
    assert await pool.fetchrow(LIVE, *session) is not None
    assert await pool.fetchval("SELECT count(*) FROM cards") == 0
    await pool.close()


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE cards DISABLE ROW LEVEL SECURITY",
        "DROP POLICY rows_of_who_entered ON cards",
        "CREATE POLICY mine ON cards TO sepakat_api USING (true)",
        "ALTER ROLE sepakat_api BYPASSRLS",
        "SET ROLE sepakat_writer",
        "SET ROLE sepakat_worker",
        "SET SESSION AUTHORIZATION sepakat_worker",
        "SELECT isolate_table('cards')",
        "CREATE OR REPLACE FUNCTION public.entered_participant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
        "ALTER TABLE causes DISABLE TRIGGER cause_is_of_who_entered",
    ],
)
async def test_the_api_cannot_take_the_wall_down(database: Database, sql: str) -> None:
    api = await database.connect("sepakat_api")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.execute(sql)
    await api.close()


async def test_turned_off_for_a_session_it_refuses_instead_of_showing(
    database: Database, two: tuple[Person, Person]
) -> None:
    api = await database.connect("sepakat_api", entering=two[0].participant_id)
    await api.execute("SET row_security = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.fetch("SELECT card_id FROM cards")
    await api.close()


async def test_an_operator_shadowed_in_a_temporary_schema_does_not_open_it(
    database: Database, two: tuple[Person, Person]
) -> None:
    """Policies are bound to functions and operators, not to names."""
    api = await database.connect("sepakat_api", entering=two[0].participant_id)
    await api.execute(
        f"CREATE FUNCTION pg_temp.entered_participant() RETURNS uuid LANGUAGE sql AS $$ SELECT '{uuid4()}'::uuid $$"
    )
    await api.execute("SET search_path = pg_temp, public")
    assert await api.fetchval("SELECT count(*) FROM public.participants") == 1
    await api.close()


async def test_it_is_a_wall_against_forgetting_and_not_against_a_hostile_process(
    database: Database, two: tuple[Person, Person]
) -> None:
    """Said in docs/architecture.md: whoever types SQL as the API, and knows an id, enters with it."""
    api = await database.connect("sepakat_api", entering=two[0].participant_id)
    async with api.transaction():
        await api.execute("SELECT set_config('app.participant_id', $1, true)", str(two[1].participant_id))
        assert await api.fetchval("SELECT participant_id FROM participants") == two[1].participant_id
    assert await api.fetchval("SELECT participant_id FROM participants") == two[0].participant_id
    await api.close()
