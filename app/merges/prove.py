"""Keeps what a participant proves: the challenge spent, the signature checked, the confirmation written under its seal.

One confirmation for each proof of `merge`, `undo` or `accept`. Nothing is executed here: that is another role's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.identity.proofs import NonceText, Proof, check_hold, check_proof, open_challenge, spend
from app.identity.session import SignedIn
from app.identity.statements import canonical, decode_nonce
from app.merges.confirmation import merge_statement, seal
from app.merges.propose import WRITE
from app.platform.database import Connection, new_id
from app.settings import Settings

Code = Annotated[str, msgspec.Meta(max_length=60)]


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`plan_digest` is of the plan that was shown, `acknowledged` its warnings, `nonce` of a challenge for this purpose."""

    plan_digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    acknowledged: Annotated[list[Code], msgspec.Meta(max_length=20)]
    nonce: NonceText
    proof: Proof


async def keep_proven(
    connection: Connection,
    who: SignedIn,
    merge_id: UUID,
    data: Confirmation,
    *,
    purpose: str,
    settings: Settings,
    now: datetime,
) -> UUID:
    """The id of the confirmation that now stands in the database.

    Raises ChallengeUnknown, ChallengeSpent, ChallengeExpired, ProofInvalid, HoldInForce.
    """
    await open_challenge(
        connection,
        nonce=data.nonce,
        purpose=purpose,
        participant_id=who.participant_id,
        subject_id=merge_id,
        now=now,
    )
    statement = merge_statement(
        purpose=purpose,
        device_id=data.proof.device_id,
        merge_id=merge_id,
        plan_digest=data.plan_digest,
        acknowledged=data.acknowledged,
        nonce=data.nonce,
    )
    await spend(connection, data.nonce, now)
    key = await check_proof(connection, who=who, proof=data.proof, statement=statement, settings=settings)
    check_hold(key, now)

    confirmation_id, signed = new_id(), canonical(statement)
    await connection.execute(
        WRITE["keep_confirmation"],
        who.participant_id,
        confirmation_id,
        merge_id,
        purpose,
        data.plan_digest,
        sorted(data.acknowledged),
        key.device_id,
        key.passkey_id,
        decode_nonce(data.nonce),
        signed,
        key.evidence,
        seal(settings.secret, signed, key.evidence),
        now,
    )
    return confirmation_id
