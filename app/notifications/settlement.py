"""What a batch came to, as the statement that settles it takes it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec


class Delivery(msgspec.Struct, frozen=True):
    """What came of one send; `tried` is 0 when nothing was sent because the phone has to wait."""

    participant_id: UUID
    cause_id: UUID
    device_id: UUID
    delivery_id: UUID
    up_to_seq: int
    state: str
    code: str | None = None
    message_id: str | None = None
    tried: int = 1


class DoneRow(msgspec.Struct, frozen=True, rename={"entry_class": "class"}):
    entry_class: int
    participant_id: UUID
    seq: int


class WaitingRow(msgspec.Struct, frozen=True, rename={"entry_class": "class"}):
    """`tried` is 1 when something was sent, 0 when the provider was known to be away."""

    entry_class: int
    participant_id: UUID
    seq: int
    tried: int
    after_s: float


class ClearedTarget(msgspec.Struct, frozen=True):
    participant_id: UUID
    device_id: UUID
    value: str
    set_at: datetime


class Settlement(msgspec.Struct):
    """Everything that one batch came to."""

    deliveries: list[Delivery] = []
    done: list[DoneRow] = []
    waiting: list[WaitingRow] = []
    cleared: list[ClearedTarget] = []

    def as_arguments(self) -> tuple[list[Delivery], list[DoneRow], list[WaitingRow], list[ClearedTarget]]:
        """The JSON arrays of the statement, which the connection encodes."""
        return self.deliveries, self.done, self.waiting, self.cleared
