"""Add a passkey: a key that is there already says so, and vouches for it.

Nothing signs a new passkey (attestation is `none`: no person is told from another by the make of their device). What
binds it is the proof: its `subject_id` is the thumbprint of the new key.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import msgspec
import structlog
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.authenticator import NewCredential, Registered, verify_registration
from app.identity.challenge import CHALLENGE_TTL_S, MAKE
from app.identity.enrol import DeviceName
from app.identity.key_seal import seal_key
from app.identity.passkey_options import CreationOptions, RequestOptions, creation_options, request_options
from app.identity.problems import ChallengeExpired, ChallengeSpent, ProofInvalid
from app.identity.proofs import Key, NonceText, Proof, check_proof, open_challenge, spend
from app.identity.session import SignedIn
from app.identity.statements import NONCE_BYTES, canonical, decode_nonce, encode_nonce, subject_statement
from app.passkeys.problems import PasskeyAlreadyAdded, PasskeyInvalid, PasskeysNotOffered, TooManyPasskeys
from app.passkeys.show import SHOW, Passkey
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.relying_party import find_relying_party
from app.platform.sealing import read_sealer
from app.platform.sql import load
from app.platform.strict_json import Nothing
from app.settings import Settings

log = structlog.get_logger()

SQL = load("passkeys/add")
MOST = 20  # of one person, at one time


class NewPasskey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`credential` is what the browser made of the options; `nonce` is theirs, and in the statement of the proof."""

    name: DeviceName
    credential: NewCredential
    nonce: NonceText
    proof: Proof


class PasskeyOptions(msgspec.Struct, frozen=True):
    """`options` for making a passkey; `passkey` for proving it with one that is there, null when there is none."""

    nonce: str
    expires_at: datetime
    options: CreationOptions
    passkey: RequestOptions | None


@post(
    "/v1/passkeys/options",
    status_code=200,
    opt={"problems": (PasskeysNotOffered,), "repeatable": True},
    tags=["passkeys"],
)
async def make_options(
    data: JSONBody[Nothing],  # noqa: ARG001
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> PasskeyOptions:
    """What a browser needs to make a passkey, and the nonce of its proof: 5 minutes, once. Errors: 404 `passkeys_not_offered`."""
    party = find_relying_party(settings)
    if party is None:
        raise PasskeysNotOffered
    nonce = secrets.token_bytes(NONCE_BYTES)
    expires_at = now + timedelta(seconds=CHALLENGE_TTL_S)
    await connection.execute(MAKE, nonce, "add_key", who.participant_id, None, None, expires_at)
    return PasskeyOptions(
        nonce=encode_nonce(nonce),
        expires_at=expires_at,
        options=await creation_options(
            connection, party, who.participant_id, encode_nonce(nonce), read_sealer(settings.data_keys)
        ),
        passkey=await request_options(connection, party, who.participant_id),
    )


@post(
    "/v1/passkeys",
    status_code=201,
    opt={
        "problems": (
            ChallengeExpired,
            ChallengeSpent,
            PasskeyAlreadyAdded,
            PasskeyInvalid,
            PasskeysNotOffered,
            ProofInvalid,
            TooManyPasskeys,
        )
    },
    tags=["passkeys"],
)
async def add_passkey(
    data: JSONBody[NewPasskey],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> Passkey:
    """Adds a passkey, proved by a key of mine over an `add_key` statement whose `subject_id` is the new key's thumbprint.

    The thumbprint is the first 16 bytes of the SHA-256 of the key's SubjectPublicKeyInfo (the browser's `getPublicKey()`),
    written as a UUID; it becomes the passkey's id. It may confirm at once, unless the key that vouches for it is on hold.
    """
    party = find_relying_party(settings)
    if party is None:
        raise PasskeysNotOffered
    mine = who.participant_id
    await open_challenge(connection, nonce=data.nonce, purpose="add_key", participant_id=mine, subject_id=None, now=now)
    await spend(connection, data.nonce, now)
    try:
        new = verify_registration(data.credential, decode_nonce(data.nonce), party)
    except ValueError as error:
        log.info("passkey_refused", reason=str(error))
        raise PasskeyInvalid from None
    statement = subject_statement(
        purpose="add_key", device_id=data.proof.device_id, subject_id=new.passkey_id, nonce=data.nonce
    )
    voucher = await check_proof(connection, who=who, proof=data.proof, statement=statement, settings=settings)
    await _keep(connection, who, data, new, voucher, canonical(statement), settings, now)
    doorbell.ring(mine, who.lane)
    return msgspec.convert(await connection.fetchrow(SHOW["one"], mine, new.passkey_id, who.passkey_id, now), Passkey)


async def _keep(
    connection: Connection,
    who: SignedIn,
    data: NewPasskey,
    new: Registered,
    voucher: Key,
    signed: bytes,
    settings: Settings,
    now: datetime,
) -> None:
    """The entry `key_added` is written by the table itself, with the cause recorded here."""
    mine = who.participant_id
    cause_id = await connection.fetchval(SQL["record_cause"], mine, voucher.key_id)
    # After the cause: it holds the participant's head, so that two at once count each other.
    if await connection.fetchval(SQL["is_known"], mine, new.passkey_id, new.credential_id):
        raise PasskeyAlreadyAdded
    if await connection.fetchval(SQL["count"], mine) >= MOST:
        raise TooManyPasskeys(limit=MOST)
    held = voucher.hold_until is not None and voucher.hold_until > now
    hold_until = max(voucher.hold_until or now, now + timedelta(seconds=settings.key_hold_s)) if held else None
    await connection.execute(SQL["own"], new.credential_id, mine, new.passkey_id)
    await connection.execute(
        SQL["add"],
        mine,
        new.passkey_id,
        data.name,
        new.credential_id,
        new.public_key,
        new.transports,
        new.use.synced,
        new.use.sign_count,
        now,
        voucher.key_id,
        decode_nonce(data.nonce),
        signed,
        voucher.evidence,
        hold_until,
        cause_id,
        seal_key(settings, mine, new.passkey_id, new.public_key),
    )
