"""A code that staff hand out: its form, its one life, and that nobody but the feed makes one."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.identity.branch_code import ALPHABET, branch_code_sha256, normalise, write
from tests.conftest import Database
from tests.feed.conftest import Core
from tests.identity.branch import BRANCH, hand_out, issued, new_code
from tests.people import add_person


def test_a_code_has_80_bits_and_is_the_same_however_it_is_typed() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("01IO") & set(ALPHABET)
    assert write(bytes(10)) == "2222-2222-2222-2222"
    assert write(b"\xff" * 10) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ"
    assert len({write(number.to_bytes(10)) for number in range(1000)}) == 1000
    for typed in ("7KQM-2WXE-H9TD-RB4F", "7kqm 2wxe h9td rb4f", "7kqm2wxeh9tdrb4f", " 7KQM--2WXE H9TD-RB4F "):
        assert normalise(typed) == "7KQM2WXEH9TDRB4F"
        assert branch_code_sha256(typed) == hashlib.sha256(b"7KQM2WXEH9TDRB4F").hexdigest()


@pytest.mark.parametrize(
    "typed", ["", "7KQM-2WXE-H9TD-RB4", "7KQM-2WXE-H9TD-RB4F2", "7KQM-2WXE-H9TD-RB4O", "７KQM2WXEH9TDRB4F"]
)
def test_what_cannot_be_a_code_is_said(typed: str) -> None:
    with pytest.raises(ValueError, match="16 letters and digits"):
        normalise(typed)


def test_the_example_in_the_docs_is_right() -> None:
    page = (Path(__file__).parents[2] / "docs" / "identity.md").read_text(encoding="utf-8")
    assert ALPHABET in page
    assert f"`{branch_code_sha256('7KQM-2WXE-H9TD-RB4F')}`" in page


async def test_the_person_is_told_of_a_code_and_a_new_one_replaces_it(core: Core, database: Database) -> None:
    person = await add_person(database)
    await hand_out(core, person.nik)
    await hand_out(core, person.nik)
    entries = [entry for entry in await core.history(person.nik) if entry["kind"] == "branch_code_issued"]
    assert [entry["data"]["branch"] for entry in entries] == [BRANCH] * 2
    assert [entry["origin"] for entry in entries] == ["agency"] * 2
    assert all(entry["queued"] for entry in entries)
    rows = await core.ask(
        "SELECT replaced_at IS NULL AS live FROM branch_codes WHERE participant_id = $1 ORDER BY live",
        person.participant_id,
    )
    assert [row["live"] for row in rows] == [False, True]
    (kind,) = await core.ask("SELECT reach, class FROM entry_kinds WHERE kind = 'branch_code_issued'")
    assert (kind["reach"], kind["class"]) == ("ladder", "security")


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"nik": "9999999999999999"}, "participant_unknown"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "branch_code_life"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "branch_code_life"),
        ({"expires_at": "2026-01-01T00:00:00"}, "data_invalid"),
        ({"code_sha256": "A" * 64}, "data_invalid"),
        ({"code_sha256": "7KQM2WXEH9TDRB4F"}, "data_invalid"),
        ({"branch": ""}, "data_invalid"),
        ({"surprise": 1}, "data_invalid"),
    ],
)
async def test_a_code_that_does_not_fit_is_rejected(
    core: Core, database: Database, overrides: dict[str, Any], code: str
) -> None:
    person = await add_person(database)
    (result,) = await core.send(await issued(core, person.nik, new_code(), **overrides))
    assert (result["outcome"], result["code"]) == ("rejected", code)
    assert "branch_code_issued" not in [entry["kind"] for entry in await core.history(person.nik)]


async def test_a_code_is_handed_out_once_and_lives_seven_days_at_most(core: Core, database: Database) -> None:
    person = await add_person(database)
    (row,) = await core.ask("SELECT current_instant() + interval '7 days' AS week")
    code = new_code()
    first = await issued(core, person.nik, code, expires_at=row["week"].isoformat())
    await core.apply(first)
    (result,) = await core.send(await issued(core, person.nik, code))
    assert (result["outcome"], result["code"]) == ("rejected", "branch_code_known")
    (result,) = await core.send(await issued(core, person.nik, new_code(), expires_at="2126-01-01T00:00:00Z"))
    assert result["code"] == "branch_code_life"


async def test_the_code_stands_nowhere_and_the_api_cannot_read_its_hash(core: Core, database: Database) -> None:
    person = await add_person(database)
    code = await hand_out(core, person.nik)
    connection = await database.connect()
    row = await connection.fetchval(
        "SELECT b::text FROM branch_codes AS b WHERE participant_id = $1", person.participant_id
    )
    await connection.close()
    assert code not in row
    assert normalise(code) not in row
    api = await database.connect("sepakat_api")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.fetch("SELECT code_sha256 FROM branch_codes")
    await api.close()


ISSUE = "SELECT issue_branch_code('{p}', gen_random_uuid(), sha256('x'), 'x', NULL, now() + interval '1 h', '{cause}')"
FORBIDDEN = {
    "issue": ISSUE,
    "insert": """INSERT INTO branch_codes
        (participant_id, code_id, code_sha256, branch, for_heirs, issued_at, expires_at, cause_id)
        VALUES ('{p}', gen_random_uuid(), sha256('x'), 'x', false, now(), now() + interval '1 h', '{cause}')""",
    "live again": "UPDATE branch_codes SET replaced_at = NULL WHERE participant_id = '{p}'",
    "live longer": "UPDATE branch_codes SET expires_at = expires_at + interval '1 day' WHERE participant_id = '{p}'",
    "another code": "UPDATE branch_codes SET code_sha256 = sha256('x') WHERE participant_id = '{p}'",
    "delete": "DELETE FROM branch_codes WHERE participant_id = '{p}'",
    "truncate": "TRUNCATE branch_codes CASCADE",
    "spend": "SELECT spend_branch_code('{p}', 'x', 'new_phone', gen_random_uuid())",
}


@pytest.mark.parametrize("role", ["sepakat_api", "sepakat_worker", "sepakat_operator", "sepakat_feed"])
async def test_nobody_makes_or_changes_a_code_by_hand(core: Core, database: Database, role: str) -> None:
    person = await add_person(database)
    await hand_out(core, person.nik)
    (row,) = await core.ask("SELECT * FROM branch_codes WHERE participant_id = $1", person.participant_id)
    connection = await database.connect(role)
    for name, sql in FORBIDDEN.items():
        if (name, role) == ("issue", "sepakat_feed"):
            continue
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(sql.format(p=person.participant_id, cause=row["cause_id"]))
        assert refused.value.sqlstate in ("42501", "25006"), (name, refused.value)
    await connection.close()
    assert await core.ask("SELECT * FROM branch_codes WHERE participant_id = $1", person.participant_id) == [row]


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        (FORBIDDEN["insert"], "branch_codes_by_function_only"),
        (FORBIDDEN["live longer"], "branch_codes_are_used_once"),
        ("UPDATE branch_codes SET replaced_at = now() WHERE participant_id = '{p}'", "branch_codes_by_function_only"),
        (FORBIDDEN["delete"], "branch_codes_are_kept"),
        (FORBIDDEN["truncate"], "branch_codes_are_kept"),
        ("DELETE FROM heir_claims; TRUNCATE heir_claims", "heir_claims_are_kept"),
    ],
)
async def test_guards_name_what_they_refuse_even_to_a_superuser(
    core: Core, database: Database, sql: str, constraint: str
) -> None:
    person = await add_person(database, deceased_on=date(2026, 1, 1))
    await hand_out(core, person.nik)
    (row,) = await core.ask("SELECT cause_id FROM branch_codes WHERE participant_id = $1", person.participant_id)
    connection = await database.connect()
    await connection.execute("SET session_replication_role = replica")
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await connection.execute(sql.format(p=person.participant_id, cause=row["cause_id"]))
    await connection.close()
    assert refused.value.constraint_name == constraint
