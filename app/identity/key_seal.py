"""The seal of a key: that a process of ours added it, having seen who answered for it, and not somebody who can write rows.

Without it whoever types SQL in the API's role could put in a key of their own, sign in with it like anybody, and agree. It is
made with the look-up key of SEPAKAT_DATA_KEYS, which stays for the life of an installation, as keys do.
"""

from __future__ import annotations

import hmac
from typing import Any
from uuid import UUID

import rfc8785

from app.platform.sealing import read_sealer
from app.settings import Settings


def seal_key(settings: Settings, participant_id: UUID, key_id: UUID, public_key: dict[str, Any]) -> bytes:
    """32 bytes over whose key it is, its id, and the key itself."""
    said: dict[str, Any] = {"participant_id": str(participant_id), "key_id": str(key_id), "public_key": public_key}
    return read_sealer(settings.data_keys).look_up(rfc8785.dumps(said).decode(), column="key")


def is_ours(
    settings: Settings, participant_id: UUID, key_id: UUID, public_key: dict[str, Any], stored: bytes | None
) -> bool:
    """Whether a stored key carries its seal."""
    return stored is not None and hmac.compare_digest(stored, seal_key(settings, participant_id, key_id, public_key))
