"""PUT /v1/me/contact and its verification: another phone number, another e-mail address, or both.

Who asks proves it with a key; that the new contact is theirs says a code that goes there. The old one gets a notice that can
STOP, and the keys that did it confirm nothing for a while: whoever took a phone cannot move the number, and then the money.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.codes import one_time_code
from app.identity.contacts import Contact, mask_contact, read_contact
from app.identity.problems import (
    ChallengeExpired,
    ChallengeSpent,
    ContactChangesTooMany,
    ContactCodeInvalid,
    HoldInForce,
    ProofInvalid,
)
from app.identity.proofs import Key, NonceText, Proof, check_hold, check_proof, open_challenge, spend
from app.identity.session import SignedIn
from app.identity.statements import canonical, decode_nonce, subject_statement
from app.platform.database import Connection, new_id
from app.platform.jobs import Doorbell
from app.platform.problems import RequestInvalid
from app.platform.sealing import Sealer, read_sealer
from app.platform.sql import load
from app.settings import Settings

SQL = load("identity/contact")
CODE_TTL = timedelta(minutes=5)
TRIES_PER_CODE = 3


class ContactChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At least one contact. The proof is over a `change_contact` statement whose subject is me (`participant_id`)."""

    nonce: NonceText
    proof: Proof
    phone: Annotated[str, msgspec.Meta(min_length=8, max_length=30)] | None = None
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)] | None = None


class ContactAsked(msgspec.Struct, frozen=True):
    """To each contact that is named here, masked, a code of its own is on its way, good until `expires_at`."""

    phone: str | None
    email: str | None
    expires_at: datetime


class ContactVerification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that came to one of the new contacts."""

    otp: Annotated[str, msgspec.Meta(pattern="^[0-9]{8}$")]


class ContactApplied(msgspec.Struct, frozen=True):
    """The contact that is on file now, masked, and until when the keys that brought it there confirm nothing."""

    contact: Contact
    value: str
    hold_until: datetime


class _Wanted(msgspec.Struct, frozen=True):
    contact: Contact
    value: str

    @property
    def masked(self) -> str:
        return mask_contact(self.contact, self.value)


@put(
    "/v1/me/contact",
    status_code=202,
    opt={"problems": (ChallengeExpired, ChallengeSpent, ContactChangesTooMany, HoldInForce, ProofInvalid)},
    tags=["identity"],
)
async def ask_contact_change(
    data: JSONBody[ContactChange],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> ContactAsked:
    """Sends a code to the new phone by SMS, to the new address by mail. Nothing changes before it comes back.

    A change that was asked for before and waits for its code is replaced. A key on hold asks for none. Errors: 400 when
    there is nothing to change, 403 `proof_invalid`, `challenge_expired`, `hold_in_force {until}`, 409 `challenge_spent`, 429
    `contact_changes_too_many`.
    """
    sealer = read_sealer(settings.data_keys)
    wanted = await _read_wanted(connection, who, data, sealer)
    key, signed = await _prove(connection, who, data, settings, now)
    check_hold(key, now)
    await connection.execute(
        SQL["ask"],
        who.participant_id,
        key.key_id,
        decode_nonce(data.nonce),
        signed,
        key.evidence,
        now + CODE_TTL,
        [new_id() for _ in wanted],
        [one.contact for one in wanted],
        [sealer.seal(one.value, column=one.contact, row=who.participant_id) for one in wanted],
        [one.masked for one in wanted],
    )
    doorbell.ring(who.participant_id, who.lane)
    doorbell.ring_job("send_codes")
    masked = {one.contact: one.masked for one in wanted}
    return ContactAsked(phone=masked.get("phone"), email=masked.get("email"), expires_at=now + CODE_TTL)


async def _read_wanted(connection: Connection, who: SignedIn, data: ContactChange, sealer: Sealer) -> list[_Wanted]:
    """What is to change. Raises RequestInvalid for nothing, for what is malformed, and for what is on file already."""
    on_file = await read_contacts(connection, who.participant_id, sealer)
    wanted: list[_Wanted] = []
    contacts: tuple[tuple[Contact, str | None], ...] = (("phone", data.phone), ("email", data.email))
    for contact, text in contacts:
        if text is None:
            continue
        try:
            value = read_contact(contact, text)
        except ValueError as error:
            raise RequestInvalid(errors=[{"field": contact, "reason": str(error)}]) from None
        if value == on_file[contact]:
            raise RequestInvalid(errors=[{"field": contact, "reason": "this is the one on file already"}])
        wanted.append(_Wanted(contact, value))
    if not wanted:
        raise RequestInvalid(errors=[{"field": "phone", "reason": "send phone, email or both"}])
    return wanted


async def read_contacts(connection: Connection, participant_id: UUID, sealer: Sealer) -> dict[Contact, str | None]:
    """The contacts on file, as they are."""
    row = await connection.fetchrow(SQL["on_file"], participant_id)

    def unseal(contact: Contact) -> str | None:
        sealed = row[f"{contact}_sealed"] if row else None
        return None if sealed is None else sealer.open(sealed, column=contact, row=participant_id)

    return {"phone": unseal("phone"), "email": unseal("email")}


async def _prove(
    connection: Connection, who: SignedIn, data: ContactChange, settings: Settings, now: datetime
) -> tuple[Key, bytes]:
    """The key that signed, and the bytes that it signed."""
    await open_challenge(
        connection,
        nonce=data.nonce,
        purpose="change_contact",
        participant_id=who.participant_id,
        subject_id=who.participant_id,
        now=now,
    )
    await spend(connection, data.nonce, now)
    statement = subject_statement(
        purpose="change_contact", device_id=data.proof.device_id, subject_id=who.participant_id, nonce=data.nonce
    )
    key = await check_proof(connection, who=who, proof=data.proof, statement=statement, settings=settings)
    return key, canonical(statement)


@post(
    "/v1/me/contact/verification",
    status_code=200,
    opt={"problems": (ContactCodeInvalid,)},
    tags=["identity"],
)
async def verify_contact(
    data: JSONBody[ContactVerification],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> ContactApplied:
    """The contact whose code this is becomes the one on file; the old one gets a notice.

    Every try is counted before a code is looked at, in this transaction, and against each change that waits. Error: 422
    `contact_code_invalid {tries_left}`, also when nothing waits. No card changes; a merge that one of the held keys
    confirmed is carried out when the hold is over.
    """
    open_changes = await connection.fetch(SQL["try_codes"], who.participant_id)
    right = [
        row for row in open_changes if hmac.compare_digest(one_time_code(settings.secret, row["change_id"]), data.otp)
    ]
    if not right:
        tries = min((row["tries"] for row in open_changes), default=TRIES_PER_CODE)
        raise ContactCodeInvalid(tries_left=TRIES_PER_CODE - tries)
    contact: Contact = right[0]["channel"]
    sealer = read_sealer(settings.data_keys)
    before = (await read_contacts(connection, who.participant_id, sealer))[contact]
    hold = timedelta(seconds=settings.key_hold_s)
    masked_before = None if before is None else mask_contact(contact, before)
    await connection.execute(SQL["apply"], who.participant_id, right[0]["change_id"], who.key_id, hold, masked_before)
    doorbell.ring(who.participant_id, who.lane)
    doorbell.ring_job("send_codes")
    after = (await read_contacts(connection, who.participant_id, sealer))[contact]
    return ContactApplied(contact=contact, value=mask_contact(contact, str(after)), hold_until=now + hold)
