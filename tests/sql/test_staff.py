"""What an insider with the staff's database role can do without the listener: nothing that is silent, and nothing alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from tests.cases.reports import Reported, reported_merge
from tests.conftest import Apps, Database
from tests.feed.conftest import Core
from tests.people import add_person

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
SITI = ("i", "siti", "caseworker", "A")
RATNA = ("i", "ratna", "supervisor", "C")
PROPOSE = "SELECT propose_decision($1, $2, 'x', row($3, $4, $5, $6)::staff_member)"
CONFIRM = "SELECT carry_out_proposal($1, $2, row($3, $4, $5, $6)::staff_member)"
ALONE = "SELECT carry_out_proposal($1, $2, NULL)"
READ = "SELECT read_case_for_staff($1, row($2, $3, $4, $5)::staff_member, 'dispute')"


@pytest_asyncio.fixture
async def insider(database: Database) -> AsyncIterator[Connection]:
    connection = await database.connect("sepakat_staff")
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def reported(api: httpx.AsyncClient, feed: httpx.AsyncClient, database: Database) -> Reported:
    return await reported_merge(api, database, Core(feed, database))


@pytest_asyncio.fixture
async def case_id(reported: Reported) -> str:
    found: str = (await reported.dispute())["id"]
    return found


async def refusal(connection: Connection, sql: str, *arguments: Any) -> str | None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await connection.execute(sql, *arguments)
    return refused.value.constraint_name


async def test_no_table_can_be_read_or_written(database: Database, insider: Connection) -> None:
    owner = await database.connect()
    tables = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'p') AND relnamespace = 'public'::regnamespace"
    )
    columns = await owner.fetchval(
        "SELECT count(*) FROM information_schema.column_privileges WHERE grantee = 'sepakat_staff'"
    )
    await owner.close()
    assert (len(tables) > 40, columns) == (True, 0)
    for (table,) in tables:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await insider.execute(f"SELECT FROM {table}")
        for sql in (f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES"):
            # a view over several tables takes and gives no rows, whoever asks
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError)):
                await insider.execute(sql)


async def test_only_functions_that_log_are_granted(database: Database) -> None:
    owner = await database.connect()
    rows = await owner.fetch(
        """SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace
        AND has_function_privilege('sepakat_staff', p.oid, 'EXECUTE') ORDER BY 1"""
    )
    await owner.close()
    assert [row["proname"] for row in rows] == [
        "carry_out_proposal",
        "case_to_decide",
        "cases_for_staff",
        "current_instant",
        "freeze_by_staff",
        "open_support_view",
        "propose_decision",
        "read_case_for_staff",
        "read_document_for_staff",
    ]


async def test_a_look_by_hand_is_logged_and_told_like_any_other(
    reported: Reported, case_id: str, insider: Connection
) -> None:
    await insider.execute(READ, case_id, *SITI)
    (look,) = (await reported.phone.get("/v1/me/access-log")).json()["looks"]
    assert look["who"] == "A"
    assert (await reported.kinds())[-1] == "looked_at"
    transaction = insider.transaction()
    await transaction.start()
    await insider.execute(READ, case_id, *SITI)
    await transaction.rollback()
    assert len((await reported.phone.get("/v1/me/access-log")).json()["looks"]) == 1


@pytest.mark.parametrize(
    ("member", "constraint"),
    [
        (("i", "", "viewer", "A"), "staff_of_look_is_named"),
        (("i", "siti", "auditor", "A"), "staff_role_is_known"),
        (("i", None, "viewer", "A"), None),
        ((None, "siti", "viewer", "A"), None),
        (("i", "siti", "viewer", None), None),
    ],
)
async def test_a_look_without_a_name_is_refused(
    case_id: str, insider: Connection, member: tuple[str | None, ...], constraint: str | None
) -> None:
    assert await refusal(insider, READ, case_id, *member) == constraint


@pytest.mark.parametrize("second", ["siti", "SITI", "Siti"])
async def test_four_eyes_by_one_person_are_refused(
    reported: Reported, case_id: str, insider: Connection, second: str
) -> None:
    await insider.execute(PROPOSE, case_id, "restored", *SITI)
    constraint = await refusal(insider, CONFIRM, case_id, "restored", "i", second, "supervisor", "A")
    assert constraint == "proposal_and_confirmation_are_of_two_people"
    assert (await reported.merge())["state"] == "disputed"


async def test_a_confirmation_without_its_proposal_or_of_another_one_is_refused(
    reported: Reported, case_id: str, insider: Connection
) -> None:
    assert await refusal(insider, CONFIRM, case_id, "restored", *RATNA) == "decision_was_proposed"
    await insider.execute(PROPOSE, case_id, "restored", *SITI)
    assert await refusal(insider, CONFIRM, case_id, "accepted", *RATNA) == "decision_was_proposed"
    assert (
        await refusal(insider, CONFIRM, case_id, "restored", "j", "budi", "caseworker", "B")
        == "both_come_from_one_issuer"
    )
    viewer = await refusal(insider, CONFIRM, case_id, "restored", "i", "dewi", "viewer", "D")
    assert viewer == "proposal_is_confirmed_by_those_who_decide"
    assert await refusal(insider, ALONE, case_id, "restored") == "proposal_is_confirmed_by_a_second"
    assert (await reported.merge())["state"] == "disputed"


async def test_nobody_decides_alone_what_gives_something_away(
    reported: Reported, case_id: str, insider: Connection
) -> None:
    await insider.execute(PROPOSE, case_id, "restored", *RATNA)
    assert await refusal(insider, ALONE, case_id, "restored") == "proposal_is_confirmed_by_a_second"
    await insider.execute(PROPOSE, case_id, "accepted", *RATNA)
    # and not behind the back of its participant: without a look in this transaction there is no cause
    assert await refusal(insider, ALONE, case_id, "accepted") == "cause_origin_fits_role"
    assert (await reported.merge())["state"] == "disputed"


async def test_a_proposal_fits_its_case_and_there_is_one(case_id: str, insider: Connection) -> None:
    assert await refusal(insider, PROPOSE, case_id, "linked", *SITI) == "decision_fits_the_case"
    assert await refusal(insider, PROPOSE, uuid4(), "restored", *SITI) == "case_is_open"
    assert (
        await refusal(insider, PROPOSE, case_id, "restored", "i", "dewi", "viewer", "D")
        == "proposal_is_made_by_those_who_decide"
    )
    await insider.execute(PROPOSE, case_id, "restored", *SITI)
    assert (
        await refusal(insider, PROPOSE, case_id, "accepted", "i", "budi", "caseworker", "B")
        == "one_open_proposal_per_case"
    )


async def test_staff_are_the_agency_for_nobody_whom_they_did_not_look_at(
    apps: Apps, case_id: str, insider: Connection
) -> None:
    """The functions that act are out of reach; and the one that they call refuses where the access log is silent."""
    other = await add_person(apps.database)
    for sql in (
        "SELECT record_cause($1, 'agency', 'x')",
        "SELECT log_look($1, row('i', 's', 'viewer', 'A')::staff_member, 'support', 'person')",
        "SELECT decide_case($1, $1, $1, 'restored', 'x', 'a', 'b')",
        "SELECT person_for_staff($1)",
        "SELECT lock_participant($1)",
        "SELECT append_history('{}')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await insider.execute(sql if "$1" not in sql else sql.replace("$1", f"'{other.participant_id}'"))
    owner = await apps.database.connect()
    async with owner.transaction():
        await owner.execute("GRANT EXECUTE ON FUNCTION record_cause TO sepakat_staff")
        await owner.execute("SET SESSION AUTHORIZATION sepakat_staff")
        for origin in ("agency", "core", "participant", "system", "import"):
            with pytest.raises(asyncpg.CheckViolationError) as refused:
                async with owner.transaction():
                    await owner.execute("SELECT record_cause($1, $2, 'x')", other.participant_id, origin)
            assert refused.value.constraint_name == "cause_origin_fits_role"
        await owner.execute("SET SESSION AUTHORIZATION postgres")
        await owner.execute("REVOKE EXECUTE ON FUNCTION record_cause FROM sepakat_staff")
    await owner.close()


@pytest.mark.parametrize("role", ["sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_operator"])
async def test_no_other_role_looks_as_staff_or_reads_whose_code_it_was(database: Database, role: str) -> None:
    connection = await database.connect(role)
    for sql in (
        "SELECT read_case_for_staff(NULL, NULL, NULL)",
        "SELECT open_support_view(NULL, NULL, NULL)",
        "SELECT code_hash FROM support_codes",
        "SELECT FROM support_code_owners",
        "INSERT INTO access_log DEFAULT VALUES",
    ):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await connection.execute(sql)
    if role == "sepakat_api":
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT staff FROM access_log")
    await connection.close()


async def test_what_was_logged_stays(
    reported: Reported, case_id: str, insider: Connection, database: Database, api: httpx.AsyncClient
) -> None:
    await insider.execute(READ, case_id, *SITI)
    await insider.execute(PROPOSE, case_id, "restored", *SITI)
    assert (await reported.phone.post("/v1/support-codes", {}, key="")).status_code == 201
    superuser = await database.connect()
    for sql, constraint in (
        ("UPDATE access_log SET shown_as = 'x'", "access_log_is_append_only"),
        ("DELETE FROM access_log", "access_log_is_append_only"),
        ("TRUNCATE access_log", "access_log_is_append_only"),
        ("INSERT INTO access_log SELECT * FROM access_log LIMIT 1", "access_log_by_function_only"),
        (
            "UPDATE case_proposals SET state = 'replaced', closed_at = now() WHERE state = 'open'",
            "proposals_by_function_only",
        ),
        ("DELETE FROM case_proposals", "proposals_are_kept"),
        ("TRUNCATE case_proposals", "proposals_are_kept"),
        ("UPDATE support_codes SET expires_at = made_at WHERE used_at IS NULL", "support_codes_by_function_only"),
        ("DELETE FROM support_codes", "support_codes_by_function_only"),
    ):
        async with superuser.transaction():
            await superuser.execute("SET LOCAL session_replication_role = replica")
            with pytest.raises(asyncpg.CheckViolationError) as refused:
                async with superuser.transaction():
                    await superuser.execute(sql)
            assert refused.value.constraint_name == constraint
    await superuser.execute("GRANT sepakat_writer TO postgres WITH SET TRUE")
    async with superuser.transaction():
        await superuser.execute("SET LOCAL ROLE sepakat_writer")
        for sql, constraint in (
            ("UPDATE case_proposals SET reason = 'x'", "proposals_are_closed_once"),
            ("UPDATE support_codes SET expires_at = expires_at + interval '1 minute'", "support_codes_are_used_once"),
        ):
            with pytest.raises(asyncpg.CheckViolationError) as refused:
                async with superuser.transaction():
                    await superuser.execute(sql)
            assert refused.value.constraint_name == constraint
    await superuser.execute("REVOKE sepakat_writer FROM postgres")
    await superuser.close()
