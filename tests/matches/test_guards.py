"""What every role tries with matches, documents, transfers and numbers, and the name under which it is refused."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from tests.conftest import Apps, Database
from tests.feed.conftest import Core
from tests.matches.conftest import Find, register_agus
from tests.matches.test_transfer import audit

PRODUCT_ROLES = ("sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_staff", "sepakat_operator")
DENIED = {"42501", "25006"}

FORBIDDEN = {
    "match insert": """INSERT INTO possible_matches SELECT participant_id, gen_random_uuid(), other_participant_id,
        gen_random_uuid(), NULL, 2000, NULL, 'x', 'x', now(), 'suggested', NULL, NULL, cause_id FROM possible_matches
        WHERE match_id = '{m}'""",
    "match linked": "UPDATE possible_matches SET state = 'linked', closed_at = now() WHERE match_id = '{m}'",
    "match back": "UPDATE possible_matches SET state = 'suggested', case_id = NULL WHERE match_id = '{m}'",
    "match of another card": "UPDATE possible_matches SET other_card_id = gen_random_uuid() WHERE match_id = '{m}'",
    "match delete": "DELETE FROM possible_matches WHERE match_id = '{m}'",
    "match truncate": "TRUNCATE possible_matches",
    "document swapped": "UPDATE documents SET sha256 = sha256('y') WHERE document_id = '{d}'",
    "document discarded": "UPDATE documents SET discarded_at = now() WHERE document_id = '{d}'",
    "document delete": "DELETE FROM documents WHERE document_id = '{d}'",
    "document as if stored": """INSERT INTO documents (participant_id, document_id, about, subject_id, kind, request_key,
        body_sha256, stored_at, media_type, sha256, bytes, cause_id) SELECT participant_id, gen_random_uuid(), about, subject_id,
        kind, 'other', body_sha256, stored_at, media_type, sha256, bytes, cause_id FROM documents WHERE document_id = '{d}'""",
    "transfer insert": """INSERT INTO card_transfers (participant_id, transfer_id, direction, card_id, kpj, other_participant_id,
        other_card_id, case_id, rules_version, staff, second_staff, recorded_at, cause_id, xact)
        SELECT '{o}', gen_random_uuid(), 'out', '{card}', '{kpj}', '{p}', '{own}', gen_random_uuid(), 'x', 'a', 'b', now(),
        cause_id, pg_current_xact_id() FROM causes WHERE participant_id = '{o}' LIMIT 1""",
    "transfer update": "UPDATE card_transfers SET staff = 'x' WHERE participant_id = '{p}'",
    "transfer delete": "DELETE FROM card_transfers WHERE participant_id = '{p}'",
    "transfer truncate": "TRUNCATE card_transfers",
    "number of another": "UPDATE card_numbers SET participant_id = '{p}', card_id = '{own}' WHERE kpj = '{kpj}'",
    "another number": "UPDATE card_numbers SET kpj = '99999999997' WHERE kpj = '{kpj}'",
    "number merge": """MERGE INTO card_numbers USING (SELECT 1) AS x ON kpj = '{kpj}'
        WHEN MATCHED THEN UPDATE SET participant_id = '{p}'""",
    "card gone by hand": """UPDATE cards SET transferred_at = now(), transfer_id = gen_random_uuid()
        WHERE participant_id = '{q}'""",
    "card owner": "UPDATE cards SET participant_id = '{p}' WHERE card_id = '{card}'",
    "leg alone": """INSERT INTO ledger_entries (participant_id, card_id, number, kind, amount, balance_after, effective_on,
        recorded_at, transfer_id, cause_id) SELECT '{p}', '{own}', 99, 'transfer_in', 5, 5, current_date, now(),
        gen_random_uuid(), cause_id FROM causes WHERE participant_id = '{p}' LIMIT 1""",
    "case insert": """INSERT INTO cases SELECT participant_id, gen_random_uuid(), kind, merge_id, match_id, statement, opened_at,
        due_at, 'open', NULL, NULL, NULL, NULL, NULL, cause_id, pg_current_xact_id() FROM cases WHERE match_id = '{m}'""",
    "case decision": "UPDATE cases SET state = 'decided', decision = 'linked' WHERE match_id = '{m}'",
}
FUNCTIONS = {
    "transfer_card": "SELECT transfer_card(m, gen_random_uuid(), NULL) FROM possible_matches AS m WHERE match_id = '{m}'",
    "tell_of_match": "SELECT tell_of_match(NULL, 'possible_match_found', '{{}}')",
    "queue_for_matching": "CREATE TEMP TABLE t (participant_id uuid); CREATE TRIGGER x AFTER INSERT ON t "
    "FOR EACH ROW EXECUTE FUNCTION queue_for_matching()",
}
MAY = {
    "sepakat_worker": "suggest_match",
    "sepakat_api": "disown_match claim_match keep_document",
    "sepakat_feed": "decide_match",
}
CALLS = {
    "suggest_match": "SELECT suggest_match('{p}', gen_random_uuid(), '{o}', '{card}', NULL, 2000::smallint, NULL, 'x', 'x')",
    "disown_match": "SELECT disown_match('{p}', '{m}', 'x')",
    "claim_match": "SELECT claim_match('{p}', '{m}', gen_random_uuid(), 'x', ARRAY['{d}'::uuid])",
    "keep_document": "SELECT keep_document('{p}', '{d}', 'image/jpeg', sha256('x'), 1, 'x')",
    "decide_match": "SELECT decide_match('{p}', '{c}', gen_random_uuid(), 'linked', 'x', 'a', 'b', NULL, NULL)",
}


class Scene:
    """Agus has claimed; nothing is decided. `other` is somebody whose card was linked before."""

    def __init__(self, database: Database, names: dict[str, Any]) -> None:
        self.database, self.names = database, names

    async def attempt(self, role: str, sql: str) -> tuple[str, str | None]:
        """SQLSTATE and constraint with which `sql` is refused; ("", None) when it is not: it is rolled back then."""
        connection = await self.database.connect(role, entering=self.names["p"])
        transaction = connection.transaction()
        await transaction.start()
        try:
            changed = await connection.execute(sql.format_map(self.names))
            await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except asyncpg.PostgresError as error:
            return error.sqlstate, getattr(error, "constraint_name", None)
        else:
            return "nothing" if changed.endswith(" 0") else "", None
        finally:
            await transaction.rollback()
            await connection.close()


@pytest_asyncio.fixture(scope="module")
async def scene(apps: Apps) -> Scene:
    core = Core(apps.feed, apps.database)
    linked = await register_agus(apps.database, apps.api, core)
    agus = await register_agus(apps.database, apps.api, core)
    connection = await apps.database.connect("sepakat_worker")
    for one in (linked, agus):
        (card,) = one.mistyped.cards.values()
        await connection.execute(
            "SELECT suggest_match($1, $2, $3, $4, NULL, 2009::smallint, NULL, 'test', 'test')",
            one.person.participant_id, uuid4(), one.mistyped.participant_id, card.card_id,
        )  # fmt: skip
    await connection.close()
    case_id = (await linked.claim())["case"]["case_id"]
    assert (await linked.decide(case_id))["outcome"] == "applied"
    match = await agus.claim()
    (document,) = (await agus.phone.get(f"/v1/possible-matches/{match['id']}/documents")).json()["documents"]
    (card,) = agus.mistyped.cards.values()
    (own,) = agus.person.cards.values()
    return Scene(
        apps.database,
        {
            "p": agus.person.participant_id,
            "o": agus.mistyped.participant_id,
            "q": linked.person.participant_id,
            "m": match["id"],
            "c": match["case"]["case_id"],
            "d": document["id"],
            "card": card.card_id,
            "own": own.card_id,
            "kpj": agus.lost,
        },
    )


@pytest.mark.parametrize("role", PRODUCT_ROLES)
async def test_product_roles_are_refused(scene: Scene, role: str) -> None:
    for name, sql in (FORBIDDEN | FUNCTIONS).items():
        sqlstate, constraint = await scene.attempt(role, sql)
        # what a role may see nothing of, it changes nothing of
        assert sqlstate in DENIED or constraint is not None, (name, sqlstate, constraint)
    await audit(scene.database)


@pytest.mark.parametrize("role", PRODUCT_ROLES)
async def test_each_role_calls_its_own_functions_only(scene: Scene, role: str) -> None:
    for name, sql in CALLS.items():
        sqlstate, constraint = await scene.attempt(role, sql)
        if name in MAY.get(role, "").split():
            assert sqlstate not in DENIED, name
        else:
            assert sqlstate in DENIED, (name, sqlstate, constraint)


TO_SUPERUSERS = {
    "match insert": "matches_by_function_only",
    "match linked": "matches_by_function_only",
    "match back": "matches_are_decided_once",
    "match of another card": "matches_are_decided_once",
    "match delete": "matches_are_kept",
    "match truncate": "matches_are_kept",
    "document swapped": "documents_are_stored_by_function",
    "document discarded": "stored_documents_are_kept",
    "document delete": "stored_documents_are_kept",
    "document as if stored": "documents_are_stored_by_function",
    "transfer insert": "transfers_by_function_only",
    "number of another": "card_numbers_are_kept",
    "another number": "card_numbers_are_kept",
    "number merge": "card_numbers_are_kept",
    "leg alone": "ledger_by_function_only",
    "case insert": "cases_by_function_only",
    "case decision": "cases_by_function_only",
}


@pytest.mark.parametrize("replica", ["", "SET LOCAL session_replication_role = replica; "])
async def test_guards_name_what_they_refuse_even_to_a_superuser(scene: Scene, replica: str) -> None:
    for name, expected in TO_SUPERUSERS.items():
        _, constraint = await scene.attempt("postgres", replica + FORBIDDEN[name])
        assert constraint == expected, name
    linked = {name: FORBIDDEN[name].replace("{p}", "{q}") for name in ("transfer update", "transfer delete")}
    for name, sql in linked.items():
        assert (await scene.attempt("postgres", replica + sql))[1] == "transfers_are_append_only", name


async def test_a_card_does_not_leave_by_hand_even_when_it_is_empty(scene: Scene) -> None:
    empty = """UPDATE cards SET transferred_at = now(), transfer_id = gen_random_uuid()
        WHERE participant_id = (SELECT t.other_participant_id FROM card_transfers AS t WHERE t.participant_id = '{q}')"""
    back = empty.replace("now()", "NULL").replace("gen_random_uuid()", "NULL")
    for sql in (empty, back):
        assert (await scene.attempt("postgres", sql))[1] == "card_goes_by_recorded_transfer"


async def test_a_transfer_that_moves_half_is_refused_at_commit(scene: Scene) -> None:
    """As the writer itself: one leg, one side, or a number that stays behind."""
    as_writer = "SET LOCAL ROLE sepakat_writer; "
    side = """INSERT INTO card_transfers (participant_id, transfer_id, direction, card_id, kpj, other_participant_id,
        other_card_id, amount, case_id, rules_version, staff, second_staff, recorded_at, cause_id, xact)
        VALUES ('{o}', '{m}', 'out', '{card}',
        '{kpj}', '{p}', '{own}', 4218777, gen_random_uuid(), 'x', 'a', 'b', now(),
        (SELECT cause_id FROM causes WHERE participant_id = '{o}' LIMIT 1), pg_current_xact_id());"""
    assert (await scene.attempt("postgres", as_writer + side))[1] == "transfer_moves_the_whole_card"
    leg = """DO $$ DECLARE c uuid := record_cause('{p}', 'system', 'x'); BEGIN PERFORM post_entries(ARRAY[ROW('{p}', '{own}', c,
        'card_transferred_here', 'transfer_in', 5, current_date, NULL, NULL, NULL, NULL, '{m}', NULL, NULL, NULL)::card_change]);
        END $$;"""
    assert (await scene.attempt("postgres", as_writer + leg))[1] == "legs_sum_to_zero"


async def test_the_api_is_not_told_whose_card_it_is(scene: Scene) -> None:
    for column in ("other_participant_id", "other_card_id", "*"):
        sqlstate, _ = await scene.attempt("sepakat_api", f"SELECT {column} FROM possible_matches")
        assert sqlstate in DENIED
    for role in ("sepakat_api", "sepakat_feed", "sepakat_operator"):
        assert (await scene.attempt(role, "SELECT * FROM match_keys"))[0] in DENIED


async def test_the_find_of_a_worker_that_stops_is_done_by_the_next(scene: Scene, find: Find) -> None:
    connection = await scene.database.connect()
    await connection.execute("INSERT INTO match_queue VALUES ($1, now()) ON CONFLICT DO NOTHING", scene.names["p"])
    await find()
    assert await connection.fetchval("SELECT count(*) FROM match_queue") == 0
    await connection.close()
