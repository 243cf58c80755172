"""Thousands of people at once, each signed in: written in a few statements, with tokens as the API would issue them.

`tests/people.py` takes the way that a person takes. This is for what is only seen with many.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import msgspec

from app.identity.tokens import AccessToken, Tokens

REGISTER = (
    """INSERT INTO participants (participant_id, name, birth_date, registered_at, nik_sealed)
    SELECT p, 'Bayu Saputra', '1990-05-17', current_instant(), '\\x00' FROM unnest($1::uuid[]) AS p""",
    "INSERT INTO participant_heads (participant_id) SELECT unnest($1::uuid[])",
    """INSERT INTO participant_numbers (participant_id, nik_hash)
    SELECT p, sha256(uuid_send(p)) FROM unnest($1::uuid[]) AS p""",
    """SELECT append_history(array(
        SELECT ROW(p, 'participant_registered', NULL, NULL, record_cause(p, 'core', 'tests'),
            '{"name": "Bayu Saputra"}')::history_entry
        FROM unnest($1::uuid[]) AS p))""",
)
ADD_PHONES = """
INSERT INTO devices (participant_id, device_id, name, platform, public_key, added_at, cause_id)
SELECT p.participant_id, p.device_id, 'Ponsel', 'android', '{}', current_instant(), c.cause_id
FROM unnest($1::uuid[], $2::uuid[]) AS p (participant_id, device_id)
JOIN causes AS c USING (participant_id)
"""
BEGIN_SESSIONS = """
INSERT INTO sessions (participant_id, session_id, device_id, started_at, refreshed_at, refresh_expires_at)
SELECT p.participant_id, p.session_id, p.device_id, current_instant(), current_instant(), current_instant() + '30 days'
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (participant_id, device_id, session_id)
"""
# One entry to each, as an announcement or a night's run would write them: all in one call.
TELL = """
SELECT append_history(array(
    SELECT ROW(p.participant_id, $2, NULL, NULL, record_cause(p.participant_id, 'agency', 'tests', $3),
        '{"purpose": "savings", "name": "Ponsel", "month": "2026-10"}')::history_entry
    FROM unnest($1::uuid[]) AS p (participant_id)))
"""


class SignedInPerson(msgspec.Struct, frozen=True):
    participant_id: UUID
    device_id: UUID
    session_id: UUID
    token: str


async def gather(database_url: str, secret: str, people: int, *, sessions: int = 1) -> list[SignedInPerson]:
    """So many new people with so many sessions each; `database_url` is the superuser's. The tokens are good for a month."""
    tokens = Tokens(secret)
    until = datetime.now(UTC) + timedelta(days=30)
    ids = [(uuid4(), uuid4()) for _ in range(people)]
    owners, devices = [one for one, _ in ids], [device for _, device in ids]
    crowd = [
        SignedInPerson(person, device, session, tokens.issue_access(AccessToken(person, session, until)))
        for person, device in ids
        for session in (uuid4() for _ in range(sessions))
    ]
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE sepakat_writer")
            for statement in REGISTER:
                await connection.execute(statement, owners)
            await connection.execute("RESET ROLE")
            # Their identity numbers are sealed by nobody: whoever looks for matches must not open them.
            await connection.execute("DELETE FROM match_queue WHERE participant_id = any($1::uuid[])", owners)
            # A phone each without an entry about it: what writes history is silent where rows are copied.
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(ADD_PHONES, owners, devices)
            await connection.execute(
                BEGIN_SESSIONS,
                [one.participant_id for one in crowd],
                [one.device_id for one in crowd],
                [one.session_id for one in crowd],
            )
    finally:
        await connection.close()
    return crowd


async def tell(
    database_url: str, people: list[UUID], kind: str = "contribution_posted", *, reason: str = "Jadwal berubah"
) -> None:
    """One entry to each of these people, in one transaction; a person may stand there many times."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(TELL, people, kind, reason)
    finally:
        await connection.close()


async def analyse(database_url: str) -> None:
    """What autovacuum would do in a minute: from here on the server plans for as many as there are."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
