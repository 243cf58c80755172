"""What is to be told to whom: outbox rows gathered into one push per cause and phone. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha1
from typing import Literal
from uuid import UUID

import msgspec

from app.notifications.row import Row
from app.notifications.wording import Text, push_text

SERIOUSNESS: tuple[Literal["security", "card", "notice"], ...] = ("security", "card", "notice")
LONGEST_WAIT_S = 600.0
SETTLED = ("accepted", "rejected")


class Target(msgspec.Struct, frozen=True, gc=False):
    """A living push target of one phone, and what came of this cause there so far."""

    device_id: UUID
    kind: Literal["fid", "token", "hms"]
    value: str
    platform: str
    locale: str
    set_at: datetime
    attempts: int
    settled: bool
    held_back: bool = False
    encryption_key: Mapping[str, str] | None = None
    failing_s: float = 0.0

    def __repr__(self) -> str:
        return f"Target(device_id={self.device_id})"


class Notification(msgspec.Struct, frozen=True, gc=False):
    """The entries of one cause: one push to each target that has not settled. No class, no push: the inbox suffices.

    `rests`: its person is quiet now, and nothing in it is mandatory.
    """

    participant_id: UUID
    cause_id: UUID
    seqs: tuple[int, ...]
    entry_class: Literal["security", "card", "notice"] | None
    targets: tuple[Target, ...]
    shown: tuple[Row, ...] = ()  # the entries themselves, for a target with a key
    rests: bool = False

    def __repr__(self) -> str:
        return f"Notification(cause_id={self.cause_id}, seqs={self.seqs})"

    @property
    def up_to_seq(self) -> int:
        return max(self.seqs)

    @property
    def from_seq(self) -> int | None:
        """Where a digest begins."""
        return None

    def text(self, locale: str) -> Text:
        """What the push says, in this language."""
        return push_text(self.entry_class or "notice", locale)

    def delivery_id(self, target: Target) -> str:
        """The same for every try of this cause on this phone, whoever sends: doubles replace themselves."""
        return derive_id(self.cause_id, str(target.device_id))


@lru_cache(maxsize=1024)  # asked for twice or more while a push is made and noted
def derive_id(cause_id: UUID, name: str) -> str:
    """`uuid5` as text, without the object, which takes longer to make than the hash."""
    digest = bytearray(sha1(cause_id.bytes + name.encode(), usedforsecurity=False).digest())
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def gather(rows: Iterable[Row], shown: Mapping[tuple[UUID, int], Row] | None = None) -> dict[UUID, list[Notification]]:
    """The notifications of each participant, in the order of their first entries; `shown`: entries by person and seq."""
    causes: dict[tuple[UUID, UUID], list[Row]] = {}
    for row in rows:
        causes.setdefault((row["participant_id"], row["cause_id"]), []).append(row)
    people: dict[UUID, list[Notification]] = {}
    for (participant_id, cause_id), own in causes.items():
        people.setdefault(participant_id, []).append(_tell(participant_id, cause_id, own, shown or {}))
    return people


def _tell(participant_id: UUID, cause_id: UUID, rows: list[Row], shown: Mapping[tuple[UUID, int], Row]) -> Notification:
    loud = [row for row in rows if is_loud(row)]
    classes = {row["entry_class"] for row in loud}
    seqs = tuple(sorted({row["seq"] for row in rows}))
    return Notification(
        participant_id=participant_id,
        cause_id=cause_id,
        seqs=seqs,
        entry_class=next((known for known in SERIOUSNESS if known in classes), None),
        targets=tuple(
            {row["device_id"]: _target(row, seqs[-1]) for row in rows if row["device_id"] is not None}.values()
        ),
        shown=tuple(shown[participant_id, seq] for seq in seqs if (participant_id, seq) in shown),
        rests=bool(loud) and all(row["rests"] for row in loud),
    )


def is_loud(row: Row) -> bool:
    """Whether this entry is to be pushed: its kind reaches the phone, and its person has neither switched it off nor seen it."""
    return row["reach"] in ("push", "ladder") and not row["hushed"]


def _target(row: Row, up_to_seq: int) -> Target:
    return Target(
        device_id=row["device_id"],
        kind=row["target_kind"],
        value=row["target_value"],
        platform=row["platform"],
        locale=row["locale"],
        set_at=row["set_at"],
        attempts=row["attempts"] or 0,
        held_back=bool(row["held_back"]),
        encryption_key=row["encryption_key"],
        failing_s=row["failing_s"] or 0.0,
        settled=row["delivered"] in SETTLED and row["delivered_up_to"] >= up_to_seq,
    )


def without_a_cut_cause(rows: Sequence[Row], limit: int) -> Sequence[Row]:
    """Leaves out the last cause of a full batch: the rest of its entries may lie behind the cut."""
    keys = {(row["participant_id"], row["seq"]) for row in rows}
    if len(keys) < limit:
        return rows
    cut = (rows[-1]["participant_id"], rows[-1]["cause_id"])
    whole = [row for row in rows if (row["participant_id"], row["cause_id"]) != cut]
    return whole or rows


def wait_s(after_s: float, attempts: int) -> float:
    """Seconds until the next try: twice as long each time, with jitter, never sooner than the provider asks."""
    grown = min(after_s * 2.0 ** min(attempts, 10), max(LONGEST_WAIT_S, after_s))
    return grown * random.uniform(1.0, 1.25)  # noqa: S311 (spreads the load, guards nothing)
