"""`sepakat keys rotate`: everything that is sealed, under the newest data key.

Nothing stops meanwhile: whatever runs opens by every key of the file. Ended anywhere, it goes on where something is
left to do; what changed under its hands has the newest key already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg

from app.platform.sealing import Sealer, read_sealer
from app.platform.sql import load

SQL = load("identity/rotate_keys")
BATCH = 1000


async def rotate_keys(admin_url: str, data_keys: str, tell: Callable[[int], None]) -> int:
    """Seals anew, in batches, whatever another key than the newest sealed. Returns how many rows; `tell` hears it as it grows.

    `admin_url` is of a role that may act as the owner: no role of the product may. Raises SettingsError, SealBroken.
    """
    sealer, done = read_sealer(data_keys), 0
    connection = await asyncpg.connect(admin_url)
    try:
        for name, start, reseal in (
            ("participants", (UUID(int=0),), _reseal_participant),
            ("heirs", (UUID(int=0),), _reseal_heir),
            ("contact_changes", (UUID(int=0), UUID(int=0)), _reseal_contact),
            ("contact_messages", (UUID(int=0), UUID(int=0)), _reseal_contact),
            ("corrections", (UUID(int=0), UUID(int=0)), _reseal_correction),
            ("events", ("",), _reseal_event),
            ("quarantined", ("", b""), _reseal_quarantined),
        ):
            behind: tuple[Any, ...] = start
            while rows := await connection.fetch(SQL[name], sealer.newest, BATCH, *behind):
                await connection.executemany(SQL[f"reseal_{name}"], [reseal(sealer, row) for row in rows])
                behind = tuple(rows[-1].values())[: len(start)]
                done += len(rows)
                tell(done)
    finally:
        await connection.close()
    return done


def _reseal_participant(sealer: Sealer, row: asyncpg.Record) -> tuple[Any, ...]:
    names = ("nik", "phone", "email")
    before = [row[f"{name}_sealed"] for name in names]
    after = (_anew(sealer, sealed, name, row["participant_id"]) for name, sealed in zip(names, before, strict=True))
    return row["participant_id"], before, *after


def _reseal_heir(sealer: Sealer, row: asyncpg.Record) -> tuple[Any, ...]:
    return row["case_id"], _anew(sealer, row["phone_sealed"], "heir_phone", row["case_id"])


def _reseal_contact(sealer: Sealer, row: asyncpg.Record) -> tuple[Any, ...]:
    """A contact that is on its way is sealed as it is when it is on file."""
    participant_id, id_, channel, sealed = row.values()
    return participant_id, id_, _anew(sealer, sealed, channel, participant_id)


def _reseal_correction(sealer: Sealer, row: asyncpg.Record) -> tuple[Any, ...]:
    return row["participant_id"], row["case_id"], _anew(sealer, row["wanted_sealed"], "correction", row["case_id"])


def _reseal_event(sealer: Sealer, row: asyncpg.Record) -> tuple[Any, ...]:
    before = row["content_sealed"], row["detail_sealed"]
    after = (
        _anew(sealer, sealed, name, row["event_id"]) for name, sealed in zip(("content", "detail"), before, strict=True)
    )
    return row["event_id"], *before, *after


def _reseal_quarantined(sealer: Sealer, row: asyncpg.Record) -> tuple[Any, ...]:
    content = _anew(sealer, row["content_sealed"], "content", row["event_id"])
    return row["event_id"], row["content_hash"], content


def _anew(sealer: Sealer, sealed: bytes | None, column: str, row: UUID | str) -> bytes | None:
    if sealed is None:
        return None
    return sealer.seal(sealer.open(sealed, column=column, row=row), column=column, row=row)
