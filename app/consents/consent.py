"""What a participant agreed to, each thing by itself, and how each is taken back. Pure."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

WORDING = "2026-11"
State = Literal["in_force", "withdrawn", "carried_out", "lapsed"]


class Consent(msgspec.Struct, frozen=True):
    """One thing that was agreed to.

    `purpose`: `possible_matches` (processing that the agency does by law, to which one may object), or `merge`, `accept`,
    `undo` (a plan that was confirmed with a proof; `merge_id` says of which merge). `state`: `in_force`, `withdrawn`,
    `carried_out` (it cannot be taken back any more), or `lapsed` (nothing came of it). `withdraw` is the route that takes it
    back; null when none does.
    """

    purpose: str
    merge_id: UUID | None
    state: State
    given_at: datetime | None
    withdrawn_at: datetime | None
    text: str
    withdraw: str | None


class Agreement(msgspec.Struct, frozen=True):
    """A confirmation with what became of its merge. `stands`: it is the one that the merge is carried out by."""

    action: Literal["merge", "accept", "undo"]
    merge_id: UUID
    confirmed_at: datetime
    state: str
    undo_until: datetime | None
    stands: bool
    executed_at: datetime | None


@cache
def texts(version: str) -> dict[str, dict[str, str]]:
    """The texts of a version by purpose and language; old versions stay, so that what was shown can be shown again."""
    file = Path(__file__).parent / "wording" / f"{version}.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, str]])


def describe_agreement(agreement: Agreement, *, locale: str, now: datetime) -> Consent:
    """A confirmation as a consent: what takes it back depends on how far it has come."""
    path = f"POST /v1/merges/{agreement.merge_id}"
    state: State = "lapsed"
    withdraw = None
    if agreement.executed_at is None:
        if agreement.stands and agreement.state in ("confirmed", "reported", "disputed"):
            state, withdraw = "in_force", f"{path}/cancel" if agreement.action == "merge" else None
    elif agreement.action == "merge" and agreement.state == "undone":
        state = "withdrawn"
    elif agreement.action == "merge" and agreement.undo_until is not None and now < agreement.undo_until:
        state, withdraw = "in_force", f"{path}/undo"
    else:
        state = "carried_out"
    return Consent(
        purpose=agreement.action,
        merge_id=agreement.merge_id,
        state=state,
        given_at=agreement.confirmed_at,
        withdrawn_at=None,
        text=texts(WORDING)[agreement.action][locale],
        withdraw=withdraw,
    )
