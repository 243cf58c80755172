"""A participant becomes known, is corrected, dies, or loses the number that codes are sent to."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from uuid import UUID

import asyncpg

from app.feed.event import EmployerUpdated, ParticipantRegistered, ParticipantTold, ParticipantUpdated
from app.feed.import_fields import FieldError, read_email, read_name, read_phone
from app.feed.rejection import Rejected
from app.feed.turn import SQL, Applied, Turn, check_no_streams, check_streams, record_cause
from app.identity.contacts import Contact, mask_contact
from app.platform.database import new_id
from app.platform.sql import load

TOLD = load("feed/apply_participant")


async def register_participant(turn: Turn, data: ParticipantRegistered) -> Applied:
    """A new participant with a history. Raises Rejected: `participant_known`, `data_invalid`, `stream_foreign`."""
    check_streams(turn.event, nik=data.nik, kpjs=())
    name, phone, email = _read_texts(data.name, data.phone, data.email)
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


def _read_texts(name: str | None, phone: str | None, email: str | None) -> tuple[str | None, str | None, str | None]:
    """Each as it is kept, None left out. Raises Rejected: `data_invalid`."""
    try:
        return (
            name and read_name(name),
            read_phone(phone) if phone is not None else None,
            read_email(email) if email is not None else None,
        )
    except FieldError as error:
        raise Rejected("data_invalid", reason=f"name, phone or email {error}") from None


async def update_participant(turn: Turn, data: ParticipantUpdated) -> Applied:
    """Corrects what is on file about a participant, and no card. Whoever had the old contact is told there too.

    A new number without `phone_since` counts from the day of the event. Raises Rejected: `participant_unknown`,
    `data_invalid`, `stream_foreign`.
    """
    name, phone, email = _read_texts(data.name, data.phone, data.email)
    row = await find_participant(turn, data.nik)
    participant_id: UUID = row["participant_id"]
    changes, masked = _find_new_contacts(turn, row, {"phone": phone, "email": email})
    since = (data.phone_since or turn.event.day) if changes["phone"] else data.phone_since
    wanted = (name, data.birth_date, since, data.locale, data.time_zone)
    on_file = (row["name"], row["birth_date"], row["phone_since"], row["locale"], row["time_zone"])
    if not masked and all(new is None or new == old for new, old in zip(wanted, on_file, strict=True)):
        return Applied(participant_id, row["lane"], "nothing_changed")
    cause_id = await record_cause(turn, participant_id)
    await turn.connection.execute(
        TOLD["update"],
        participant_id,
        name,
        data.birth_date,
        changes["phone"],
        since,
        changes["email"],
        data.locale,
        data.time_zone,
        masked,
        cause_id,
    )
    return Applied(participant_id, row["lane"])


def _find_new_contacts(
    turn: Turn, row: asyncpg.Record, told: dict[Contact, str | None]
) -> tuple[dict[Contact, bytes | None], dict[Contact, dict[str, str]]]:
    """The contacts that are others than those on file, sealed; and, of these alone, before and after as entries tell them."""
    participant_id: UUID = row["participant_id"]
    changes: dict[Contact, bytes | None] = {}
    masked: dict[Contact, dict[str, str]] = {}
    for contact, value in told.items():
        sealed = row[f"{contact}_sealed"]
        before = sealed and turn.sealer.open(sealed, column=contact, row=participant_id)
        changes[contact] = None
        if value is not None and value != before:
            changes[contact] = turn.sealer.seal(value, column=contact, row=participant_id)
            masked[contact] = {"after": mask_contact(contact, value)}
            if before is not None:
                masked[contact]["before"] = mask_contact(contact, before)
    return changes, masked


async def update_employer(turn: Turn, data: EmployerUpdated) -> Applied:
    """Gives an employer another name, wherever it stands. No card changes, so that there is nobody to tell.

    Raises Rejected: `employer_unknown`, `stream_foreign`.
    """
    check_no_streams(turn.event)
    if await turn.connection.fetchval(TOLD["update_employer"], data.employer_id, data.name) is None:
        raise Rejected("employer_unknown")
    return Applied(None, None)


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
    """what is on file of the participant, and the lane; locked from here on.

    Raises Rejected: `participant_unknown`, `stream_foreign`.
    """
    check_streams(turn.event, nik=nik, kpjs=())
    participant_id = await turn.connection.fetchval(TOLD["lock"], turn.nik_hash(nik))
    row = await turn.connection.fetchrow(TOLD["find"], participant_id)
    if row is None:
        raise Rejected("participant_unknown")
    return row
