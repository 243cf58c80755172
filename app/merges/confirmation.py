"""A confirmation: the statement that was signed, its proof, and the seal of the process that verified it. Pure.

Only the API writes confirmations and only the worker executes, each under its own database role. The seal is an HMAC that
no SQL role can compute: a confirmation that somebody inserts by SQL is not executed.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.identity.proofs import holds
from app.identity.statements import canonical, encode_nonce, write_device
from app.identity.tokens import derive_key


def merge_statement(
    *, purpose: str, device_id: UUID | None, merge_id: UUID, plan_digest: str, acknowledged: Sequence[str], nonce: str
) -> dict[str, Any]:
    """What the participant signs; rebuilt by the server, never taken from the client."""
    return {
        "version": 1,
        "purpose": purpose,
        "device_id": write_device(device_id),
        "merge_id": str(merge_id),
        "plan_digest": plan_digest,
        "acknowledged": sorted(acknowledged),
        "nonce": nonce,
    }


def seal(secret: str, statement: bytes, proof: dict[str, Any]) -> bytes:
    """32 bytes over statement and proof."""
    message = len(statement).to_bytes(4) + statement + canonical(proof)
    return hmac.digest(derive_key(secret, "confirmation seal"), message, "sha256")


def is_genuine(
    *,
    secret: str,
    public_key: dict[str, Any],
    purpose: str,
    merge_id: UUID,
    plan_digest: str,
    acknowledged: Sequence[str],
    device_id: UUID | None,
    passkey_id: UUID | None,
    nonce: bytes,
    statement: bytes,
    proof: dict[str, Any],
    stored_seal: bytes,
) -> bool:
    """True when the stored confirmation carries the seal, says what its columns say, and was signed by that key."""
    expected = canonical(
        merge_statement(
            purpose=purpose,
            device_id=device_id,
            merge_id=merge_id,
            plan_digest=plan_digest,
            acknowledged=acknowledged,
            nonce=encode_nonce(nonce),
        )
    )
    return (
        hmac.compare_digest(stored_seal, seal(secret, statement, proof))
        and statement == expected
        and holds(public_key=public_key, device_id=device_id, passkey_id=passkey_id, statement=statement, proof=proof)
    )
