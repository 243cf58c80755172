"""What an apply function works with: one event whose turn has come, inside its transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from app.feed.event import Event
from app.feed.rejection import Rejected
from app.platform.database import Connection
from app.platform.sealing import Sealer, read_sealer
from app.platform.sql import load
from app.settings import Settings

SQL = load("feed/apply")


class Turn(msgspec.Struct, frozen=True):
    """`now` is the transaction's instant on the one clock. `admit` is there for a proposal that is one of many."""

    connection: Connection
    event: Event
    settings: Settings
    now: datetime
    admit: Admit | None = None

    @property
    def sealer(self) -> Sealer:
        return read_sealer(self.settings.data_keys)

    def nik_hash(self, nik: str) -> bytes:
        """What a participant is found by."""
        return self.sealer.look_up(nik, column="nik")


Admit = Callable[[Turn, UUID], Awaitable[None]]
"""Asked once the participant is locked, before anything is written; raises Waits."""


class Waits(Exception):
    """The time of an event has not come, for the reason `code`: nothing of it is kept."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Applied(msgspec.Struct, frozen=True):
    """Whose history may have grown, and the lane to ring: nobody's, both are None. `code` says so when nothing had to change."""

    participant_id: UUID | None
    lane: int | None
    code: str | None = None
    others: tuple[tuple[UUID, int], ...] = ()
    """Further participants whose history grew, each with the lane."""


class Owner(msgspec.Struct, frozen=True):
    """A participant and some of the cards, by number."""

    participant_id: UUID
    lane: int
    card_ids: dict[str, UUID]


def check_streams(event: Event, *, nik: str, kpjs: Iterable[str]) -> None:
    """An event is numbered in streams of what it is about. Raises Rejected (`stream_foreign`)."""
    fitting = {f"participant:{nik}", *(f"card:{kpj}" for kpj in kpjs)}
    for stream in event.streams:
        if stream not in fitting:
            kpjs_said = ", ".join(f"card {name[5:]}" for name in sorted(fitting) if name.startswith("card:"))
            raise Rejected("stream_foreign", subject=kpjs_said or "this participant", stream=stream)


def check_no_streams(event: Event) -> None:
    """An event about nobody in particular is in nobody's stream. Raises Rejected (`stream_foreign`)."""
    for stream in event.streams:
        raise Rejected("stream_foreign", subject="no participant and no card", stream=stream)


async def find_owner(turn: Turn, kpjs: list[str]) -> Owner:
    """The one participant that holds all these cards, locked from here on.

    Raises Rejected: `card_unknown`, `cards_of_different_owners`, `stream_foreign`.
    """
    rows = {row["kpj"]: row for row in await turn.connection.fetch(SQL["find_owners"], kpjs)}
    for kpj in kpjs:
        if kpj not in rows:
            raise Rejected("card_unknown", kpj=kpj)
    first = rows[kpjs[0]]
    if any(row["participant_id"] != first["participant_id"] for row in rows.values()):
        raise Rejected("cards_of_different_owners")
    nik = turn.sealer.open(first["nik_sealed"], column="nik", row=first["participant_id"])
    check_streams(turn.event, nik=nik, kpjs=kpjs)
    await turn.connection.execute(SQL["lock_participant"], first["participant_id"])
    return Owner(first["participant_id"], first["lane"], {kpj: row["card_id"] for kpj, row in rows.items()})


async def record_cause(
    turn: Turn, participant_id: UUID, *, origin: str = "core", reason: str | None = None, merge_id: UUID | None = None
) -> UUID:
    """The cause of everything that this event changes."""
    event, name = turn.event, "record_cause" if turn.admit is None else "record_bulk_cause"
    cause_id: UUID = await turn.connection.fetchval(
        SQL[name], participant_id, origin, reason, merge_id, event.id, event.occurred_at
    )
    return cause_id
