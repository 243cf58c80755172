"""A phone that changes its owner's contacts, and the codes that go to the new ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from app.identity.codes import one_time_code
from tests.conftest import SECRET, Database
from tests.people import Person, Phone

NEW_PHONE = "+6281200987021"
NEW_EMAIL = "rumah@example.id"


async def ask_change(phone: Phone, person: Person, /, **contacts: Any) -> httpx.Response:
    """Asks for other contacts, proved by this phone."""
    proven = await phone.prove("change_contact", person.participant_id)
    return await phone.put("/v1/me/contact", contacts | proven)


async def code_for(database: Database, person: Person, channel: str) -> str:
    """The code that goes to the new contact."""
    connection = await database.connect()
    change_id: UUID = await connection.fetchval(
        "SELECT change_id FROM contact_changes WHERE participant_id = $1 AND channel = $2 AND state = 'open'",
        person.participant_id,
        channel,
    )
    await connection.close()
    return one_time_code(SECRET, change_id)


async def type_code(phone: Phone, otp: str) -> httpx.Response:
    return await phone.post("/v1/me/contact/verification", {"otp": otp})


async def change(phone: Phone, database: Database, person: Person, /, **contacts: Any) -> dict[str, Any]:
    """Changes one contact from beginning to end."""
    asked = await ask_change(phone, person, **contacts)
    assert asked.status_code == 202, asked.text
    applied = await type_code(phone, await code_for(database, person, next(iter(contacts))))
    assert applied.status_code == 200, applied.text
    found: dict[str, Any] = applied.json()
    return found
