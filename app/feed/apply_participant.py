"""A participant becomes known."""

from __future__ import annotations

from app.feed.event import ParticipantRegistered
from app.feed.import_fields import FieldError, read_email, read_name, read_phone
from app.feed.rejection import Rejected
from app.feed.turn import SQL, Applied, Turn, check_streams
from app.platform.database import new_id


async def register_participant(turn: Turn, data: ParticipantRegistered) -> Applied:
    """A new participant with a history. Raises Rejected: `participant_known`, `data_invalid`, `stream_foreign`."""
    check_streams(turn.event, nik=data.nik, kpjs=())
    try:
        name = read_name(data.name)
        phone = read_phone(data.phone) if data.phone is not None else None
        email = read_email(data.email) if data.email is not None else None
    except FieldError as error:
        raise Rejected("data_invalid", reason=f"name, phone or email {error}") from None
    participant_id = new_id()
    row = await turn.connection.fetchrow(
        SQL["register_participant"],
        participant_id,
        data.nik,
        name,
        data.birth_date,
        phone,
        data.phone_since,
        email,
        data.locale,
        data.time_zone,
        turn.event.id,
        turn.event.occurred_at,
    )
    if row is None or not row["is_new"]:
        raise Rejected("participant_known")
    return Applied(participant_id, row["lane"])
