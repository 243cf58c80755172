"""Somebody with a database role of the product who tries to undo a merge by SQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import rfc8785

from app.merges.plan import Plan, canonical, digest
from app.merges.undo_seal import seal_undo
from tests.conftest import SECRET
from tests.merges.merged import Merged


class Insider:
    """Somebody with the API's database role, and, unless told otherwise, even with a genuine signature and seal."""

    def __init__(self, merged: Merged, connection: asyncpg.Connection[asyncpg.Record], shown: dict[str, Any]) -> None:
        self.merged, self.connection = merged, connection
        self.plan = msgspec.convert({name: shown["plan"][name] for name in Plan.__struct_fields__}, Plan)
        ids = {card.kpj: str(card.card_id) for card in merged.person.cards.values()}
        self.splits = [
            {
                "entry_id": part["entry_id"],
                "to_card": ids[part["to_kpj"]],
                "amount": part["amount"],
                "rule": part["rule"],
            }
            for part in shown["splits"]
            if part["rule"] != "stays" and part["to_kpj"] in merged.merge["absorb"]
        ]

    async def undo(
        self,
        *,
        plan: Plan | None = None,
        splits: list[dict[str, Any]] | None = None,
        seal: bytes | None = None,
        **signed: Any,
    ) -> None:
        """In the transaction of the caller. `signed` replaces members of the statement."""
        participant_id, merge_id = self.merged.person.participant_id, UUID(self.merged.id)
        shown, nonce = canonical(plan or self.plan), uuid4().bytes * 2
        statement = {
            "version": 1,
            "purpose": "undo",
            "device_id": self.merged.phone.device_id,
            "merge_id": str(merge_id),
            "plan_digest": digest(shown),
            "acknowledged": [],
            "nonce": await self.connection.fetchval(
                "SELECT translate(rtrim(encode($1, 'base64'), '='), '+/', '-_')", nonce
            ),
        } | signed
        raw, confirmation_id = rfc8785.dumps(statement), uuid4()
        await self.connection.execute(
            "INSERT INTO merge_plans VALUES ($1, $2, $3, 'undo', $4, now()) ON CONFLICT DO NOTHING",
            participant_id,
            merge_id,
            digest(shown),
            shown,
        )
        await self.connection.execute(
            "INSERT INTO confirmations VALUES ($1, $2, $3, 'undo', $4, '{}', $5, $6, $7, $8, $9, now())",
            participant_id,
            confirmation_id,
            merge_id,
            digest(shown),
            UUID(self.merged.phone.device_id),
            nonce,
            raw,
            msgspec.json.encode(self.merged.phone.proof(statement)).decode(),
            bytes(32),
        )
        await self.connection.execute(
            "SELECT undo_merge($1, $2, $3, $4, $5)",
            participant_id,
            merge_id,
            confirmation_id,
            seal or seal_undo(SECRET, raw),
            msgspec.json.encode(self.splits if splits is None else splits).decode(),
        )

    async def refused(self, **change: Any) -> str | None:
        """The constraint by which an undo so changed is refused."""
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            async with self.connection.transaction():
                await self.undo(**change)
        return refused.value.constraint_name
