from __future__ import annotations

import httpx

from tests.conftest import Database
from tests.people import NewCard, Phone, add_person


async def test_somebody_who_reads_the_code_on_the_phone_on_file_is_signed_in(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database, NewCard(balance=9_910_352, status="active"), NewCard())
    phone = await Phone(api).enrol(person)
    assert set(phone.session) == {
        "session_id",
        "access_token",
        "access_expires_at",
        "refresh_token",
        "refresh_expires_at",
    }
    await phone.sign_in()
    await phone.refresh()
