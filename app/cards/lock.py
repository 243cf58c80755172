"""Locking a card: it is in no merge then, whoever proposes it. Locking is one tap; unlocking takes a proof."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.cards.problems import CardUnknown
from app.cards.show import CardShown, show_card
from app.identity.problems import ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid
from app.identity.proofs import Key, NonceText, Proof, check_hold, check_proof, open_challenge, spend
from app.identity.session import SignedIn
from app.identity.statements import canonical, decode_nonce, subject_statement
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

SQL = load("cards/lock")


class Unlocking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`nonce` of an `unlock` challenge; the proof is over `{version, purpose, device_id, subject_id, nonce}`."""

    nonce: NonceText
    proof: Proof


@put("/v1/cards/{card_id:uuid}/lock", opt={"problems": (CardUnknown,)}, tags=["cards"])
async def lock(
    card_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
) -> CardShown:
    """Never merge this card. Open merges that hold it are cancelled; locking it again changes nothing."""
    await show_card(connection, who, card_id)
    await connection.fetchval(SQL["lock"], who.participant_id, card_id, who.key_id)
    doorbell.ring(who.participant_id, who.lane)
    return await show_card(connection, who, card_id)


@delete(
    "/v1/cards/{card_id:uuid}/lock",
    status_code=200,
    opt={"problems": (CardUnknown, ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid)},
    tags=["cards"],
)
async def unlock(
    card_id: FromPath[UUID],
    data: JSONBody[Unlocking],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> CardShown:
    """Lets the card be merged again, proved by this phone's key or a passkey over an `unlock` statement about the card."""
    await show_card(connection, who, card_id)
    key, signed = await prove_unlock(connection, who, card_id, data, settings, now)
    check_hold(key, now)
    await connection.fetchval(
        SQL["unlock"],
        who.participant_id,
        card_id,
        key.key_id,
        decode_nonce(data.nonce),
        signed,
        key.evidence,
    )
    doorbell.ring(who.participant_id, who.lane)
    return await show_card(connection, who, card_id)


async def prove_unlock(
    connection: Connection, who: SignedIn, subject_id: UUID, data: Unlocking, settings: Settings, now: datetime
) -> tuple[Key, bytes]:
    """Spends the challenge and checks the proof. Returns the key and the bytes that it signed.

    Raises ProofInvalid, ChallengeSpent, ChallengeExpired; whether the key is old enough is for the caller to say.
    """
    await open_challenge(
        connection,
        nonce=data.nonce,
        purpose="unlock",
        participant_id=who.participant_id,
        subject_id=subject_id,
        now=now,
    )
    await spend(connection, data.nonce, now)
    statement = subject_statement(
        purpose="unlock", device_id=data.proof.device_id, subject_id=subject_id, nonce=data.nonce
    )
    key = await check_proof(connection, who=who, proof=data.proof, statement=statement, settings=settings)
    return key, canonical(statement)
