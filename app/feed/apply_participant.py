"""A participant becomes known, dies, or loses the number that codes are sent to."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from uuid import UUID

import asyncpg

from app.feed.event import ParticipantRegistered, ParticipantTold
from app.feed.import_fields import FieldError, read_email, read_name, read_phone
from app.feed.rejection import Rejected
from app.feed.turn import SQL, Applied, Turn, check_streams, record_cause
from app.platform.database import new_id
from app.platform.sql import load

TOLD = load("feed/apply_participant")


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
    seal = partial(turn.sealer.seal, row=participant_id)
    row = await turn.connection.fetchrow(
        SQL["register_participant"],
        participant_id,
        turn.nik_hash(data.nik),
        seal(data.nik, column="nik"),
        name,
        data.birth_date,
        seal(phone, column="phone") if phone is not None else None,
        data.phone_since,
        seal(email, column="email") if email is not None else None,
        data.locale,
        data.time_zone,
        turn.event.id,
        turn.event.occurred_at,
    )
    if row is None or not row["is_new"]:
        raise Rejected("participant_known")
    return Applied(participant_id, row["lane"])


async def record_death(turn: Turn, data: ParticipantTold) -> Applied:
    """Ends every open merge of the participant; heirs go on by a case. Told again, it changes nothing.

    Raises Rejected: `participant_unknown`, `stream_foreign`, `death_known` when another day is on file.
    """
    row = await find_participant(turn, data.nik)
    on_file: date | None = row["deceased_on"]
    if on_file == data.on:
        return Applied(row["participant_id"], row["lane"], "nothing_changed")
    if on_file is not None:
        raise Rejected("death_known", on=on_file)
    cause_id = await record_cause(turn, row["participant_id"])
    await turn.connection.execute(TOLD["record_death"], row["participant_id"], data.on, cause_id)
    return Applied(row["participant_id"], row["lane"])


async def record_ported_number(turn: Turn, data: ParticipantTold) -> Applied:
    """Begins the hold of every key again that a code to this number may have brought, and delays what such a key confirmed.

    Raises Rejected: `participant_unknown`, `stream_foreign`.
    """
    row = await find_participant(turn, data.nik)
    cause_id = await record_cause(turn, row["participant_id"])
    hold = timedelta(seconds=turn.settings.key_hold_s)
    participant_id: UUID = row["participant_id"]
    await turn.connection.execute(TOLD["record_ported_number"], participant_id, data.on, hold, cause_id)
    return Applied(participant_id, row["lane"])


async def find_participant(turn: Turn, nik: str) -> asyncpg.Record:
    """participant_id, lane and deceased_on of the participant, locked from here on.

    Raises Rejected: `participant_unknown`, `stream_foreign`.
    """
    check_streams(turn.event, nik=nik, kpjs=())
    participant_id = await turn.connection.fetchval(TOLD["lock"], turn.nik_hash(nik))
    row = await turn.connection.fetchrow(TOLD["find"], participant_id)
    if row is None:
        raise Rejected("participant_unknown")
    return row
