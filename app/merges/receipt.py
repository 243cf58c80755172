"""GET /v1/merges/{id}/receipt: what was agreed and what was done, signed, to be checked by anybody without asking us.

A JWS whose payload holds plan, statement, proof, ledger entries and history entries; or the same as a PDF that carries
the JWS inside. What verifies what: docs/receipts.md. `sepakat verify receipt` checks it with code that shares none of this.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import rfc8785
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter

from app.history.written import write_row
from app.identity.session import SignedIn
from app.merges.merge import severity, text
from app.merges.problems import MergeUnknown, ReceiptNotYet
from app.merges.receipt_pdf import draw_receipt
from app.platform.clock import jakarta_day
from app.platform.database import Connection
from app.platform.sealing import read_sealer
from app.platform.signing import read_signing_keys
from app.platform.sql import load
from app.settings import Settings

SQL = load("merges/receipt")
JOSE, PDF = "application/jose+json", "application/pdf"
TYPE = "sepakat-receipt"


@get(
    "/v1/merges/{merge_id:uuid}/receipt",
    opt={
        "problems": (MergeUnknown, ReceiptNotYet),
        "answers": {200: {JOSE: {"type": "object"}, PDF: {"type": "string", "format": "binary"}}},
    },
    tags=["merges"],
)
async def show_receipt(
    merge_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
    accept: Annotated[str, HeaderParameter(name="Accept", max_length=1000)] = "*/*",
) -> Response[bytes]:
    """The receipt of a merge that was carried out: `application/jose+json`, or `application/pdf` when that is asked for."""
    payload = await read_receipt(connection, who.participant_id, merge_id, settings, now)
    signed = read_signing_keys(settings.receipt_keys).sign(rfc8785.dumps(payload), type_=TYPE)
    content = rfc8785.dumps(msgspec.to_builtins(signed))
    media_type, ending = (PDF, "pdf") if prefers_pdf(accept) else (JOSE, "json")
    if media_type == PDF:
        content = await asyncio.to_thread(draw_receipt, payload, content)
    headers = {
        "Content-Disposition": f'attachment; filename="sepakat-{merge_id}.{ending}"',
        "Cache-Control": "private, no-store",
        "Vary": "Accept",
    }
    return Response(content, media_type=media_type, headers=headers)


async def read_receipt(
    connection: Connection, participant_id: UUID, merge_id: UUID, settings: Settings, now: datetime
) -> dict[str, Any]:
    """The payload, as of one moment. Raises MergeUnknown; ReceiptNotYet before anything was carried out."""
    await connection.fetchrow(SQL["lock"], participant_id)
    merge = await connection.fetchrow(SQL["merge"], participant_id, merge_id)
    if merge is None:
        raise MergeUnknown
    acts = await connection.fetch(SQL["acts"], participant_id, merge_id)
    if not acts:
        raise ReceiptNotYet(state=merge["state"])
    ledger = await connection.fetch(SQL["ledger"], participant_id, merge_id)
    history = await connection.fetch(SQL["history"], participant_id, merge_id)
    found = dict(merge)
    nik = read_sealer(settings.data_keys).open(found.pop("nik_sealed"), column="nik", row=participant_id)
    told = write_row(found)
    return {
        "version": 1,
        "issuer": settings.public_origin,
        "issued_at": write_row({"now": now})["now"],
        "participant": {
            "participant_id": str(participant_id),
            "name": told.pop("name"),
            "nik_last4": nik[-4:],
        },
        "head": {"seq": told.pop("head_seq"), "hash": told.pop("head_hash")},
        "merge": told,
        "acts": [_describe(act) for act in acts],
        "ledger": [write_row(dict(row)) for row in ledger],
        "history": [write_row(dict(row)) for row in history],
    }


def prefers_pdf(accept: str) -> bool:
    """Whether an Accept header (RFC 9110) wants a PDF more than the JWS, which is the default."""
    weights = {}
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            weights[name] = float(quality)
        except ValueError:
            weights[name] = 0.0
    return weights.get(PDF, 0.0) > weights.get(JOSE, 0.0)


def _describe(act: Any) -> dict[str, Any]:
    """One act: the plan and its digest, what was shown with it, what was signed, with which key, and what came of it."""
    plan = msgspec.json.decode(act["canonical"])
    day = jakarta_day(act["plan_made_at"])
    shown = [
        {
            "code": code,
            "severity": severity(code),
            **{locale: text(code, locale, day, plan["wording"]) for locale in ("id", "en")},
        }
        for code in plan["consequences"]
    ]
    told = write_row({name: value for name, value in act.items() if name not in ("canonical", "statement")})
    device_id, passkey_id = told.pop("device_id"), told.pop("passkey_id")
    key = {"name": told.pop("key_name"), "platform": told.pop("platform"), "added_at": told.pop("added_at")}
    return told | {
        "plan": plan,
        "before": _state(plan, "before"),
        "after": _state(plan, "after"),
        "shown": {"wording": plan["wording"], "texts": shown},
        # a reversal was confirmed by nobody
        "statement": act["statement"].decode() if act["statement"] is not None else None,
        "device": key | {"device_id": device_id} if device_id else None,
        "passkey": key | {"passkey_id": passkey_id} if passkey_id else None,
    }


def _state(plan: dict[str, Any], when: str) -> dict[str, Any]:
    cards = [
        {"kpj": card["kpj"], "status": card[f"status_{when}"], "balance": card[f"balance_{when}"]}
        for card in plan["cards"]
    ]
    return {"cards": cards, "total": plan[f"total_{when}"]}
