"""Thousands of people at once, each signed in: written in a few statements, with tokens as the API would issue them.

`tests/people.py` takes the way that a person takes. This is for what is only seen with many.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import msgspec

from app.identity.tokens import AccessToken, Tokens

GATHER = """
WITH people AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (participant_id, device_id, session_id)
), registered AS MATERIALIZED (
    SELECT p.*, register_participant(p.participant_id, sha256(uuid_send(p.participant_id)), '\\x00', 'Bayu Saputra',
        '1990-05-17', NULL, NULL, NULL, 'id', 'Asia/Jakarta', NULL, 'core', 'tests', NULL, NULL) AS is_new
    FROM people AS p
)
SELECT r.participant_id, r.device_id, r.session_id, record_cause(r.participant_id, 'system', 'tests') AS cause_id
FROM registered AS r WHERE r.is_new
"""
ADD_PHONES = """
INSERT INTO devices (participant_id, device_id, name, platform, public_key, added_at, cause_id)
SELECT p.*, 'Ponsel', 'android', '{}', current_instant(), c.cause_id
FROM unnest($1::uuid[], $2::uuid[]) AS p (participant_id, device_id)
JOIN unnest($1::uuid[], $3::uuid[]) AS c (participant_id, cause_id) USING (participant_id)
"""
BEGIN_SESSIONS = """
INSERT INTO sessions (participant_id, session_id, device_id, started_at, refreshed_at, refresh_expires_at)
SELECT p.participant_id, p.session_id, p.device_id, current_instant(), current_instant(), current_instant() + '30 days'
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (participant_id, device_id, session_id)
"""
# One entry to each, as an announcement or a night's run would write them: all in one call.
TELL = """
SELECT append_history(array(
    SELECT ROW(p.participant_id, $2, NULL, NULL, record_cause(p.participant_id, 'agency', 'tests', 'Jadwal layanan berubah'),
        '{"purpose": "savings", "name": "Ponsel", "month": "2026-10"}')::history_entry
    FROM unnest($1::uuid[]) AS p (participant_id)))
"""


class SignedInPerson(msgspec.Struct, frozen=True):
    participant_id: UUID
    device_id: UUID
    session_id: UUID
    token: str


async def gather(database_url: str, secret: str, people: int, *, sessions: int = 1) -> list[SignedInPerson]:
    """So many new people with so many sessions each; `database_url` is the owner's. Tokens are good for an hour of the
    real clock's, or of a clock that runs ahead by less than a month."""
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
            rows = await connection.fetch(GATHER, owners, devices, devices)
            by_owner = {row["participant_id"]: row["cause_id"] for row in rows}
            await connection.execute(ADD_PHONES, owners, devices, [by_owner[owner] for owner in owners])
            await connection.execute(
                BEGIN_SESSIONS,
                [one.participant_id for one in crowd],
                [one.device_id for one in crowd],
                [one.session_id for one in crowd],
            )
    finally:
        await connection.close()
    return crowd


async def tell(database_url: str, people: list[UUID], kind: str = "contribution_posted") -> None:
    """One entry to each of these people, in one transaction."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(TELL, people, kind)
    finally:
        await connection.close()
