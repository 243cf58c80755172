"""What a batch came to, as the statement that settles it takes it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """What came of one send; `tried` is 0 when nothing was sent because the phone has to wait.

    `failing_s`: the seconds that it waits now because of a fault of its own.
    """

    participant_id: UUID
    cause_id: UUID
    device_id: UUID
    delivery_id: str
    up_to_seq: int
    state: str
    code: str | None = None
    message_id: str | None = None
    tried: int = 1
    entry_class: str | None = None
    failing_s: float = 0.0


class DoneRow(msgspec.Struct, frozen=True, gc=False, rename={"entry_class": "class"}):
    entry_class: int
    participant_id: UUID
    seq: int


class WaitingRow(msgspec.Struct, frozen=True, gc=False, rename={"entry_class": "class"}):
    """`tried` is 1 when something was sent, 0 when the provider was known to be away."""

    entry_class: int
    participant_id: UUID
    seq: int
    tried: int
    after_s: float


class RestingRow(msgspec.Struct, frozen=True, gc=False, rename={"entry_class": "class"}):
    """It waits for the end of its person's quiet hours, and is written by a statement of its own before the rest."""

    entry_class: int
    participant_id: UUID
    seq: int


class ClearedTarget(msgspec.Struct, frozen=True, gc=False):
    participant_id: UUID
    device_id: UUID
    value: str
    set_at: datetime
    because: str = "unregistered"


class Settlement(msgspec.Struct):
    """Everything that one batch came to. `left` are causes by participant that got no permit: their rows stay as they are."""

    deliveries: list[Delivery] = []
    done: list[DoneRow] = []
    waiting: list[WaitingRow] = []
    cleared: list[ClearedTarget] = []
    left: set[tuple[UUID, UUID]] = msgspec.field(default_factory=set)
    resting: list[RestingRow] = []

    @property
    def sent(self) -> int:
        return sum(delivery.tried for delivery in self.deliveries)

    def as_arguments(self) -> tuple[list[Delivery], list[DoneRow], list[WaitingRow], list[ClearedTarget], int]:
        """The JSON arrays of the statement, which the connection encodes, and how many were sent."""
        return self.deliveries, self.done, self.waiting, self.cleared, self.sent
