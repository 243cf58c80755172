"""GET /v1/me/export: everything that is kept about me, with the chain, signed, for me and for any program.

One JSON object: `export`, and a detached JWS over its RFC 8785 form (`protected`, `signature`), so that it can be read
as it is and indented at will, and nothing in it can be altered. docs/receipts.md says what verifies what.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from app.history.problems import ExportTooLarge
from app.history.roots import find_inclusion
from app.history.written import write_instant, write_row
from app.identity.session import SignedIn
from app.platform.clock import jakarta_day
from app.platform.database import Connection
from app.platform.sealing import Sealer, read_sealer
from app.platform.signing import SigningKeys, read_signing_keys
from app.platform.sql import load
from app.settings import Settings

SQL = load("history/export")
PARTS = {name: text for name, text in SQL.items() if name != "lock"}
"""One statement for each part; a test compares them with the tables that are a participant's."""
ONE_ROW = ("participant", "head", "read_up_to")
MAX_ROWS = 20_000
"""Of each part. Sixty years of contributions to five cards are 3,600 entries."""
TYPE = "sepakat-export"
Parts = dict[str, Sequence[Any]]


@get(
    "/v1/me/export",
    opt={"problems": (ExportTooLarge,), "answers": {200: {"application/json": {"type": "object"}}}},
    tags=["identity"],
)
async def export(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> Response[bytes]:
    """All my data as one signed file, at most 20,000 rows of each kind: check it with `sepakat verify history FILE`."""
    parts = await read_parts(connection, who.participant_id, read_sealer(settings.data_keys))
    told = {
        "version": 1,
        "issuer": settings.public_origin,
        "issued_at": write_instant(now),
        "root": msgspec.to_builtins(await find_inclusion(connection, who.participant_id)),
    }
    content = await asyncio.to_thread(sign_export, told, parts, read_signing_keys(settings.receipt_keys))
    name = f"sepakat-{jakarta_day(now)}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(content, media_type="application/json", headers=headers)


async def read_parts(connection: Connection, participant_id: UUID, sealer: Sealer) -> Parts:
    """Every part by name, as of one moment: the head stays locked, so that no change comes in between."""
    await connection.fetchrow(SQL["lock"], participant_id)
    found: Parts = {}
    for name, text in PARTS.items():
        limit = [MAX_ROWS + 1] if "$2" in text else []
        rows = await connection.fetch(text, participant_id, *limit)
        if len(rows) > MAX_ROWS:
            raise ExportTooLarge(part=name, limit=MAX_ROWS)
        found[name] = rows
    found["participant"] = [_open(dict(row), sealer) for row in found["participant"]]
    found["corrections"] = [_open_wanted(dict(row), sealer) for row in found["corrections"]]
    return found


def _open(participant: dict[str, Any], sealer: Sealer) -> dict[str, Any]:
    """Identity number and contacts as their owner knows them."""
    for column in ("nik", "phone", "email"):
        sealed = participant.pop(f"{column}_sealed")
        participant[column] = sealed and sealer.open(sealed, column=column, row=participant["participant_id"])
    return participant


def _open_wanted(correction: dict[str, Any], sealer: Sealer) -> dict[str, Any]:
    wanted = sealer.open(correction.pop("wanted_sealed"), column="correction", row=correction["case_id"])
    return correction | {"wanted": wanted}


def sign_export(told: dict[str, Any], parts: Parts, keys: SigningKeys) -> bytes:
    """The file: canonical JSON of what is told of the export itself, and of every part."""
    found = dict(told)
    for name, rows in parts.items():
        written = [write_row(dict(row)) for row in rows]
        found[name] = next(iter(written), None) if name in ONE_ROW else written
    # Without fractions, and with names in ASCII, this is the RFC 8785 form, some forty times as fast; a test compares.
    canonical = msgspec.json.encode(found, order="sorted")
    signed = keys.sign(canonical, type_=TYPE)
    rest = msgspec.json.encode({"protected": signed.protected, "signature": signed.signature})
    return b'{"export":' + canonical + b"," + rest[1:]
